"""What follows from the times that were measured."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.inference.benchmark.contestants import Measured
from frcrn_app.inference.request import EDGE
from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.model.complex_layers import BlockConvolution, BlockConvTranspose2d
from frcrn_app.model.fsmn import FrequencyFSMN, TimeFSMN


@dataclass(frozen=True)
class Result:
    """One contestant's figures; times are wall time in seconds."""

    name: str
    precision: str
    load: float  # from starting Python until ready
    first: float  # first call
    warm: float  # median of the calls after it
    processor_seconds: float  # of all threads, median of the same calls
    real_time_factor: float  # warm / seconds of audio
    times_reference: float | None
    gflops: float  # GFLOP/s, of the work that the plain form would have
    peak_gflops: float  # of a large matrix product in the same precision
    share_of_peak: float
    memory_loaded: float | None  # MiB of the program when it is ready
    memory_above: float | None  # MiB that calls need beyond it, at their peak
    difference: float  # from the first contestant, or the reference; over the largest sample


def result(
    measured: Measured, truth: Measured, reference: Measured | None, work: float, seconds: float
) -> Result:
    """Figures of one contestant.

    Args:
        truth: whose output its own is compared with.
        reference: whose time its own is compared with.
        work: GFLOP that a second of audio costs.
        seconds: of audio in a call.
    """
    warm = _warm(measured)
    gflops = work * seconds / warm
    return Result(
        name=measured.name,
        precision=measured.precision,
        load=measured.load,
        first=measured.calls[0][0],
        warm=warm,
        processor_seconds=statistics.median(processor for _, processor in measured.calls[1:]),
        real_time_factor=warm / seconds,
        times_reference=_warm(reference) / warm if reference else None,
        gflops=gflops,
        peak_gflops=measured.peak_gflops,
        share_of_peak=gflops / measured.peak_gflops,
        memory_loaded=measured.memory_loaded,
        memory_above=measured.memory_above,
        difference=_difference(measured.output, truth.output),
    )


def _warm(measured: Measured) -> float:
    return statistics.median(wall for wall, _ in measured.calls[1:])


def _difference(output: np.ndarray, truth: np.ndarray) -> float:
    """Largest difference over the largest sample, without the ends that the Denoiser fades."""
    length = min(output.shape[1], truth.shape[1]) - SAMPLE_RATE // 50
    inner = slice(EDGE, max(length, EDGE + 1))
    output, truth = output[:, inner].astype(np.float64), truth[:, inner].astype(np.float64)
    largest = np.abs(truth).max()
    return float(np.abs(output - truth).max() / largest) if largest else 0.0


def gflop_per_second(config: FRCRNConfig) -> float:
    """GFLOP that a second of audio costs, counted from the layers' shapes (multiply-adds twice).

    Convolutions and memories alone, in the form that does not save any: the same count for every
    implementation.
    """
    model = FRCRN(config).to("meta")
    count = 0

    def hook(module: torch.nn.Module, inputs: tuple, output: Tensor) -> None:
        nonlocal count
        if isinstance(module, BlockConvolution):
            meeting = inputs[0] if isinstance(module, BlockConvTranspose2d) else output
            weight, _ = module.real_parameters()
            count += 2 * meeting.shape[2] * meeting.shape[3] * weight.numel()
            return
        if isinstance(module, FrequencyFSMN | TimeFSMN):
            positions = output.shape[2] * output.shape[3]
            kernels = [p for n, p in module.named_parameters() if "_re_" in n and p.ndim > 1]
        elif isinstance(module, torch.nn.Conv2d):  # of blocks over time, which are real
            count += 2 * output.shape[2] * output.shape[3] * module.weight.numel()
            return
        else:
            return
        # Four real products for a complex one.
        count += 4 * 2 * positions * sum(kernel.numel() for kernel in kernels)

    for module in model.modules():
        module.register_forward_hook(hook)
    seconds = 10
    frames = seconds * SAMPLE_RATE // config.hop_length
    with torch.inference_mode():
        model.mask(torch.zeros(1, 2, config.bins, frames, device="meta"))
    return count / seconds / 1e9
