"""How loud audio is, as ITU-R BS.1770 hears it."""

from __future__ import annotations

import math

import numpy as np

_BLOCK_SECONDS = 0.4  # of the recommendation's gating; what is shorter is measured with silence


def loudness(samples: np.ndarray, sample_rate: int) -> float:
    """Integrated loudness in LUFS of samples `[channels, samples]` or `[samples]`.

    -inf for silence, and for what the gate of -70 LUFS leaves nothing of.
    """
    from pyloudnorm import Meter

    channels = np.atleast_2d(samples)
    lacking = math.ceil(_BLOCK_SECONDS * sample_rate) - channels.shape[1]
    if lacking > 0:
        channels = np.pad(channels, ((0, 0), (0, lacking)))
    if not channels.any():
        return -math.inf
    return float(Meter(sample_rate).integrated_loudness(channels.T))
