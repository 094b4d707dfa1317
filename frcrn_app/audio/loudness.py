"""How loud audio is, as ITU-R BS.1770 hears it, and audio brought to a loudness."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np

from frcrn_app.audio.types import Audio, Note
from frcrn_app.errors import AudioError

LOUDNESS_TARGETS = (-16.0, -19.0, -23.0)  # LUFS: podcasts in stereo, in mono, EBU R 128
LOUDNESS_RANGE = (-50.0, -5.0)  # LUFS, of the targets that can be asked for
HIGHEST_PEAK = -1.0  # dBTP that audio brought to a loudness has at most

_BLOCK_SECONDS = 0.4  # of the recommendation's gating; what is shorter is measured with silence
_STEP_SECONDS = 0.1  # from one block to the next
_SILENCE, _GATE = -70.0, -10.0  # LUFS; LU below what is not silent
_LEFT_OUT = 3  # the channel of low-frequency effects, where there are more than five
_SURROUND = 1.41  # weight of the channels behind the first three
_PIECE_STEPS = 600  # measured at once, so that memory stays small
_LEAD_STEPS = 5  # in which the weighting filter settles
_OVERSAMPLING = 4
_PIECE_SAMPLES, _MARGIN = 1 << 18, 64  # of the search for peaks; the filter reaches 10 samples
_NEAR = 0.05  # dB that a gain may be off without a word


def loudness(samples: np.ndarray, sample_rate: int) -> float:
    """Integrated loudness in LUFS of samples `[channels, samples]` or `[samples]`.

    -inf for silence, and for what the gate of -70 LUFS leaves nothing of.

    Raises:
        AudioError: pyloudnorm is not installed.
    """
    channels = np.atleast_2d(samples)
    lacking = math.ceil(_BLOCK_SECONDS * sample_rate) - channels.shape[1]
    if lacking > 0:
        channels = np.pad(channels, ((0, 0), (0, lacking)))
    blocks: np.ndarray | float = 0.0
    for channel, weight in zip(channels, _weights(len(channels)), strict=True):
        if weight:
            blocks = blocks + weight * np.concatenate(list(_powers(channel, sample_rate)))
    heard = np.asarray(blocks)
    for gate in (lambda _: _SILENCE, lambda level: level + _GATE):
        heard = heard[heard > _power(gate(_level(heard)))]
    return _level(heard)


def true_peak(samples: np.ndarray) -> float:
    """The highest peak between the samples, in dBTP, by four-fold oversampling; -inf of silence.

    Raises:
        AudioError: pyloudnorm, and scipy with it, is not installed.
    """
    try:
        from scipy.signal import resample_poly
    except ImportError:
        raise AudioError("audio.loudness_missing") from None
    highest = 0.0
    for channel in np.atleast_2d(samples):
        for start in range(0, len(channel), _PIECE_SAMPLES):
            first = max(0, start - _MARGIN)
            piece = channel[first : start + _PIECE_SAMPLES + _MARGIN]
            highest = max(highest, float(np.abs(resample_poly(piece, _OVERSAMPLING, 1)).max()))
    return 20 * math.log10(highest) if highest > 0 else -math.inf


def check_loudness(target: float | None) -> float | None:
    """The target, if it is one; raises AudioError for others, or where pyloudnorm is missing."""
    lowest, highest = LOUDNESS_RANGE
    if target is not None and not lowest <= target <= highest:  # which NaN is not, either
        raise AudioError("audio.loudness_target", target=target, lowest=lowest, highest=highest)
    if target is not None and find_spec("pyloudnorm") is None:
        raise AudioError("audio.loudness_missing")
    return target


def to_loudness(audio: Audio, target: float) -> Audio:
    """Audio at a loudness in LUFS, its true peak at most -1 dBTP; silence stays as it is.

    What could not be reached, because a peak stands in the way, is noted.

    Raises:
        AudioError: the target is none, or pyloudnorm is not installed.
    """
    check_loudness(target)
    measured = loudness(audio.samples, audio.sample_rate)
    if measured == -math.inf:
        return audio.noted(Note("audio.note.loudness_silent"))
    gain = target - measured
    room = HIGHEST_PEAK - true_peak(audio.samples)
    louder = audio.with_samples(audio.samples * np.float32(10 ** (min(gain, room) / 20)))
    if room >= gain - _NEAR:
        return louder
    return louder.noted(
        Note("audio.note.loudness_limited", {"target": target, "reached": measured + room})
    )


def _powers(channel: np.ndarray, sample_rate: int) -> Iterator[np.ndarray]:
    """Weighted power of each block of a channel [samples], in pieces; full scale is 1."""
    try:
        from pyloudnorm import Meter
    except ImportError:
        raise AudioError("audio.loudness_missing") from None
    meter = Meter(sample_rate)
    steps = round((len(channel) / sample_rate - _BLOCK_SECONDS) / _STEP_SECONDS) + 1
    per_block = round(_BLOCK_SECONDS / _STEP_SECONDS)
    for start in range(0, steps, _PIECE_STEPS):
        stop = min(start + _PIECE_STEPS, steps)
        lead = min(start, _LEAD_STEPS)
        first = int((start - lead) * _STEP_SECONDS * sample_rate)
        last = int((stop - 1 + per_block) * _STEP_SECONDS * sample_rate)
        meter.integrated_loudness(channel[first : last + 1])
        levels = np.array(meter.blockwise_loudness[lead : lead + stop - start])
        yield _power(levels)


def _weights(channels: int) -> list[float]:
    """Of the channels in the order of WAV: left, right, centre, low frequencies, surround."""
    weights = [1.0] * min(channels, 3) + [_SURROUND] * (channels - 3)
    if channels > 5:
        weights[_LEFT_OUT] = 0.0
    return weights


def _level(powers: np.ndarray) -> float:
    """LUFS of the mean of powers."""
    mean = float(powers.mean()) if powers.size else 0.0
    return -0.691 + 10 * math.log10(mean) if mean > 0 else -math.inf


def _power(level):
    return 10 ** ((level + 0.691) / 10)
