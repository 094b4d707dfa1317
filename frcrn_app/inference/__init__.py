"""How a network is run: Denoiser, its windows, the fused form, CUDA graphs, export."""

from frcrn_app.inference.denoiser import (
    EDGE,
    PRECISIONS,
    Denoiser,
    computes_in_bfloat16,
    pick_device,
    window_starts,
)
from frcrn_app.inference.fused import fuse

__all__ = [
    "EDGE",
    "PRECISIONS",
    "Denoiser",
    "computes_in_bfloat16",
    "fuse",
    "pick_device",
    "window_starts",
]
