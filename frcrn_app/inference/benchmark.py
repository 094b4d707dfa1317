"""How fast the network is here: load, first call, warm calls, memory, share of the peak.

Every contestant lives in a process of its own, so that its memory and its loading are its own, and
they take turns, so that whatever else the machine does falls on all of them.
"""

from __future__ import annotations

import multiprocessing
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from frcrn_app.audio import Audio
from frcrn_app.errors import UserError
from frcrn_app.inference.denoiser import EDGE, Denoiser, pick_device
from frcrn_app.inference.runtimes import load_runtime
from frcrn_app.memory import keep_freed_memory
from frcrn_app.model import FRCRN, SAMPLE_RATE, FRCRNConfig
from frcrn_app.model.level import REACH, normalisation_gain
from frcrn_app.weights import load_weights, save_weights

RANDOM = "random"  # weights: the full-size network, seeded
OURS, REFERENCE = "frcrn_app", "clearvoice"
MATRIX = 2048  # rows and columns of the product that stands for the processor's peak

Call = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Contestant:
    """An implementation with a precision."""

    runtime: str  # of `runtimes.RUNTIMES`, or REFERENCE
    precision: str  # "auto" is for the runtime "torch" alone


@dataclass(frozen=True)
class Result:
    """One contestant's figures; times are wall time in seconds."""

    name: str
    precision: str
    load: float  # from starting Python until ready
    first: float  # first call
    warm: float  # median of the calls after it
    processor_seconds: float  # of all threads, median of the same calls
    real_time_factor: float  # warm / seconds of sound
    times_reference: float | None
    gflops: float  # GFLOP/s, of the work that the plain form would have
    peak_gflops: float  # of a large matrix product in the same precision
    share_of_peak: float
    memory_loaded: float | None  # MiB of the program when it is ready
    memory_above: float | None  # MiB that calls need beyond it, at their peak
    difference: float  # from the first contestant, or the reference; over the largest sample


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
    against_reference: bool = False,
    report: Callable[[str], None] = lambda text: None,
) -> dict:
    """Measure every runtime in every precision, and the reference if asked, in turns.

    Args:
        weights: a name or path as `load_weights` takes it, or "random".
        device: "auto", "cpu", "cuda" or "cuda:N".
        precisions: of "auto", "float32", "bfloat16", "float16".
        runtimes: of `runtimes.RUNTIMES`. "torch" is measured as the whole `Denoiser`, the others as
            the network alone.
        seconds: length of each sound.
        batch: sounds at once.
        repeats: warm calls of each.
        threads: of the processor; None: as many as torch takes by itself.
        against_reference: beside the published implementation, whose code is installed apart; with
            the same weights, which must be of its size.
        report: told what is being done.

    Returns:
        "machine", "settings", and "results", a list of dicts with the fields of `Result`.

    Raises:
        UserError: something of the above is not to be had here.
    """
    device = pick_device(device)
    threads = threads or torch.get_num_threads()
    contestants = [Contestant(runtime, p) for runtime in runtimes for p in precisions]
    if against_reference:
        contestants.insert(0, Contestant(REFERENCE, "float32"))
    with tempfile.TemporaryDirectory() as folder:
        if weights == RANDOM:
            path = save_weights(Path(folder, "random.safetensors"), random_network(), half=False)
        else:
            path = load_weights(weights).entry.path
        config = load_weights(path).config
        if against_reference and config != FRCRNConfig():
            raise UserError(
                f"The reference has {FRCRNConfig().channels} channels and {FRCRNConfig().unets} "
                f"U-Nets, these weights {config.channels} and {config.unets}: compare with "
                "--weights random, or with weights of its size."
            )
        settings = {"weights": str(path), "device": device, "threads": threads, "batch": batch}
        sound = _sound(seconds, batch)
        measured = _measure(contestants, settings, sound, repeats, report)
    work = gflop_per_second(config) * seconds * batch
    reference = measured[0] if against_reference else None
    results = [asdict(_result(m, measured[0], reference, work, seconds * batch)) for m in measured]
    return {
        "machine": {
            "processor": processor_name(),
            "threads": threads,
            "device": torch.cuda.get_device_name(device) if device != "cpu" else "cpu",
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "settings": {
            "weights": weights,
            "channels": config.channels,
            "unets": config.unets,
            "seconds": seconds,
            "batch": batch,
            "repeats": repeats,
            "gflop_per_second_of_sound": gflop_per_second(config),
        },
        "results": results,
    }


def as_markdown(measured: dict) -> str:
    """The figures as a table, with what they were measured on above it."""
    settings, machine = measured["settings"], measured["machine"]
    place = machine["processor"] if machine["device"] == "cpu" else machine["device"]
    sounds = f"{settings['batch']} x {settings['seconds']:g} s of sound"
    header = (
        f"{place}, {machine['threads']} threads, torch {machine['torch']}; weights "
        f"{settings['weights']}: {settings['channels']} channels, {settings['unets']} U-Net(s); "
        f"{sounds} a call, median of {settings['repeats']} warm calls."
    )
    columns = {
        "": lambda r: r["name"],
        "precision": lambda r: r["precision"],
        "real-time factor": lambda r: f"{r['real_time_factor']:.4f}",
        "times the reference": lambda r: f"{r['times_reference']:.1f}",
        "load s": lambda r: f"{r['load']:.1f}",
        "first call s": lambda r: f"{r['first']:.2f}",
        "warm call s": lambda r: f"{r['warm']:.3f}",
        "processor s": lambda r: f"{r['processor_seconds']:.3f}",
        "GFLOP/s": lambda r: f"{r['gflops']:.0f}",
        "of matmul peak": lambda r: f"{100 * r['share_of_peak']:.0f} %",
        "loaded MiB": lambda r: f"{r['memory_loaded']:.0f}",
        "above it MiB": lambda r: f"{r['memory_above']:.0f}",
        "difference": lambda r: f"{r['difference']:.0e}",
    }
    rows = [list(columns), ["---"] * len(columns)]
    for result in measured["results"]:
        # What could not be measured here is None, which no format takes.
        rows.append([_formatted(text, result) for text in columns.values()])
    kept = [i for i in range(len(columns)) if any(row[i] for row in rows[2:])]
    table = ["| " + " | ".join(row[i] for i in kept) + " |" for row in rows]
    return "\n".join([header, "", *table]) + "\n"


def gflop_per_second(config: FRCRNConfig) -> float:
    """GFLOP that a second of sound costs, counted from the layers' shapes (multiply-adds twice).

    Convolutions and memories alone, in the form that does not save any: the same count for every
    implementation.
    """
    model = FRCRN(config).to("meta")
    count = 0

    def hook(module: torch.nn.Module, inputs: tuple, output: Tensor) -> None:
        nonlocal count
        if hasattr(module, "conv_re"):
            positions, kernels = output.shape[2] * output.shape[3], [module.conv_re.weight]
        elif hasattr(module, "tconv_re"):
            positions, kernels = inputs[0].shape[2] * inputs[0].shape[3], [module.tconv_re.weight]
        elif hasattr(module, "fsmn_re_L1"):
            positions = output.shape[2] * output.shape[3]
            kernels = [p for n, p in module.named_parameters() if "_re_" in n and p.ndim > 1]
        else:
            return
        # Four real products for a complex one.
        count += 4 * 2 * positions * sum(kernel.numel() for kernel in kernels)

    for module in model.modules():
        module.register_forward_hook(hook)
    seconds, bins = 10, config.win_length // 2 + 1
    frames = seconds * SAMPLE_RATE // config.hop_length
    with torch.inference_mode():
        model.mask(torch.zeros(1, 2, bins, frames, device="meta"))
    return count / seconds / 1e9


# Contestants, each in its process


@dataclass(frozen=True)
class _Measured:
    name: str
    precision: str
    load: float
    calls: list[tuple[float, float]]  # wall and processor seconds; the first is the first call's
    peak_gflops: float
    memory_loaded: float | None
    memory_above: float | None
    output: np.ndarray


class _Process:
    """A contestant's process; every method waits for its answer.

    Raises what went wrong in the process.
    """

    def __init__(self, contestant: Contestant, settings: dict):
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        arguments = (theirs, contestant, settings)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        began = time.perf_counter()
        self._process.start()
        theirs.close()
        self.name, self.precision, self.memory_loaded = self._answer()
        self.load = time.perf_counter() - began

    def ask(self, request: str, *arguments):
        self._connection.send((request, arguments))
        return self._answer()

    def _answer(self):
        try:
            answer = self._connection.recv()
        except EOFError:
            raise UserError(
                "A measured process ended without a word; most likely it ran out of memory: take "
                "fewer --seconds or a smaller --batch."
            ) from None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def stop(self) -> None:
        self._connection.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()


def _measure(
    contestants: list[Contestant],
    settings: dict,
    sound: Tensor,
    repeats: int,
    report: Callable[[str], None],
) -> list[_Measured]:
    processes: list[_Process] = []
    try:
        for contestant in contestants:
            report(f"{contestant.runtime}, {contestant.precision}: loading")
            processes.append(_Process(contestant, settings))
        calls, outputs, peaks = [], [], [[] for _ in processes]
        for process in processes:
            report(f"{process.name}, {process.precision}: first call")
            calls.append([process.ask("call", sound)])
            outputs.append(process.ask("output"))
        for turn in range(repeats):
            report(f"warm calls, round {turn + 1} of {repeats}")
            for i, process in enumerate(processes):
                peaks[i].append(process.ask("peak"))
                calls[i].append(process.ask("call", sound))
        return [
            _Measured(
                process.name,
                process.precision,
                process.load,
                calls[i],
                max(peaks[i]),
                process.memory_loaded,
                process.ask("memory"),
                outputs[i],
            )
            for i, process in enumerate(processes)
        ]
    finally:
        for process in processes:
            process.stop()


def _serve(connection: Connection, contestant: Contestant, settings: dict) -> None:
    """A contestant's process: makes it ready, then answers until the connection closes."""
    try:
        torch.set_num_threads(settings["threads"])
        device = settings["device"]
        name, precision, call = _make(contestant, settings)
        dtype = getattr(torch, precision)
        loaded, most = _memory(device), 0.0
        connection.send((name, precision, loaded))
        output = None
        while True:
            request, arguments = connection.recv()
            if request == "call":
                output = None  # the one before would count as this call's
                _forget_peak(device)
                began, processor = time.perf_counter(), time.process_time()
                output = call(*arguments)
                taken = time.perf_counter() - began, time.process_time() - processor
                most = max(most, _memory(device, peak=True) or 0.0)
                connection.send(taken)
            elif request == "output":
                connection.send(output.float().cpu().numpy())
            elif request == "peak":
                connection.send(_matmul_gflops(device, dtype))
            else:
                connection.send(None if loaded is None else max(0.0, most - loaded))
    except EOFError:
        pass
    except Exception as error:
        connection.send(error)


def _make(contestant: Contestant, settings: dict) -> tuple[str, str, Call]:
    """Name, precision and function of a contestant."""
    weights, device = settings["weights"], settings["device"]
    if contestant.runtime != REFERENCE:
        keep_freed_memory()  # as the commands and the demo do
    if contestant.runtime == "torch":
        batch = settings["batch"]
        denoiser = Denoiser(weights, device, contestant.precision, batch_size=batch)

        def call(sound: Tensor) -> Tensor:
            return torch.from_numpy(denoiser(Audio(sound.numpy(), SAMPLE_RATE)).samples)

        return OURS, denoiser.precision, call
    if contestant.precision == "auto":
        raise UserError("Name a --precision: only the runtime torch has an automatic one.")
    network = load_weights(weights).model
    if contestant.runtime == REFERENCE:
        return REFERENCE, "float32", _reference(network, device)
    runtime = load_runtime(contestant.runtime, network, device, contestant.precision)
    name = f"{OURS}, {contestant.runtime}"
    return name, contestant.precision, lambda sound: runtime(sound.to(device)).cpu()


def _reference(network: FRCRN, device: str) -> Call:
    """The published network, given the weights of ours."""
    try:
        from benchmarks.reference import Reference, install
    except ImportError:
        raise UserError(
            "Comparing needs the project's folder benchmarks/: run it in the project's folder."
        ) from None
    reference = Reference(install()).network()
    outcome = reference.load_state_dict(network.state_dict(), strict=False)
    if outcome.unexpected_keys:
        raise UserError("The reference does not know all of these weights.")
    reference = reference.to(device).eval()

    def call(sound: Tensor) -> Tensor:
        with torch.inference_mode():
            waveform = reference(sound.to(device))[-2]
            return waveform.reshape(len(sound), -1).cpu()

    return call


# Figures


def _result(
    measured: _Measured,
    truth: _Measured,
    reference: _Measured | None,
    work: float,
    seconds: float,
) -> Result:
    warm = statistics.median(wall for wall, _ in measured.calls[1:])
    times = None
    if reference:
        times = statistics.median(wall for wall, _ in reference.calls[1:]) / warm
    return Result(
        name=measured.name,
        precision=measured.precision,
        load=measured.load,
        first=measured.calls[0][0],
        warm=warm,
        processor_seconds=statistics.median(processor for _, processor in measured.calls[1:]),
        real_time_factor=warm / seconds,
        times_reference=times,
        gflops=work / warm,
        peak_gflops=measured.peak_gflops,
        share_of_peak=work / warm / measured.peak_gflops,
        memory_loaded=measured.memory_loaded,
        memory_above=measured.memory_above,
        difference=_difference(measured.output, truth.output),
    )


def _difference(output: np.ndarray, truth: np.ndarray) -> float:
    """Largest difference over the largest sample, without the ends that the Denoiser fades."""
    length = min(output.shape[1], truth.shape[1]) - SAMPLE_RATE // 50
    output, truth = (np.float64(x[:, EDGE : max(length, EDGE + 1)]) for x in (output, truth))
    largest = np.abs(truth).max()
    return float(np.abs(output - truth).max() / largest) if largest else 0.0


def _formatted(text: Callable[[dict], str], result: dict) -> str:
    try:
        return text(result)
    except TypeError:
        return ""


def _sound(seconds: float, batch: int) -> Tensor:
    """Seeded noise with a slow envelope, [batch, samples], that the Denoiser hears as it is: at the
    network's level and without infrasound. All contestants hear the same."""
    generator = torch.Generator().manual_seed(0)
    samples = max(1, round(seconds * SAMPLE_RATE))
    sound = torch.randn(batch, samples, generator=generator)
    sound *= 0.2 + (torch.arange(samples) / 1500).sin().abs()
    spectrum = torch.fft.rfft(sound)
    spectrum[:, : round(100 * seconds)] = 0  # below 100 Hz
    sound = torch.fft.irfft(spectrum, samples)
    # The high-pass mirrors what lies at the ends: nothing does.
    fade = min(samples // 4, 2 * REACH)
    ramp = torch.hann_window(2 * fade + 1, periodic=False)[:fade]
    sound[:, :fade] *= ramp
    sound[:, samples - fade :] *= ramp.flip(0)
    return sound * normalisation_gain(sound)


def random_network() -> FRCRN:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return FRCRN()


def _matmul_gflops(device: str, dtype: torch.dtype) -> float:
    a = torch.ones(MATRIX, MATRIX, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(3):
        _wait(device)
        began = time.perf_counter()
        a @ a
        _wait(device)
        best = min(best, time.perf_counter() - began)
    return 2 * MATRIX**3 / best / 1e9


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)


def _memory(device: str, *, peak: bool = False) -> float | None:
    """MiB of this process, on CUDA of its tensors there; at their peak since `_forget_peak`."""
    if device != "cpu":
        read = torch.cuda.max_memory_allocated if peak else torch.cuda.memory_allocated
        return read(device) / 2**20
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:  # not Linux
        return None
    name = "VmHWM:" if peak else "VmRSS:"
    line = next(line for line in status.splitlines() if line.startswith(name))
    return int(line.split()[1]) / 2**10


def _forget_peak(device: str) -> None:
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats(device)
    elif sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")


def processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
