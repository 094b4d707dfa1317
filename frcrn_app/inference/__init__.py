"""How a network is run: Denoiser, its windows, the fused form, CUDA graphs, streaming, export."""

from frcrn_app.inference.denoiser import Denoiser
from frcrn_app.inference.fused import fuse
from frcrn_app.inference.precision import PRECISIONS, computes_in_bfloat16, pick_device
from frcrn_app.inference.request import EDGE, Order, Request
from frcrn_app.inference.streaming import (
    LIVE_WEIGHTS,
    LiveDenoiser,
    LiveNetwork,
    push_together,
)
from frcrn_app.inference.windows import window_starts

__all__ = [
    "EDGE",
    "LIVE_WEIGHTS",
    "PRECISIONS",
    "Denoiser",
    "LiveDenoiser",
    "LiveNetwork",
    "Order",
    "Request",
    "computes_in_bfloat16",
    "fuse",
    "pick_device",
    "push_together",
    "window_starts",
]
