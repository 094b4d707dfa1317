"""The band above the network's: it comes back with a gain that follows what the network did.

The network works at 16 kHz, so 44.1 and 48 kHz recordings have up to 16 kHz of band that it knows
nothing of. Fricatives reach far into it, and so does noise. What the network leaves at the top of
its own band tells the two apart from moment to moment: there a fricative passes and noise does
not. The same gain is given to the band above, frame by frame. Below 8 kHz nothing changes.
"""

from collections.abc import Iterator

import numpy as np

from frcrn_app.audio import resample
from frcrn_app.constants import SAMPLE_RATE

TOP_HZ = (4500.0, 7500.0)  # of the network's band, whose gain the band above gets
HOP, FRAME = 160, 320  # samples at 16 kHz: 10 and 20 ms
CLOSED_DB = 40.0  # of reduction at the top, from which on the band above stays shut
_BLOCK_SECONDS = 20
_MARGIN_SECONDS = 1  # of real samples on either side of a block, more than the resampler reaches


def restore_band(
    enhanced: np.ndarray,
    original: np.ndarray,
    sample_rate: int,
    network_input: np.ndarray,
    network_output: np.ndarray,
) -> None:
    """Adds the original's band above 8 kHz to an enhanced recording, in place.

    Args:
        enhanced: float32 [channels, samples] at `sample_rate`, without that band.
        original: the recording, of the same shape.
        sample_rate: Hz, above 16,000.
        network_input, network_output: at 16 kHz, float32 [channels, samples].
    """
    for channel in range(len(original)):
        gain = top_gain(network_input[channel], network_output[channel])
        for part, band in _band_above(original[channel], sample_rate, network_input[channel]):
            seconds = np.arange(part.start, part.stop) / sample_rate
            frames = (seconds * SAMPLE_RATE - FRAME / 2) / HOP  # frame t is centred on its middle
            enhanced[channel, part] += band * np.interp(frames, np.arange(len(gain)), gain)


def top_gain(noisy: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Gain of the band above by frames of 10 ms, 0 to 1, from [samples] at 16 kHz."""
    before, after = (_smooth(_top_power(samples)) for samples in (noisy, clean))
    # -100 dBFS: below lies what 16 bits round off, whose gain means nothing.
    gain = np.sqrt(after / np.maximum(before, 1e-10)).clip(0, 1)
    return np.where(gain < 10 ** (-CLOSED_DB / 20), 0, gain).astype(np.float32)


def _top_power(samples: np.ndarray) -> np.ndarray:
    """Power between `TOP_HZ` by frames, [frames]."""
    low, high = (round(edge * FRAME / SAMPLE_RATE) for edge in TOP_HZ)
    window = np.hanning(FRAME + 1)[:-1].astype(np.float32)
    padded = np.pad(samples, (0, FRAME + -len(samples) % HOP))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    power = np.empty(len(frames), np.float32)
    for start in range(0, len(frames), 4096):  # an hour at once would take a gigabyte
        spectrum = np.fft.rfft(frames[start : start + 4096] * window)[:, low : high + 1]
        power[start : start + 4096] = np.square(np.abs(spectrum)).mean(1)
    return power / (window**2).sum()


def _smooth(power: np.ndarray) -> np.ndarray:
    """Weighted mean over five frames: the power of noise alone varies from frame to frame."""
    weights = np.array([1, 2, 3, 2, 1], np.float32) / 9
    return np.convolve(np.pad(power, 2, mode="edge"), weights, mode="valid")


def _band_above(
    original: np.ndarray, sample_rate: int, noisy: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    """What `original` [samples] has and its version at 16 kHz has not, part by part."""
    divisor = np.gcd(sample_rate, SAMPLE_RATE)
    block = _BLOCK_SECONDS * (sample_rate // divisor) * divisor
    margin = _MARGIN_SECONDS
    for start in range(0, len(original), block):
        stop = min(start + block, len(original))
        first = max(0, start // sample_rate - margin)  # s
        last = -(-stop // sample_rate) + margin
        low = resample(noisy[first * SAMPLE_RATE : last * SAMPLE_RATE], SAMPLE_RATE, sample_rate)
        low = low[start - first * sample_rate :][: stop - start]
        band = original[start:stop].copy()
        band[: len(low)] -= low
        yield slice(start, stop), band
