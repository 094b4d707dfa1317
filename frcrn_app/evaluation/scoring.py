"""Scoring of one pair: what goes wrong, or should be known, is in the result."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import numpy as np

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import PairError, UserError
from frcrn_app.evaluation.alignment import find_lag, fit
from frcrn_app.evaluation.recordings import Recording, load_recording
from frcrn_app.faults import fault_reference
from frcrn_app.files import shown
from frcrn_app.metrics import input_snr, score, si_sdr

LAG_GAIN = 3.0  # dB of SI-SDR that alignment must bring to be worth a note
LAG_LEAST = -10.0  # dB of SI-SDR that it must come to: any two recordings fit a little somewhere
INVERTED_LEAST = 0.0  # dB of SI-SDR from which on a negative correlation is inverted polarity

_WAVEFORM_METRICS = {"seg_snr", "cbak"}  # of these a sign alone makes another score

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScoreTask:
    """What a worker needs to score the recordings of one pair."""

    clean: Path | None
    noisy: Path
    degraded: Mapping[str, Path]  # the files to be scored by name: systems, and the noisy one
    metrics: Mapping[str, tuple[str, ...]]  # keys wanted of each of them
    text: str | None = None  # what is said
    align: bool = False
    seed: int = 0


@dataclass
class SoundScores:
    """Scores of one recording, NaN where there is none, and why."""

    scores: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, UserError] = field(default_factory=dict)  # by metric key
    notes: list[UserError] = field(default_factory=list)  # scored, but a reader should know
    error: UserError | None = None  # why nothing could be scored
    lag: float = 0.0  # s that it came after the clean recording, taken out; 0 without alignment
    cut: float = 0.0  # s cut off the longer of both
    elapsed: float | None = None  # s that our own network took for it
    passing: bool = False  # the error may not come back: a process died, a disk was full

    @classmethod
    def nothing(cls, keys: Iterable[str], error: UserError | None = None) -> SoundScores:
        """NaN for each key, for an error that may not come back."""
        return cls(dict.fromkeys(keys, math.nan), error=error, passing=error is not None)

    @property
    def problems(self) -> str:
        """All that is wrong in one line; empty if all went well."""
        return self.problems_in("en")

    def problems_in(self, language: str) -> str:
        """The same in a language."""
        if self.error:
            return self.error.sentence(language, _name)
        lines: dict[str, list[str]] = {}
        for key, reason in self.reasons.items():
            lines.setdefault(reason.sentence(language, _name), []).append(key)
        return " ".join(f"{', '.join(keys)}: {line}" for line, keys in lines.items())

    def notes_in(self, language: str) -> str:
        """What a reader should know of the scores, in one line."""
        return " ".join(note.sentence(language, _name) for note in self.notes)


@dataclass
class Measured:
    """What the recordings of a pair show besides scores; NaN where it is not known."""

    duration: float = math.nan  # s of the noisy recording
    input_snr: float = math.nan  # dB
    input_band_hz: float = math.nan  # up to which the noisy recording has content
    input_clipped: float = math.nan  # share of its samples that are cut off at full scale


@dataclass
class PairScores:
    """What came out for one pair."""

    sounds: dict[str, SoundScores]
    measured: Measured = field(default_factory=Measured)


def score_pair(task: ScoreTask) -> PairScores:
    """Score the recordings of one pair; what goes wrong is in the result, nothing is raised."""
    result = PairScores({name: SoundScores.nothing(keys) for name, keys in task.metrics.items()})
    try:
        _score(task, result)
    except Exception as error:  # one bad file never ends a run
        reference = fault_reference(error, logger, str(task.noisy))
        for sound in result.sounds.values():
            if sound.error is None and not any(map(math.isfinite, sound.scores.values())):
                sound.error = PairError("fault.file", reference=reference)
    return result


def _score(task: ScoreTask, result: PairScores) -> None:
    try:
        noisy = load_recording(task.noisy)
    except UserError as error:
        _give_up(result, PairError("evaluation.noisy_file", problem=error))
        return
    try:
        clean = None if task.clean is None else load_recording(task.clean)
    except UserError as error:
        _give_up(result, PairError("evaluation.clean_file", problem=error))
        return
    result.measured = Measured(
        duration=noisy.samples.size / SAMPLE_RATE,
        input_band_hz=noisy.band_hz,
        input_clipped=noisy.clipped,
    )
    for name, sound in result.sounds.items():
        path = task.degraded[name]
        try:
            degraded = noisy if path == task.noisy else load_recording(path)
            sound.notes += degraded.notes
            if clean is not None:
                sound.notes += [
                    PairError("evaluation.clean_file", problem=note) for note in clean.notes
                ]
            _score_one(task, name, clean, degraded, sound)
        except UserError as error:
            sound.error = error
    if clean is not None:
        lag = find_lag(clean.samples, noisy.samples) if task.align else 0
        with contextlib.suppress(UserError):  # the noisy recording's own scores tell it
            result.measured.input_snr = input_snr(*fit(clean.samples, noisy.samples, lag=lag)[:2])


def _score_one(
    task: ScoreTask, name: str, clean: Recording | None, degraded: Recording, sound: SoundScores
) -> None:
    reference, samples = None, degraded.samples
    if clean is not None:
        lag = find_lag(clean.samples, samples)
        try:
            fitted = fit(clean.samples, samples, lag=lag if task.align else 0)
        except PairError as error:
            raise _explained(error, clean.samples, samples, lag) from error
        if task.align:
            sound.lag = lag / SAMPLE_RATE
        else:
            sound.notes += _lag_note(clean.samples, samples, lag)
        reference, samples, sound.cut = fitted
        if (task.align or not lag) and _WAVEFORM_METRICS & {*task.metrics[name]}:
            sound.notes += _polarity_note(reference, samples)
    scores, reasons = score(reference, samples, task.metrics[name], text=task.text, seed=task.seed)
    sound.scores.update(scores)
    sound.reasons.update(reasons)


def _lag_note(clean: np.ndarray, degraded: np.ndarray, lag: int) -> list[UserError]:
    """Tells of a lag that explains a bad score."""
    aligned = _aligned(clean, degraded, lag)
    try:
        plain = si_sdr(*fit(clean, degraded)[:2])
    except UserError:
        return []
    if aligned < max(plain + LAG_GAIN, LAG_LEAST):
        return []
    fields = {"milliseconds": 1000 * abs(lag) / SAMPLE_RATE, "aligned": aligned, "plain": plain}
    return [PairError("evaluation.late" if lag > 0 else "evaluation.early", **fields)]


def _explained(error: PairError, clean: np.ndarray, degraded: np.ndarray, lag: int) -> PairError:
    """An error of lengths, with the lag that it comes from if there is one."""
    if _aligned(clean, degraded, lag) < LAG_LEAST:
        return error
    code = "evaluation.lengths_late" if lag > 0 else "evaluation.lengths_early"
    return PairError(code, problem=error, milliseconds=1000 * abs(lag) / SAMPLE_RATE)


def _aligned(clean: np.ndarray, degraded: np.ndarray, lag: int) -> float:
    """SI-SDR (dB) once a lag is taken out; -inf without one, or where it is not defined."""
    try:
        return si_sdr(*fit(clean, degraded, lag=lag)[:2]) if lag else -math.inf
    except UserError:
        return -math.inf


def _polarity_note(clean: np.ndarray, degraded: np.ndarray) -> list[UserError]:
    """Tells of a sign that explains a bad score."""
    try:
        related = si_sdr(clean, degraded) >= INVERTED_LEAST
    except UserError:
        return []
    is_inverted = float(np.dot(clean - clean.mean(), degraded)) < 0
    return [PairError("evaluation.inverted")] if related and is_inverted else []


def _give_up(result: PairScores, error: UserError) -> None:
    for sound in result.sounds.values():
        sound.error = error


def _name(path: PurePath) -> str:
    return shown(path.name)
