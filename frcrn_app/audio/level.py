"""Levels, channels, full scale."""

import math
from dataclasses import replace

import numpy as np

from frcrn_app.audio.resampling import resample
from frcrn_app.audio.types import Audio, Note

# Peaks of real overs stay below this (36 dB above full scale); what a float file holds beyond it
# was never divided by its integers' full scale. Nor were whole numbers.
_LARGEST_OVER = 64.0
_INTEGER_BITS = (16, 24, 32)

_INAUDIBLE_OVER = 1.001  # up to here a peak is clipped by .009 dB, and the rest keeps its level


def to_mono(audio: Audio) -> Audio:
    """Return the mean of all channels, `[1, samples]`."""
    return audio.with_samples(audio.samples.mean(axis=0, keepdims=True))


def rms_dbfs(samples: np.ndarray) -> float:
    """Root mean square level in dB relative to a sample of 1.0; -inf for silence or no samples."""
    if samples.size == 0:
        return -math.inf
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return 10 * math.log10(power) if power > 0 else -math.inf


def peak(samples: np.ndarray) -> float:
    """The largest magnitude, 0 of no samples."""
    return float(max(samples.max(), -samples.min())) if samples.size else 0.0


def gain_to_fit(*samples: np.ndarray) -> float:
    """The gain that brings all of them together below full scale; 1 where they are."""
    highest = max(map(peak, samples), default=0.0)
    return 1.0 / highest if highest > _INAUDIBLE_OVER else 1.0


def scaled_from_integers(audio: Audio) -> Audio:
    """Bring float samples in the range of 16-, 24- or 32-bit integers into [-1, 1], and note it.

    Real overs, such as a mix that peaks at +6 dB, are left as they are.
    """
    highest = peak(audio.samples)
    if highest <= _LARGEST_OVER and not (highest > 2 and _are_whole(audio.samples)):
        return audio
    for bits in _INTEGER_BITS:
        full_scale = float(1 << (bits - 1))
        if highest <= 2 * full_scale:  # with overs of its own
            scaled = audio.with_samples(audio.samples / np.float32(full_scale))
            return scaled.noted(Note("audio.scaled", {"bits": bits}))
    return audio


def _are_whole(samples: np.ndarray) -> bool:
    return bool((samples == np.rint(samples)).all())


def mix(tracks: list[Audio]) -> Audio:
    """Add tracks up, at the first one's rate and the largest number of channels, and note it.

    The first track's container, subtype and tags are kept.
    """
    first = tracks[0]
    channels = max(track.channels for track in tracks)
    parts = [
        with_channels(resample(track.samples, track.sample_rate, first.sample_rate), channels)
        for track in tracks
    ]
    samples = np.zeros((channels, max(part.shape[1] for part in parts)), np.float32)
    for part in parts:
        samples[:, : part.shape[1]] += part
    notes: list[Note] = []
    for track in tracks:
        notes += [note for note in track.notes if note not in notes]
    mixed = replace(first, samples=samples, notes=tuple(notes))
    return mixed.noted(Note("audio.mixed", {"count": len(tracks)}))


def with_channels(samples: np.ndarray, channels: int) -> np.ndarray:
    """Other channels `[channels, samples]`: one becomes all, all become one, else the first."""
    if len(samples) == channels:
        return samples
    if channels == 1:
        return samples.mean(axis=0, keepdims=True)
    if len(samples) == 1:
        return np.repeat(samples, channels, axis=0)
    silence = np.zeros((max(0, channels - len(samples)), samples.shape[1]), np.float32)
    return np.concatenate([samples[:channels], silence])
