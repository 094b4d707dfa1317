"""Where the windows of a long recording lie, and how they become one again."""

import numpy as np

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.model import FRCRNConfig

# The released pipelines pass up to 120 s at once, which costs the embedded network a gigabyte.
# Longer recordings, which themselves take room, go in shorter windows.
WHOLE_SECONDS, WINDOW_SECONDS = 120.0, 40.0
OVERLAP = 2 * SAMPLE_RATE  # samples that neighbouring windows share
# Within the overlap the second window's memory (39 frames, 0.8 s) fills up before it is used,
# and the first is left before it runs out of following frames.
FADE_START = SAMPLE_RATE  # samples after the second window's start
FADE = SAMPLE_RATE // 2  # samples


def window_starts(samples: int, window: int) -> list[int]:
    """First samples of the windows over a recording; the last is moved back to full length."""
    if samples <= window:
        return [0]
    step = window - OVERLAP
    starts = list(range(0, samples - window, step))
    return [*starts, samples - window]


def window_length(seconds: float, config: FRCRNConfig) -> int:
    """Samples of a window of so many seconds: whole hops, and room for both overlaps."""
    samples = max(seconds * SAMPLE_RATE, 2 * OVERLAP)
    hops = -(-int(samples) // config.hop_length)
    return max(hops * config.hop_length, config.win_length)


def cross_fade(enhanced: np.ndarray, window: np.ndarray, start: int) -> None:
    """Writes a window over what the windows before it left, fading from theirs to its own."""
    window = window[: len(enhanced) - start]
    if start == 0:
        enhanced[: len(window)] = window
        return
    fade = np.linspace(0, 1, FADE + 2, dtype=np.float32)[1:-1]
    begin, end = start + FADE_START, start + FADE_START + FADE
    before = enhanced[begin:end]
    before += fade * (window[FADE_START : FADE_START + FADE] - before)
    enhanced[end : start + len(window)] = window[FADE_START + FADE :]
