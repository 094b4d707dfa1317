"""Scoring of one pair, and the loop of a process that does it again and again; see `pool`."""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from frcrn_app.audio import load_audio, resample, to_mono
from frcrn_app.errors import PairError, UserError
from frcrn_app.metrics import SAMPLE_RATE, input_snr, rms_dbfs, score

MAX_SECONDS = 600.0  # of a scored file: STOI's segments of a longer one fill the memory
MAX_CUT_SECONDS = 0.05  # difference of length that is cut off without a word of error
MAX_LAG_SECONDS = 0.1  # that the optional alignment looks for


@dataclass(frozen=True)
class ScoreTask:
    """What a worker needs to score the sounds of one pair."""

    clean: Path | None
    noisy: Path
    degraded: Mapping[str, Path]  # the sounds to be scored by name: systems, and the noisy one
    metrics: Mapping[str, tuple[str, ...]]  # keys wanted of each of them
    align: bool = False
    seed: int = 0


@dataclass
class SoundScores:
    """Scores of one sound, NaN where there is none, and why."""

    scores: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)  # by metric key
    error: str = ""  # nothing could be scored, in one sentence
    lag: float = 0.0  # s that it came after the clean sound, taken out; 0 without alignment
    cut: float = 0.0  # s cut off the longer of both sounds
    elapsed: float | None = None  # s that our own network took for it
    passing: bool = False  # the error may not come back: a process died, a disk was full

    @property
    def problems(self) -> str:
        """All that is wrong in one line; empty if all went well."""
        return self.problems_in(str)

    def problems_in(self, say: Callable[[str], str]) -> str:
        """The same in another language, into which `say` brings a sentence."""
        if self.error:
            return say(self.error)
        texts: dict[str, list[str]] = {}
        for key, reason in self.reasons.items():
            texts.setdefault(reason, []).append(key)
        return " ".join(f"{', '.join(keys)}: {say(reason)}" for reason, keys in texts.items())


@dataclass
class PairScores:
    """What came out for one pair."""

    sounds: dict[str, SoundScores]
    duration: float = math.nan  # s of the noisy sound
    input_snr: float = math.nan  # dB, measured


def score_pair(task: ScoreTask) -> PairScores:
    """Score the sounds of one pair; what goes wrong is in the result, nothing is raised."""
    result = PairScores({name: _nothing(keys) for name, keys in task.metrics.items()})
    loaded = {}
    for role, path in (("noisy", task.noisy), ("clean", task.clean)):
        try:
            loaded[role] = None if path is None else load_scored(path)
        except UserError as error:
            for sound in result.sounds.values():
                sound.error = f"The {role} sound: {error}"
            return result
    noisy, clean = loaded["noisy"], loaded["clean"]
    result.duration = noisy.size / SAMPLE_RATE
    if clean is not None:
        with contextlib.suppress(UserError):  # the noisy sound's own scores tell it
            result.input_snr = input_snr(*fit(clean, noisy, align=task.align)[:2])
    for name, sound in result.sounds.items():
        try:
            path = task.degraded[name]
            degraded = noisy if path == task.noisy else load_scored(path)
            reference = clean
            if clean is not None:
                reference, degraded, sound.lag, sound.cut = fit(clean, degraded, align=task.align)
            scores, sound.reasons = score(reference, degraded, task.metrics[name], seed=task.seed)
            sound.scores.update(scores)
        except UserError as error:
            sound.error = str(error)
        except Exception as error:  # one bad file never ends a run
            sound.error = f"Scoring failed: {type(error).__name__}: {error}"
    return result


def fit(
    clean: np.ndarray, degraded: np.ndarray, *, align: bool = False
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Bring two sounds [samples] at 16 kHz to one length, and on top of each other if wanted.

    Returns both, the lag of the degraded sound that was taken out (s; negative if it came early)
    and the length that was cut off the longer one (s).

    Raises:
        PairError: if the lengths differ by more than 50 ms.
    """
    lag = find_lag(clean, degraded) if align else 0
    cut = abs(clean.size - degraded.size)
    shifted_clean, shifted = clean[max(0, -lag) :], degraded[max(0, lag) :]
    # A late sound may be longer by its lag, or as long and lack its end.
    if min(cut, abs(shifted_clean.size - shifted.size)) > MAX_CUT_SECONDS * SAMPLE_RATE:
        raise PairError(
            f"Its length, {degraded.size / SAMPLE_RATE:.3f} s, differs from that of the clean "
            f"sound, {clean.size / SAMPLE_RATE:.3f} s, by more than "
            f"{MAX_CUT_SECONDS * 1000:.0f} ms: cut both to the same part."
        )
    length = min(shifted_clean.size, shifted.size)
    return shifted_clean[:length], shifted[:length], lag / SAMPLE_RATE, cut / SAMPLE_RATE


def find_lag(clean: np.ndarray, degraded: np.ndarray) -> int:
    """Samples, up to 100 ms either way, by which `degraded` comes after `clean`.

    The lag at which their cross-correlation is largest in magnitude; 0 for silence.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    if rms_dbfs(clean) == -math.inf or rms_dbfs(degraded) == -math.inf:
        return 0
    reach = round(MAX_LAG_SECONDS * SAMPLE_RATE)
    size = next_fast_len(max(clean.size, degraded.size) + reach, real=True)
    # [lag]: sum over n of clean[n] degraded[n + lag], negative lags at the end
    spectrum = rfft(clean.astype(np.float64), size).conj() * rfft(degraded.astype(np.float64), size)
    correlation = np.abs(irfft(spectrum, size))
    lags = np.concatenate([np.arange(reach + 1), np.arange(-reach, 0)])
    return int(lags[np.argmax(correlation[lags])])


def load_scored(path: Path) -> np.ndarray:
    """A sound as it is scored: [samples] at 16 kHz, mono. Raises AudioError."""
    audio = load_audio(path, max_seconds=MAX_SECONDS)
    return resample(to_mono(audio).samples, audio.sample_rate, SAMPLE_RATE)[0]


def _nothing(keys: tuple[str, ...]) -> SoundScores:
    return SoundScores(scores=dict.fromkeys(keys, math.nan))


def serve() -> None:
    """Read pickled `ScoreTask`s from standard input and write pickled `PairScores`, to its end."""
    tasks = sys.stdin.buffer
    # Whatever a package prints must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    while True:
        try:
            task = pickle.load(tasks)
        except EOFError:
            return
        pickle.dump(score_pair(task), answers)
        answers.flush()
