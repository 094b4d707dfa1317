"""The order of surround channels: that of WAV and FFmpeg, which Vorbis and Opus do not keep."""

import numpy as np

# Where the channels of WAV stand in Vorbis (Vorbis I, 4.3.9; RFC 7845, 5.1.1.2), by their number:
# of 5.1, left, centre, right, the two at the back and the deep one come there in this order.
_IN_VORBIS = {
    3: (0, 2, 1),
    5: (0, 2, 1, 3, 4),
    6: (0, 2, 1, 5, 3, 4),
    7: (0, 2, 1, 6, 5, 3, 4),
    8: (0, 2, 1, 7, 5, 6, 3, 4),
}
_CODINGS = ("VORBIS", "OPUS")


def from_libsndfile(samples: np.ndarray, coding: str) -> np.ndarray:
    """Samples `[channels, samples]` that libsndfile decoded, in the order of WAV."""
    order = _order(len(samples), coding)
    return samples if order is None else samples[list(order)]


def for_libsndfile(samples: np.ndarray, coding: str) -> np.ndarray:
    """Samples `[channels, samples]` in the order in which libsndfile encodes them."""
    order = _order(len(samples), coding)
    return samples if order is None else samples[np.argsort(order)]


def _order(channels: int, coding: str) -> tuple[int, ...] | None:
    return _IN_VORBIS.get(channels) if coding in _CODINGS else None
