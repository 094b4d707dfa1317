"""What a reader must know beside the figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from frcrn_app.evaluation import Evaluation, Summary
from frcrn_app.metrics import METRICS
from frcrn_app.report.verdict import comparison_of, comparisons_in, headline_metrics
from frcrn_app.report.words import Words

FEW_FILES = 20  # below that a reader is warned
NARROW_HZ = 5000  # a noisy recording that ends below it is called narrow-band
CLIPPED_SHARE = 1e-3  # of samples at full scale, above which a recording is called clipped
LATE_SECONDS = 0.001  # a median lag from there on is worth a word

_AVOIDABLE = {
    "evaluation.late": "caveat.late",
    "evaluation.early": "caveat.ahead",
    "evaluation.inverted": "caveat.inverted",
}


def caveats(evaluation: Evaluation, summary: Summary, words: Words) -> list[str]:
    """What a reader must know beside the figures, a sentence each; only what applies."""
    return [
        *_missing(evaluation, words),
        *_recordings(evaluation, words),
        *_delays(evaluation, words),
        *_avoidable(evaluation, words),
        *_disagreement(evaluation, summary, words),
    ]


def _missing(evaluation: Evaluation, words: Words) -> Iterator[str]:
    files = len(evaluation.rows)
    if evaluation.cancelled:
        yield words("caveat.stopped", count=files, total=evaluation.total)
    if files < FEW_FILES:
        yield words("caveat.few", count=files)
    bad = sum(bool(row.problems) for row in evaluation.rows)
    if bad:
        yield words("caveat.lacking", count=bad, files=files)
    if evaluation.unpaired:
        yield words("caveat.unpaired", count=len(evaluation.unpaired))
    noted = sum(bool(row.notes_in("en")) for row in evaluation.rows)
    if noted:
        yield words("caveat.noted", count=noted, files=files)


def _recordings(evaluation: Evaluation, words: Words) -> Iterator[str]:
    """Of the noisy recordings themselves: their band, and whether they are clipped."""
    files = len(evaluation.rows)
    bands = np.array([row.input_band_hz for row in evaluation.rows])
    narrow = bands[bands < NARROW_HZ]
    if narrow.size:
        khz = f"{float(narrow.max()) / 1000:.1f}"
        yield words("caveat.narrow", count=narrow.size, files=files, khz=khz)
    shares = np.array([row.input_clipped for row in evaluation.rows])
    clipped = int((shares > CLIPPED_SHARE).sum())
    if clipped:
        yield words("caveat.clipped", count=clipped, files=files)


def _delays(evaluation: Evaluation, words: Words) -> Iterator[str]:
    if not evaluation.settings["align"]:
        return
    for system in evaluation.systems:
        sounds = [row.sounds[system] for row in evaluation.rows]
        lags = [sound.lag for sound in sounds if np.isfinite(list(sound.scores.values())).any()]
        lag = float(np.median(lags)) if lags else 0.0
        if abs(lag) >= LATE_SECONDS:
            key = "caveat.delayed" if lag > 0 else "caveat.early"
            yield words(key, system=words.system(system), ms=f"{1000 * abs(lag):.0f}")


def _avoidable(evaluation: Evaluation, words: Words) -> Iterator[str]:
    """What lowers scores of a system on most files, though it is no fault of its sound."""
    for system in evaluation.systems:
        sounds = [row.sounds[system] for row in evaluation.rows]
        found = [note for sound in sounds for note in sound.notes]
        for code, key in _AVOIDABLE.items():
            notes = [note for note in found if note.code == code]
            if not notes or 2 * len(notes) < len(sounds):
                continue
            fields = {"system": words.system(system), "count": len(notes), "files": len(sounds)}
            lags: list[Any] = [note.fields.get("milliseconds", 0.0) for note in notes]
            yield words(key, **fields, ms=f"{np.median(lags):.0f}")


def _disagreement(evaluation: Evaluation, summary: Summary, words: Words) -> Iterator[str]:
    """The first two metrics that contradict each other about the same two systems."""
    shown = headline_metrics(evaluation.metrics)
    for comparison in comparisons_in(summary, shown[0]):
        if comparison.better is None:
            continue
        for other in shown[1:]:
            against = comparison_of(summary, comparison.system, comparison.baseline, other)
            if against.better not in (None, comparison.better):
                yield words(
                    "caveat.disagree",
                    first=words.system(comparison.better),
                    metric=METRICS[shown[0]].title,
                    second=words.system(against.better),
                    other=METRICS[other].title,
                )
                return
