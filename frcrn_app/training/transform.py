"""Real Fourier transforms that keep float32, by scipy.fft, with the types that it lacks."""

from typing import cast

import numpy as np
from scipy import fft


def rfft(waveform: np.ndarray, size: int | None = None) -> np.ndarray:
    """Spectrum [..., bins] of a waveform [..., samples], padded with zeros to `size`."""
    return cast(np.ndarray, fft.rfft(waveform, size))


def irfft(spectrum: np.ndarray, size: int) -> np.ndarray:
    """Waveform [..., size] of a spectrum [..., bins]."""
    return cast(np.ndarray, fft.irfft(spectrum, size))


def fast_length(samples: int) -> int:
    """The next length up of which a transform is fast."""
    return cast(int, fft.next_fast_len(samples, real=True))
