"""What audio must be like to be scored: 16 kHz, mono, finite, not silent."""

from __future__ import annotations

import math

import numpy as np

from frcrn_app.audio import rms_dbfs
from frcrn_app.errors import MetricError

SILENCE_DBFS = -90.0  # below this rms (half a 16-bit step is -96) a recording counts as silent

CLEAN = MetricError("metrics.clean")
SCORED = MetricError("metrics.scored")


def checked(samples: np.ndarray, which: MetricError = SCORED) -> np.ndarray:
    """The audio as float64 [samples], or MetricError where nothing can be scored on it."""
    samples = np.asarray(samples)
    if samples.ndim != 1:
        raise MetricError("metrics.axes", which=which, axes=samples.ndim)
    if samples.size == 0:
        raise MetricError("metrics.empty", which=which)
    samples = samples.astype(np.float64)
    if not np.isfinite(samples).all():
        raise MetricError("metrics.not_finite", which=which)
    if rms_dbfs(samples) < SILENCE_DBFS:
        raise MetricError("metrics.silent", which=which, level=SILENCE_DBFS)
    return samples


def checked_pair(clean: np.ndarray, degraded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 [samples] of one length, or MetricError."""
    clean, degraded = checked(clean, CLEAN), checked(degraded)
    if clean.size != degraded.size:
        raise MetricError("metrics.lengths", clean=clean.size, scored=degraded.size)
    return clean, degraded


def finite(value: float, metric: str) -> float:
    """The value, or MetricError where a package returned no number."""
    if not math.isfinite(value):
        raise MetricError("metrics.no_number", metric=metric, value=value)
    return float(value)
