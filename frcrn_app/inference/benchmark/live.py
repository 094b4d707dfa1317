"""How long the present frame of live streams takes, and so how many a machine can serve."""

import platform
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.inference.benchmark.machine import processor_name
from frcrn_app.inference.benchmark.run import noise
from frcrn_app.inference.streaming import LIVE_WEIGHTS, LiveDenoiser, LiveNetwork, push_together

WARM_UP = 0.2  # of the frames, which are not counted


def run_live_benchmark(
    weights: str = LIVE_WEIGHTS,
    *,
    streams: Sequence[int] = (1, 2, 4, 8),
    seconds: float = 10.0,
    threads: int = 1,
    report: Callable[[str], None] = lambda text: None,
) -> dict:
    """Measure frames of streams that advance together.

    Args:
        weights: a name or path of a causal network.
        streams: how many at once, one row each.
        seconds: of audio in each stream.
        threads: of the processor.

    Returns:
        "machine", "settings", and "results": of each number of streams the milliseconds of a frame
        (median and 99th percentile), and how much of the frame's own duration that is.

    Raises:
        UserError: there are no such weights, or they are not causal.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        network = LiveNetwork(weights)
        results = []
        for count in streams:
            report(f"{count} streams")
            results.append(_measured(network, count, seconds))
    finally:
        torch.set_num_threads(before)
    return {
        "machine": {
            "processor": processor_name(),
            "threads": threads,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "settings": {
            "weights": network.entry.name,
            "channels": network.config.channels,
            "delay_ms": 1000 * network.config.delay / SAMPLE_RATE,
            "seconds": seconds,
        },
        "results": results,
    }


def live_as_markdown(measured: dict) -> str:
    """The figures as a table, with what they were measured on above it."""
    settings, machine = measured["settings"], measured["machine"]
    lines = [
        f"{machine['processor']}, {machine['threads']} threads, torch {machine['torch']}; weights "
        f"{settings['weights']}: {settings['channels']} channels, delay "
        f"{settings['delay_ms']:.0f} ms; {settings['seconds']:g} s in frames of 20 ms.",
        "",
        "| streams | ms a frame, median | 99th percentile | real-time factor |",
        "| --- | --- | --- | --- |",
    ]
    for row in measured["results"]:
        lines.append(
            f"| {row['streams']} | {row['median_ms']:.1f} | {row['p99_ms']:.1f} "
            f"| {row['real_time_factor']:.2f} |"
        )
    return "\n".join(lines) + "\n"


def _measured(network: LiveNetwork, count: int, seconds: float) -> dict:
    live = [LiveDenoiser(network=network) for _ in range(count)]
    hop = network.config.hop_length
    noisy = noise(seconds, count).numpy()
    times = []
    for start in range(0, noisy.shape[1] - hop + 1, hop):
        began = time.perf_counter()
        push_together(
            [(stream, row[start : start + hop]) for stream, row in zip(live, noisy, strict=True)]
        )
        times.append(time.perf_counter() - began)
    warm = times[round(WARM_UP * len(times)) :]
    median = statistics.median(warm)
    return {
        "streams": count,
        "median_ms": 1000 * median,
        "p99_ms": 1000 * float(np.percentile(warm, 99)),
        "real_time_factor": median * SAMPLE_RATE / hop,
    }
