"""The network where it computes now: its inference form on a device, in a precision."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from frcrn_app.inference.fused import FusedFRCRN, fuse
from frcrn_app.inference.graphs import GraphedNetwork
from frcrn_app.model import FRCRN


@dataclass(frozen=True)
class Placement:
    """Device and precision, with what computes there."""

    device: str
    precision: str
    model: FusedFRCRN
    compute: Callable[[torch.Tensor, Callable[[], None]], torch.Tensor]

    @classmethod
    def of(cls, network: FRCRN, device: str, precision: str) -> Placement:
        """A network's form for "cpu" or "cuda:N", in "float32", "bfloat16" or "float16"."""
        model = fuse(network.to(device), getattr(torch, precision))
        compute = model if device == "cpu" else GraphedNetwork(model)
        return cls(device, precision, model, compute)

    @torch.inference_mode()
    def start(self, windows: np.ndarray, on_layer: Callable[[], None]) -> Callable[[], np.ndarray]:
        """Starts the network on windows [B, samples]; returns what waits for the result.

        Args:
            windows: float32, at the network's level.
            on_layer: called after each layer; what it raises ends this.
        """
        global _computed
        _computed = True
        on_host = torch.from_numpy(windows)
        if self.device == "cpu":
            enhanced = self.compute(on_host, on_layer).numpy()
            return lambda: enhanced
        # From and to page-locked memory the card copies by itself, without holding up this thread.
        on_card = on_host.pin_memory().to(self.device, non_blocking=True)
        enhanced = self.compute(on_card, on_layer)
        landed = torch.empty(enhanced.shape, pin_memory=True)
        landed.copy_(enhanced, non_blocking=True)
        done = torch.cuda.Event()
        done.record(torch.cuda.current_stream(self.device))

        def wait() -> np.ndarray:
            done.synchronize()
            return landed.numpy()

        return wait


_computed = False  # in this process, which has threads of arithmetic since then


def _after_fork() -> None:
    """A fork has none of its parent's threads, and libgomp would wait for them for ever."""
    if _computed:
        torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)
