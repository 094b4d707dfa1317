"""Two recordings brought to one length, and on top of each other."""

from __future__ import annotations

import math

import numpy as np

from frcrn_app.audio import rms_dbfs
from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import PairError

MAX_CUT_SECONDS = 0.05  # difference of length that is cut off without a word of error
MAX_LAG_SECONDS = 0.1  # that is looked for

_STRETCH = 1 << 18  # samples that are transformed at once


def fit(
    clean: np.ndarray, degraded: np.ndarray, *, lag: int = 0
) -> tuple[np.ndarray, np.ndarray, float]:
    """Bring two recordings [samples] at 16 kHz to one length, and take a lag out.

    Returns both, and the length that was cut off the longer one (s).

    Args:
        clean: the clean recording.
        degraded: the one that comes `lag` samples after it (before it, if negative).

    Raises:
        PairError: if the lengths differ by more than 50 ms.
    """
    cut = abs(clean.size - degraded.size)
    shifted_clean, shifted = clean[max(0, -lag) :], degraded[max(0, lag) :]
    # A late recording may be longer by its lag, or as long and lack its end.
    if min(cut, abs(shifted_clean.size - shifted.size)) > MAX_CUT_SECONDS * SAMPLE_RATE:
        raise PairError(
            "evaluation.lengths",
            seconds=degraded.size / SAMPLE_RATE,
            clean=clean.size / SAMPLE_RATE,
            limit=MAX_CUT_SECONDS * 1000,
        )
    length = min(shifted_clean.size, shifted.size)
    return shifted_clean[:length], shifted[:length], cut / SAMPLE_RATE


def find_lag(clean: np.ndarray, degraded: np.ndarray) -> int:
    """Samples, up to 100 ms either way, by which `degraded` comes after `clean`.

    The lag at which their cross-correlation is largest in magnitude; 0 for silence.
    """
    from scipy.signal import correlate

    if rms_dbfs(clean) == -math.inf or rms_dbfs(degraded) == -math.inf:
        return 0
    reach = round(MAX_LAG_SECONDS * SAMPLE_RATE)
    # [reach + lag]: sum over n of clean[n] degraded[n + lag], stretch by stretch
    correlation = np.zeros(2 * reach + 1)
    for start in range(0, clean.size, _STRETCH):
        stretch = clean[start : start + _STRETCH].astype(np.float64)
        first, last = start - reach, start + stretch.size + reach
        around = degraded[max(0, first) : max(0, last)].astype(np.float64)
        before = max(0, -first)
        around = np.pad(around, (before, last - first - before - around.size))
        correlation += correlate(around, stretch, mode="valid", method="fft")
    return int(np.argmax(np.abs(correlation))) - reach
