"""What is measured: implementations of the network, each in a process of its own.

So its memory and its loading are its own. Processes take turns, so that whatever else the machine
does falls on all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe

import numpy as np
import torch
from torch import Tensor

from frcrn_app.audio import Audio
from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import UserError
from frcrn_app.inference.benchmark.machine import forget_peak, matmul_gflops, memory
from frcrn_app.inference.denoiser import Denoiser
from frcrn_app.inference.runtimes import load_runtime
from frcrn_app.memory import keep_freed_memory
from frcrn_app.model import FRCRN
from frcrn_app.weights import load_weights
from frcrn_app.workers import Threads

RANDOM = "random"  # weights: the full-size network, seeded
OURS = "frcrn_app"

Call = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Settings:
    """What all contestants have in common."""

    weights: str
    device: str
    threads: int
    batch: int


@dataclass(frozen=True)
class Contestant:
    """An implementation with a precision.

    Args:
        runtime: of `runtimes.RUNTIMES`, or the name of another implementation.
        precision: "auto" is for the runtime "torch" alone.
        make: builds another implementation from the network and the device; a function at the top
            of an importable module, because it is called in the contestant's process.
    """

    runtime: str
    precision: str
    make: Callable[[FRCRN, str], Call] | None = None


@dataclass(frozen=True)
class Measured:
    """What a contestant did; times are seconds."""

    name: str
    precision: str
    load: float  # from starting Python until ready
    calls: list[tuple[float, float]]  # wall and processor seconds; the first is the first call's
    peak_gflops: float
    memory_loaded: float | None  # MiB
    memory_above: float | None
    output: np.ndarray


def measure(
    contestants: Sequence[Contestant],
    settings: Settings,
    noisy: Tensor,
    repeats: int,
    report: Callable[[str], None],
) -> list[Measured]:
    """A first call and `repeats` warm ones of each, in turns.

    Raises:
        UserError: a contestant cannot be had here.
    """
    processes: list[_Process] = []
    try:
        for contestant in contestants:
            report(f"{contestant.runtime}, {contestant.precision}: loading")
            processes.append(_Process(contestant, settings))
        calls, outputs, peaks = [], [], [[] for _ in processes]
        for process in processes:
            report(f"{process.name}, {process.precision}: first call")
            calls.append([process.ask("call", noisy)])
            outputs.append(process.ask("output"))
        for turn in range(repeats):
            report(f"warm calls, round {turn + 1} of {repeats}")
            for i, process in enumerate(processes):
                peaks[i].append(process.ask("peak"))
                calls[i].append(process.ask("call", noisy))
        return [
            Measured(
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


def random_network() -> FRCRN:
    """The full-size network, seeded."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return FRCRN()


class _Process:
    """A contestant's process; every method waits for its answer.

    Raises what went wrong in the process.
    """

    def __init__(self, contestant: Contestant, settings: Settings):
        self._connection, theirs = Pipe()
        arguments = (theirs, contestant, settings)
        context = Threads(settings.threads)
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
            raise UserError("inference.benchmark_ended") from None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def stop(self) -> None:
        self._connection.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.terminate()


def _serve(connection: Connection, contestant: Contestant, settings: Settings) -> None:
    """A contestant's process: makes it ready, then answers until the connection closes."""
    try:
        torch.set_num_threads(settings.threads)
        device = settings.device
        name, precision, call = _made(contestant, settings)
        dtype = getattr(torch, precision)
        loaded, most = memory(device), 0.0
        connection.send((name, precision, loaded))
        output = None
        while True:
            request, arguments = connection.recv()
            if request == "call":
                output = None  # the one before would count as this call's
                forget_peak(device)
                began, processor = time.perf_counter(), time.process_time()
                output = call(*arguments)
                taken = time.perf_counter() - began, time.process_time() - processor
                most = max(most, memory(device, peak=True) or 0.0)
                connection.send(taken)
            elif request == "output":
                assert output is not None
                connection.send(output.float().cpu().numpy())
            elif request == "peak":
                connection.send(matmul_gflops(device, dtype))
            else:
                connection.send(None if loaded is None else max(0.0, most - loaded))
    except EOFError:
        pass
    except Exception as error:
        connection.send(error)


def _made(contestant: Contestant, settings: Settings) -> tuple[str, str, Call]:
    """Name, precision and function of a contestant."""
    weights, device = settings.weights, settings.device
    if contestant.make is not None:
        network = load_weights(weights).model
        return contestant.runtime, contestant.precision, contestant.make(network, device)
    keep_freed_memory()  # as the commands and the demo do
    if contestant.runtime == "torch":
        denoiser = Denoiser(weights, device, contestant.precision, batch_size=settings.batch)

        def denoised(noisy: Tensor) -> Tensor:
            return torch.from_numpy(denoiser(Audio(noisy.numpy(), SAMPLE_RATE)).samples)

        return OURS, denoiser.precision, denoised
    if contestant.precision == "auto":
        raise UserError("inference.runtime_needs_precision")
    network = load_weights(weights).model
    runtime = load_runtime(contestant.runtime, network, device, contestant.precision)
    name = f"{OURS}, {contestant.runtime}"
    return name, contestant.precision, lambda noisy: runtime(noisy.to(device)).cpu()
