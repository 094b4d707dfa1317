"""Where the windows of a long recording lie, and how they become one again."""

import numpy as np

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.model import FRCRNConfig

AS_RELEASED = (120.0, 40.0)  # seconds; the released pipelines pass up to 120 s at once
ONE_SCENE = (20.0, 15.0)
MEMORY = (40.0, 40.0)  # where nothing else asks for windows
OVERLAP = 2 * SAMPLE_RATE  # samples that neighbouring windows share
# Within the overlap the second window's memory (39 frames, 0.8 s) fills up before it is used,
# and the first is left before it runs out of following frames.
FADE_START = SAMPLE_RATE  # samples after the second window's start
FADE = SAMPLE_RATE // 2  # samples


def default_seconds(config: FRCRNConfig) -> tuple[float, float]:
    """Of the longest audio that passes whole, and of the windows of longer audio at most.

    Where attention averages over a whole window, it serves best where that is one scene. Limited
    attention, and that of causal networks, which forgets, hears the same in windows of any length.
    The released network gets what the released pipelines give it; networks of more inputs are this
    project's.
    """
    if config.inputs == 1:
        return AS_RELEASED
    return MEMORY if config.attention or config.causal else ONE_SCENE


def window_starts(samples: int, window: int) -> list[int]:
    """First samples of the windows over a recording; the last is moved back to full length."""
    if samples <= window:
        return [0]
    step = window - OVERLAP
    starts = list(range(0, samples - window, step))
    return [*starts, samples - window]


def longest_samples(seconds: float, config: FRCRNConfig) -> int:
    """Samples of a window of so many seconds: whole hops, and room for both overlaps."""
    samples = max(seconds * SAMPLE_RATE, 2 * OVERLAP)
    hops = -(-int(samples) // config.hop_length)
    return max(hops * config.hop_length, config.win_length)


def window_length(samples: int, whole: int, longest: int) -> int:
    """Samples of the windows of a recording: as few as `longest` allows share it evenly.

    Whole seconds, so that different recordings have windows of the same length.

    Args:
        samples: of the recording.
        whole: up to which it is its own only window.
        longest: of a window; from `longest_samples`, as is `whole`.
    """
    if samples <= whole:
        return samples
    windows = -(-(samples - OVERLAP) // (longest - OVERLAP))
    share = -(-(samples + (windows - 1) * OVERLAP) // windows)
    return min(max(-(-share // SAMPLE_RATE) * SAMPLE_RATE, 2 * OVERLAP), longest)


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
