"""The sounds of a test: equally long, equally loud, and nothing in a file that tells them apart."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from frcrn_app.audio import loudness, peak
from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.evaluation import load_scored
from frcrn_app.files import atomic_path
from frcrn_app.listening.plan import REFERENCE

MAX_SECONDS = 12.0  # of a file (BS.1534-3, section 6); the middle of a longer one
TARGET_LUFS = -23.0  # at which all of them are played (EBU R 128)

_FADE_SECONDS = 0.01  # at both ends, so that nothing clicks
_PASS_HZ, _STOP_HZ = 3500.0, 4000.0  # of the anchor
_STOP_DB = 60.0  # BS.1534-3 asks for 25 dB at 4 kHz and 50 dB at 4.5 kHz
_ROOM = 0.99  # of full scale, for peaks and dither


def make_stimuli(
    sources: Mapping[str, Path], target: Path, lags: Mapping[str, float] | None = None
) -> float:
    """Write the signals of one file as they are heard, and return how long they are (s).

    What is written is a float32 array `[signals, samples]` at 16 kHz, in the order of `sources`,
    with the anchor, a low-pass version, right after the reference. All have the loudness of
    -23 LUFS, less where a peak would not fit; silence stays silence.

    Args:
        sources: a file for each signal; the reference first, where there is one.
        target: a new .npy file.
        lags: seconds that a signal comes after the clean one, to be taken out.

    Raises:
        AudioError, PairError: a file cannot be read.
    """
    sounds: dict[str, np.ndarray] = {}
    for name, path in sources.items():
        late = round((lags or {}).get(name, 0.0) * SAMPLE_RATE)
        samples = load_scored(path)
        sounds[name] = np.pad(samples[max(0, late) :], (max(0, -late), 0))
    length = min(samples.size for samples in sounds.values())
    wanted = min(length, round(MAX_SECONDS * SAMPLE_RATE))
    start = (length - wanted) // 2
    signals = []
    for name, samples in sounds.items():
        signals.append(samples[start : start + wanted])
        if name == REFERENCE:
            signals.append(low_pass(signals[-1]))
    aligned = equally_loud(np.array([_faded(samples) for samples in signals]))
    with atomic_path(target) as draft, draft.open("wb") as file:
        np.save(file, aligned.astype(np.float32))
    return wanted / SAMPLE_RATE


def low_pass(samples: np.ndarray) -> np.ndarray:
    """The anchor of samples `[samples]` at 16 kHz: nothing above 4 kHz, all up to 3.5, in time."""
    from scipy.signal import firwin, kaiserord, oaconvolve

    taps, beta = kaiserord(_STOP_DB, (_STOP_HZ - _PASS_HZ) / (SAMPLE_RATE / 2))
    taps |= 1  # odd, so that its delay is a whole number of samples
    kaiser: Any = ("kaiser", beta)
    window = firwin(taps, (_PASS_HZ + _STOP_HZ) / 2, window=kaiser, fs=SAMPLE_RATE)
    return oaconvolve(samples, window, mode="same")


def equally_loud(signals: np.ndarray) -> np.ndarray:
    """Signals `[signals, samples]` at one loudness; all lower together where one would clip."""
    levels = [loudness(samples, SAMPLE_RATE) for samples in signals]
    gains = [10 ** ((TARGET_LUFS - x) / 20) if math.isfinite(x) else 1.0 for x in levels]
    aligned = signals * np.array(gains)[:, None]
    return aligned * min(1.0, _ROOM / max(peak(aligned), 1e-9))


def stimulus_wav(path: Path, place: int, key: bytes) -> bytes:
    """One signal as a 16-bit WAV file: all of a test have one length and one header.

    Triangular dither that `key` draws makes the bytes of equal signals differ, so that the hidden
    reference cannot be told by comparing files.
    """
    signals = np.load(path, mmap_mode="r", allow_pickle=False)
    samples = np.array(signals[place], np.float64)
    generator = np.random.default_rng(list(key))
    dither = generator.random(samples.size) - generator.random(samples.size)
    whole = np.clip(np.rint(32767 * samples + dither), -32768, 32767).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, whole, SAMPLE_RATE, "PCM_16", format="WAV")
    return file.getvalue()


def _faded(samples: np.ndarray) -> np.ndarray:
    fade = np.linspace(0.0, 1.0, round(_FADE_SECONDS * SAMPLE_RATE))
    faded = np.array(samples, np.float64)
    faded[: fade.size] *= fade
    faded[-fade.size :] *= fade[::-1]
    return faded
