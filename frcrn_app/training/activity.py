"""Which part of a waveform at 16 kHz is active, and how strong that is."""

import numpy as np

FRAME = 320  # samples: 20 ms, the unit in which speech is found active
ACTIVE_RANGE_DB = 40.0  # frames this far below the loudest one are pauses
SILENT_POWER = 1e-8  # -80 dBFS: what a recording holds there is dither, not to be amplified


def active_power(samples: np.ndarray) -> float:
    """Mean power of the frames within `ACTIVE_RANGE_DB` of the loudest one, of `[samples]`."""
    power = _frame_powers(samples)
    active = power >= power.max() * 10 ** (-ACTIVE_RANGE_DB / 10)
    return float(power[active].mean())


def is_silent(samples: np.ndarray) -> bool:
    """Whether no frame of `[samples]` has more power than dither; a rest of a frame counts none."""
    powers = _frame_powers(samples)
    return not len(powers) or float(powers.max()) < SILENT_POWER


def _frame_powers(samples: np.ndarray) -> np.ndarray:
    whole = len(samples) // FRAME * FRAME
    frames = samples[:whole].reshape(-1, FRAME)
    return np.einsum("tn,tn->t", frames, frames) / FRAME
