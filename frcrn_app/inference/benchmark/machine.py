"""What a machine is, what it can do at best, and what a process takes of it."""

import platform
import sys
import time
from pathlib import Path

import torch

MATRIX = 2048  # rows and columns of the product that stands for the processor's peak


def processor_name() -> str:
    """The processor by its maker's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def matmul_gflops(device: str, dtype: torch.dtype) -> float:
    """GFLOP/s of a large matrix product, the best of three."""
    a = torch.ones(MATRIX, MATRIX, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(3):
        _wait(device)
        began = time.perf_counter()
        _ = a @ a
        _wait(device)
        best = min(best, time.perf_counter() - began)
    return 2 * MATRIX**3 / best / 1e9


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)


def memory(device: str, *, peak: bool = False) -> float | None:
    """MiB of this process, on CUDA of its tensors there; at their peak since `forget_peak`."""
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


def forget_peak(device: str) -> None:
    """Lets `memory` count its peak from now on."""
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats(device)
    elif sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")
