"""A Denoiser of the engine as an evaluation uses it: in turn with everyone else's recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from frcrn_app import isolation
from frcrn_app.audio import Audio
from frcrn_app.metrics import SAMPLE_RATE

if TYPE_CHECKING:
    from frcrn_app.web.engine import Engine


class QueuedDenoiser:
    """Called and described like a Denoiser; all its calls run with the same weights.

    Raises:
        CheckpointError: no such weights, not here yet, or their file cannot be used.
    """

    def __init__(
        self,
        engine: Engine,
        weights: str,
        visitor: str = "",
        abandoned: Callable[[], bool] | None = None,
    ):
        denoiser = engine.get(weights)
        self.entry, self.sha256, self.config = denoiser.entry, denoiser.sha256, denoiser.config
        self.device, self.precision = denoiser.device, denoiser.precision
        self.parameters = denoiser.parameters
        self.elapsed: float | None = None  # s that the last call worked, its wait left out
        self._engine, self._visitor, self._abandoned = engine, visitor, abandoned
        # By name: "auto" may mean other weights by the time that the last file is cleaned.
        self._weights = denoiser.entry.name

    def warm_up(self) -> None:
        self(Audio(np.zeros((1, SAMPLE_RATE), np.float32), SAMPLE_RATE))

    def read(self, path: Path, max_seconds: float) -> Audio:
        """A visitor's file, read where it can do no harm; raises as `read_recording` does."""
        return isolation.read_recording(
            path,
            max_seconds=max_seconds,
            budget=self._engine.guard.budget,
            visitor=self._visitor,
            cancelled=self._abandoned,
        )

    def __call__(
        self,
        audio: Audio,
        strength: float = 1.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> Audio:
        job = self._engine.submit(
            audio,
            strength,
            self._weights,
            progress,
            visitor=self._visitor,
            abandoned=self._abandoned,
        )
        enhanced = job.result()
        self.elapsed = job.seconds
        return enhanced
