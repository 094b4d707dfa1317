"""The benchmark from its question to its figures."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.inference.benchmark.contestants import (
    RANDOM,
    Contestant,
    Settings,
    measure,
    random_network,
)
from frcrn_app.inference.benchmark.figures import gflop_per_second, result
from frcrn_app.inference.benchmark.machine import processor_name
from frcrn_app.inference.precision import pick_device
from frcrn_app.model import REACH, normalisation_gain
from frcrn_app.scratch import Scratch
from frcrn_app.weights import load_weights, save_weights


def run_benchmark(
    weights: str = "auto",
    *,
    device: str = "auto",
    precisions: Sequence[str] = ("auto",),
    runtimes: Sequence[str] = ("torch",),
    seconds: float = 10.0,
    batch: int = 1,
    repeats: int = 5,
    threads: int | None = None,
    against: Contestant | None = None,
    report: Callable[[str], None] = lambda text: None,
) -> dict:
    """Measure every runtime in every precision, and another implementation if given, in turns.

    Args:
        weights: a name or path as `load_weights` takes it, or "random".
        device: "auto", "cpu", "cuda" or "cuda:N".
        precisions: of "auto", "float32", "bfloat16", "float16".
        runtimes: of `runtimes.RUNTIMES`. "torch" is measured as the whole `Denoiser`, the others as
            the network alone.
        seconds: length of each recording.
        batch: recordings at once.
        repeats: warm calls of each.
        threads: of the processor; None: as many as torch takes by itself.
        against: another implementation, which the others are compared with.
        report: told what is being done.

    Returns:
        "machine", "settings", and "results", a list of dicts with the fields of `Result`.

    Raises:
        UserError: this machine does not have something of the above.
    """
    device, threads = pick_device(device), threads or torch.get_num_threads()
    contestants = [against] if against else []
    contestants += [Contestant(runtime, p) for runtime in runtimes for p in precisions]
    with Scratch("benchmark") as folder:
        path = _weights_file(weights, Path(folder))
        config = load_weights(path).config
        settings = Settings(path, device, threads, batch)
        measured = measure(contestants, settings, noise(seconds, batch), repeats, report)
    work = gflop_per_second(config)
    results = [
        result(each, measured[0], measured[0] if against else None, work, seconds * batch)
        for each in measured
    ]
    return {
        "machine": _machine(device, threads),
        "settings": {
            "weights": weights,
            "channels": config.channels,
            "unets": config.unets,
            "seconds": seconds,
            "batch": batch,
            "repeats": repeats,
            "gflop_per_second_of_audio": work,
        },
        "results": [asdict(each) for each in results],
    }


def _weights_file(weights: str, folder: Path) -> str:
    """The file that every contestant loads; random weights are written into `folder`."""
    if weights == RANDOM:
        return str(save_weights(folder / "random.safetensors", random_network(), half=False))
    return str(load_weights(weights).entry.path)


def _machine(device: str, threads: int) -> dict:
    return {
        "processor": processor_name(),
        "threads": threads,
        "device": torch.cuda.get_device_name(device) if device != "cpu" else "cpu",
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def noise(seconds: float, batch: int) -> Tensor:
    """Seeded noise with a slow envelope, [batch, samples], which the Denoiser leaves as it is: at
    the network's level and without infrasound. All contestants get the same."""
    generator = torch.Generator().manual_seed(0)
    samples = max(1, round(seconds * SAMPLE_RATE))
    noisy = torch.randn(batch, samples, generator=generator)
    noisy *= 0.2 + (torch.arange(samples) / 1500).sin().abs()
    spectrum = torch.fft.rfft(noisy)
    spectrum[:, : round(100 * seconds)] = 0  # below 100 Hz
    noisy = torch.fft.irfft(spectrum, samples)
    # The high-pass mirrors what lies at the ends: nothing does.
    fade = min(samples // 4, 2 * REACH)
    ramp = torch.hann_window(2 * fade + 1, periodic=False)[:fade]
    noisy[:, :fade] *= ramp
    noisy[:, samples - fade :] *= ramp.flip(0)
    return noisy * normalisation_gain(noisy)
