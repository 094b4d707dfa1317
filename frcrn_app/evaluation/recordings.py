"""Recordings as they are scored, and what must be said of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from frcrn_app.audio import Audio, load_audio, resample, rms_dbfs, to_mono
from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import PairError, UserError

MAX_SECONDS = 3600.0  # of a scored file: an hour takes a process two gigabytes, and some minutes
MAX_SAMPLES = 1 << 28  # of all its channels: 1 GiB

_CANCELLED_DB = 20.0  # that the mean of channels may lie below them before it is said
_SILENT_DBFS = -90.0
_BAND_RANGE = 1e-7  # power density below the strongest band's that is no content: 70 dB
_BAND_FRAME = 1024  # samples of a spectrum of which the band is read
_FULL_SCALE = 0.999
_CLIPPED_RUN = 3  # samples in a row at full scale


@dataclass(frozen=True)
class Recording:
    """A recording as it is scored: [samples] at 16 kHz, mono."""

    samples: np.ndarray
    band_hz: float  # up to which it has content, at its own rate; NaN for silence
    clipped: float  # share of its samples that are cut off at full scale
    notes: tuple[UserError, ...] = ()  # such as a gap, or a lost end


def load_scored(path: Path) -> np.ndarray:
    """A file as it is scored: [samples] at 16 kHz, mono. Raises AudioError or PairError."""
    return load_recording(path).samples


def load_recording(path: Path) -> Recording:
    """A file as it is scored, with what its own rate and channels show.

    Raises:
        AudioError: as `load_audio`.
        PairError: `evaluation.channels_cancel`, if the mean of its channels is silent though they
            are not.
    """
    audio = load_audio(path, max_seconds=MAX_SECONDS, max_samples=MAX_SAMPLES)
    mono = to_mono(audio)
    loudest = max(map(rms_dbfs, audio.samples), default=-math.inf)
    level = rms_dbfs(mono.samples)
    notes = tuple(PairError(note.code, **note.fields) for note in audio.notes)
    if loudest > _SILENT_DBFS and level < loudest - _CANCELLED_DB:
        if level < _SILENT_DBFS:
            raise PairError("evaluation.channels_cancel", path=path)
        notes += (PairError("evaluation.channels_weaken", path=path, loss=loudest - level),)
    return Recording(
        resample(mono.samples, audio.sample_rate, SAMPLE_RATE)[0],
        band_hz=_band(mono),
        clipped=_clipped(audio.samples),
        notes=notes,
    )


def _band(mono: Audio) -> float:
    """The highest frequency (Hz) whose long-term power is not 70 dB below the strongest band's."""
    from scipy.signal import welch

    samples = mono.samples[0]
    if samples.size < _BAND_FRAME or rms_dbfs(samples) < _SILENT_DBFS:
        return math.nan
    frequencies, power = welch(samples, mono.sample_rate, nperseg=_BAND_FRAME)
    return float(frequencies[power > _BAND_RANGE * power.max()].max())


def _clipped(samples: np.ndarray) -> float:
    """Share of samples [channels, samples] that are in runs of three and more at full scale."""
    if not samples.size:
        return math.nan
    peak = float(np.abs(samples).max())
    if peak < _FULL_SCALE:
        return 0.0
    full = np.pad(np.abs(samples) >= _FULL_SCALE * peak, ((0, 0), (1, 1)))
    edges = np.diff(full.astype(np.int8), axis=1)
    starts, ends = np.nonzero(edges.ravel() == 1)[0], np.nonzero(edges.ravel() == -1)[0]
    runs = ends - starts
    return float(runs[runs >= _CLIPPED_RUN].sum() / samples.size)
