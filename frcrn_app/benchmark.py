"""How fast the network is here: load, first call, warm calls, memory, share of the peak."""

from __future__ import annotations

import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from .checkpoints import load_weights
from .errors import UserError
from .model import FRCRN, SAMPLE_RATE, FRCRNConfig
from .model.fuse import fuse
from .model.level import LEVEL_DBFS

MATRIX = 2048  # rows and columns of the product that stands for the processor's peak


@dataclass(frozen=True)
class Result:
    """One implementation's figures; seconds are of wall time."""

    name: str
    precision: str
    load: float
    first: float
    median: float
    real_time_factor: float
    gflops: float
    share_of_peak: float
    peak_memory_mib: float


def gflop_per_second(config: FRCRNConfig) -> float:
    """GFLOP that a second of sound costs, counted from the layers' shapes (multiply-adds twice).

    Convolutions and memories alone, in the form that does not save any: the same count for every
    implementation.
    """
    model = FRCRN(config)
    count = 0

    def hook(module: torch.nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        nonlocal count
        if hasattr(module, "conv_re"):
            kernel = module.conv_re.weight
            count += 4 * 2 * kernel.numel() * output.shape[2] * output.shape[3]
        elif hasattr(module, "tconv_re"):
            kernel = module.tconv_re.weight
            count += 4 * 2 * kernel.numel() * inputs[0].shape[2] * inputs[0].shape[3]
        elif hasattr(module, "fsmn_re_L1"):
            layers = [getattr(module, n) for n in dir(module) if n.startswith("fsmn_re_L")]
            for layer in layers:
                size = sum(p.numel() for p in layer.parameters() if p.ndim > 1)
                count += 4 * 2 * size * output.shape[2] * output.shape[3]

    for module in model.modules():
        module.register_forward_hook(hook)
    with torch.inference_mode():
        model(torch.zeros(1, 4 * SAMPLE_RATE))
    return count / 4 / 1e9


def matmul_peak(device: str, dtype: torch.dtype) -> float:
    """GFLOP/s of a large square matrix product, best of five."""
    a = torch.randn(MATRIX, MATRIX, device=device).to(dtype)
    best = float("inf")
    for _ in range(6):
        began = time.perf_counter()
        a @ a
        _wait(device)
        best = min(best, time.perf_counter() - began)
    return 2 * MATRIX**3 / best / 1e9


def run_benchmark(
    weights: str | None = None,
    *,
    device: str = "cpu",
    precisions: Sequence[str] = ("float32", "bfloat16"),
    seconds: float = 10.0,
    batch: int = 1,
    repeats: int = 5,
    reference: Callable[[], torch.nn.Module] | None = None,
    report: Callable[[str], None] = lambda text: None,
) -> dict:
    """Measure each precision, and the reference where there is one, in turns in this process.

    Args:
        weights: a name or path; None: the full-size network with seeded random weights.
        device: "cpu", "cuda" or "cuda:N".
        precisions: of "float32", "bfloat16", "float16".
        seconds: length of the sound.
        batch: sounds at once.
        repeats: warm calls of each, one of each at a time; medians are taken.
        reference: makes the reference's network, of the full size; it gets the same weights.
        report: told what is being done.

    Returns:
        "machine", "settings", "peaks" (GFLOP/s by precision) and "results" (a list of dicts with
        the fields of `Result`).

    Raises:
        UserError: a reference beside weights that are not of its size.
    """
    torch.manual_seed(0)
    began = time.perf_counter()
    network = load_weights(weights).model if weights else _random_network()
    load_network = time.perf_counter() - began
    config = network.config
    if reference and config != FRCRNConfig():
        raise UserError(
            "The reference has one size: leave --weights out, or name full-size weights."
        )
    level = 10 ** (LEVEL_DBFS / 20)
    sound = (level * torch.randn(batch, round(seconds * SAMPLE_RATE))).to(device)
    runs: list[tuple[str, str, float, Callable[[], object], float]] = []
    memory = {}
    for precision in precisions:
        began = time.perf_counter()
        fused = fuse(network.to(device), getattr(torch, precision))
        load = load_network + time.perf_counter() - began
        runs.append(("this project", precision, load, _call(fused, sound), 0.0))
    if reference:
        began = time.perf_counter()
        theirs = reference().to(device)
        theirs.load_state_dict(network.state_dict(), strict=False)
        load = time.perf_counter() - began
        runs.append(("reference", "float32", load, _call(theirs, sound), 0.0))
    first, warm = {}, {i: [] for i in range(len(runs))}
    for i, (name, precision, _, call, _) in enumerate(runs):
        report(f"{name}, {precision}: first call")
        before = _peak_memory(device)
        first[i] = _timed(call, device)
        memory[i] = _peak_memory(device) - before
    for turn in range(repeats):
        report(f"warm calls, round {turn + 1} of {repeats}")
        for i, run in enumerate(runs):
            warm[i].append(_timed(run[3], device))
    peaks = {p: matmul_peak(device, getattr(torch, p)) for p in {run[1] for run in runs}}
    work = gflop_per_second(config) * seconds * batch
    results = []
    for i, (name, precision, load, _, _) in enumerate(runs):
        median = statistics.median(warm[i])
        results.append(
            Result(
                name,
                precision,
                load,
                first[i],
                median,
                median / (seconds * batch),
                work / median,
                work / median / peaks[precision],
                memory[i],
            ).__dict__
        )
    return {
        "machine": {
            "processor": platform.machine(),
            "threads": torch.get_num_threads(),
            "device": torch.cuda.get_device_name(device) if device.startswith("cuda") else "cpu",
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "settings": {
            "weights": weights or "random, seeded",
            "channels": config.channels,
            "unets": config.unets,
            "seconds": seconds,
            "batch": batch,
            "repeats": repeats,
            "gflop_per_second_of_sound": gflop_per_second(config),
        },
        "peaks_gflops": peaks,
        "results": results,
    }


def as_markdown(measured: dict) -> str:
    """The figures as a table."""
    settings, machine = measured["settings"], measured["machine"]
    reference = next((r for r in measured["results"] if r["name"] == "reference"), None)
    lines = [
        f"{settings['channels']} channels, {settings['unets']} U-Net(s), "
        f"{settings['seconds']:g} s of sound, batch {settings['batch']}, "
        f"{machine['threads']} threads, {machine['device']}, torch {machine['torch']}",
        "",
        "| | precision | real-time factor | times the reference | load s | first s | warm s "
        "| GFLOP/s | of peak | memory MiB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in measured["results"]:
        ratio = f"{reference['median'] / r['median']:.1f}" if reference else ""
        lines.append(
            f"| {r['name']} | {r['precision']} | {r['real_time_factor']:.4f} | {ratio} "
            f"| {r['load']:.2f} | {r['first']:.2f} | {r['median']:.3f} | {r['gflops']:.0f} "
            f"| {100 * r['share_of_peak']:.0f} % | {r['peak_memory_mib']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def _random_network() -> FRCRN:
    return FRCRN().eval().requires_grad_(False)


def _call(network: torch.nn.Module, sound: torch.Tensor) -> Callable[[], object]:
    def call() -> object:
        with torch.inference_mode():
            return network(sound)

    return call


def _timed(call: Callable[[], object], device: str) -> float:
    began = time.perf_counter()
    call()
    _wait(device)
    return time.perf_counter() - began


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def _peak_memory(device: str) -> float:
    """MiB: of the device where it is CUDA, else of this process, which never falls."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device) / 2**20
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
