"""How fast the network is here: load, first call, warm calls, memory, share of the peak."""

from frcrn_app.inference.benchmark.contestants import (
    RANDOM,
    Call,
    Contestant,
    random_network,
)
from frcrn_app.inference.benchmark.figures import gflop_per_second
from frcrn_app.inference.benchmark.live import live_as_markdown, run_live_benchmark
from frcrn_app.inference.benchmark.machine import processor_name
from frcrn_app.inference.benchmark.run import run_benchmark
from frcrn_app.inference.benchmark.table import as_markdown

__all__ = [
    "RANDOM",
    "Call",
    "Contestant",
    "as_markdown",
    "gflop_per_second",
    "live_as_markdown",
    "processor_name",
    "random_network",
    "run_benchmark",
    "run_live_benchmark",
]
