"""What the page tells about a cleaned sound, beyond the sound itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import MetricError
from frcrn_app.web.faults import sentence

if TYPE_CHECKING:
    from frcrn_app.audio import Audio

FRAME_SECONDS = 0.02
QUIETEST = 0.2  # share of frames that count as pauses: people pause at least that much
FLOOR_DBFS = -90.0  # an original quieter than that has no noise to speak of
MAX_REDUCTION_DB = 60.0  # more is reported as this: nobody hears the difference
STRETCH = int(9.01 * SAMPLE_RATE)  # samples that DNSMOS scores at once
STRETCHES = 3  # of a longer recording that are scored: to slide over all of it takes minutes


def noise_reduction_db(original: np.ndarray, cleaned: np.ndarray, sample_rate: int) -> float | None:
    """How far the noise fell, estimated without a reference.

    The quietest fifth of the cleaned sound's frames are taken for pauses, where all that is heard
    is noise; the estimate is the fall of level from the original to the cleaned sound there.

    Args:
        original, cleaned: [channels, samples]
        sample_rate: Hz

    Returns:
        dB, at most MAX_REDUCTION_DB; None where the original is silent in the pauses.
    """
    before, after = (_frame_powers(samples, sample_rate) for samples in (original, cleaned))
    pauses = np.argsort(after, kind="stable")[: max(1, round(QUIETEST * len(after)))]
    level_before, level_after = float(before[pauses].mean()), float(after[pauses].mean())
    if level_before < 10 ** (FLOOR_DBFS / 10):
        return None
    least = level_before * 10 ** (-MAX_REDUCTION_DB / 10)
    return round(10 * math.log10(level_before / max(level_after, least)), 1)


def dnsmos_of_both(original: Audio, cleaned: Audio) -> dict:
    """DNSMOS before and after, of the whole sound or of three stretches spread over a longer one.

    Returns:
        "original" and "cleaned" with SIG, BAK and OVRL, and "stretches", how many were scored, 0
        for the whole; or "error", a sentence, where the scores are not defined.
    """
    from frcrn_app.metrics import dnsmos

    seconds = STRETCH / SAMPLE_RATE
    count = STRETCHES if original.duration > seconds + 1 else 1
    starts = np.linspace(0, max(0.0, original.duration - seconds), count) if count > 1 else [0.0]
    pieces = [[_stretch(audio, start) for audio in (original, cleaned)] for start in starts]
    found = []
    error = None
    for before, after in pieces:
        try:
            found.append((dnsmos(before), dnsmos(after)))
        except MetricError as undefined:  # such as a silent stretch
            error = undefined
    if not found:
        assert error is not None
        return {"error": sentence(error)}
    names = zip(("original", "cleaned"), zip(*found, strict=True), strict=True)
    scores = {
        name: {
            key: round(float(np.mean([one[key] for one in several])), 3)
            for key in ("SIG", "BAK", "OVRL")
        }
        for name, several in names
    }
    return scores | {"stretches": len(found) if count > 1 else 0}


def _frame_powers(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mean square of each frame over time and channels; a last, shorter one is left out."""
    length = max(1, min(samples.shape[1], round(FRAME_SECONDS * sample_rate)))
    frames = samples.shape[1] // length
    blocks = samples[:, : frames * length].reshape(len(samples), frames, length)
    return np.einsum("cfs,cfs->f", blocks, blocks, dtype=np.float64) / (len(samples) * length)


def _stretch(audio: Audio, start: float) -> np.ndarray:
    """What DNSMOS scores at once from a second on, at 16 kHz, mono, [STRETCH].

    Shorter audio is repeated; DNSMOS by itself would repeat it to several windows of the same
    sound, which costs seconds and says the same.

    Raises:
        MetricError: nothing is left of the channels' mean, though they are not silent.
    """
    from frcrn_app.audio import resample, rms_dbfs, to_mono

    first = round(start * audio.sample_rate)
    # A little more, so that the resampler's end is cut off.
    last = first + math.ceil((STRETCH / SAMPLE_RATE + 0.1) * audio.sample_rate)
    part = audio.with_samples(audio.samples[:, first:last])
    mono = to_mono(part).samples
    if rms_dbfs(mono) < FLOOR_DBFS <= rms_dbfs(part.samples):
        raise MetricError("web.channels_cancel")
    return np.resize(resample(mono, audio.sample_rate, SAMPLE_RATE)[0], STRETCH)
