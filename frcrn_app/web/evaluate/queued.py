"""A Denoiser of the engine as an evaluation uses it: in turn with everyone else's recordings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from frcrn_app.audio import Audio
from frcrn_app.metrics import SAMPLE_RATE

if TYPE_CHECKING:
    from frcrn_app.web.engine import Engine


class QueuedDenoiser:
    """Called and described like a Denoiser; all its calls run with the same weights.

    Raises:
        CheckpointError: no such weights, not here yet, or their file cannot be used.
    """

    def __init__(self, engine: Engine, weights: str):
        denoiser = engine.get(weights)
        self.entry, self.sha256, self.config = denoiser.entry, denoiser.sha256, denoiser.config
        self.device, self.precision = denoiser.device, denoiser.precision
        self.parameters = denoiser.parameters
        self.elapsed: float | None = None  # s that the last call worked, its wait left out
        self._engine = engine
        # By name: "auto" may mean other weights by the time that the last file is cleaned.
        self._weights = denoiser.entry.name

    def warm_up(self) -> None:
        self(Audio(np.zeros((1, SAMPLE_RATE), np.float32), SAMPLE_RATE))

    def __call__(
        self,
        audio: Audio,
        strength: float = 1.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> Audio:
        job = self._engine.submit(audio, strength, self._weights, progress)
        enhanced = job.result()
        self.elapsed = job.seconds
        return enhanced
