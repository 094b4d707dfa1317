"""An evaluation to a test on disk; and a report's rows back to the files that they are of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import PairError
from frcrn_app.evaluation import (
    Evaluation,
    PairSet,
    Row,
    SoundFile,
    list_sounds,
    load_scored,
    pair_files,
)
from frcrn_app.listening.plan import REFERENCE, Design
from frcrn_app.listening.stimuli import make_stimuli
from frcrn_app.listening.store import ListeningTest

_TOLERANCE = 0.05  # s that a file may differ in length from the one that was scored

# Signals' files, target, lags, and the file that a failure is about: to seconds.
MakeSounds = Callable[[dict[str, Path], Path, dict[str, float], Path], float]


def make_test(
    folder: Path,
    evaluation: Evaluation,
    design: Design,
    *,
    whose: str = "",
    shared: bool = True,
    make_sounds: MakeSounds = lambda sources, target, lags, _: make_stimuli(sources, target, lags),
) -> ListeningTest:
    """Write a test of an evaluation whose files are there.

    Args:
        folder: of the test alone; what is in it when this fails is for the caller to delete.
        evaluation: that the design is of.
        design: of the test.
        whose, shared: see `ListeningTest.create`.
        make_sounds: does what `make_stimuli` does.

    Raises:
        AudioError, PairError: a file cannot be read.
    """
    rows = {row.name: row for row in evaluation.rows}
    seconds = []
    for file, name in enumerate(design.files):
        row = rows[name]
        target = ListeningTest.stimuli(folder, file)
        target.parent.mkdir(parents=True, exist_ok=True)
        lags = {system: row.sounds[system].lag for system in design.systems}
        sources = _sources(evaluation, row, design)
        seconds.append(make_sounds(sources, target, lags, row.pair.noisy))
    return ListeningTest.create(folder, design, tuple(seconds), whose=whose, shared=shared)


def with_files(evaluation: Evaluation, pairs: PairSet, enhanced: Path | None = None) -> Evaluation:
    """The evaluation of a report, which names no files, with those of its set.

    Args:
        evaluation: as it was read from a report.
        pairs: the set that was evaluated; rows are found in it by their names.
        enhanced: the folder in which the evaluation kept what its own network made.

    Raises:
        PairError: `listening.other_set`, if the set has none of the rows; or the folder has none
            of the files.
    """
    found = {pair.name: pair for pair in pairs.pairs}
    if not any(row.name in found for row in evaluation.rows):
        raise PairError("listening.other_set")
    own = evaluation.own_system
    if own is not None and enhanced is not None:
        named = [SoundFile(pair.noisy, f"{pair.name}.wav") for pair in pairs.pairs]
        made = pair_files(named, None, {own: list_sounds(enhanced)})
        for pair, kept in zip(pairs.pairs, made.pairs, strict=True):
            found[pair.name] = replace(pair, systems={**pair.systems, **kept.systems})
    rows = [replace(row, pair=found.get(row.name, row.pair)) for row in evaluation.rows]
    return replace(evaluation, rows=[row for row in rows if row.name in found])


def require_same_files(evaluation: Evaluation, design: Design) -> None:
    """Raises PairError `listening.other_file` where a noisy file is not the one that was scored."""
    for row in evaluation.rows:
        if row.name in design.files:
            seconds = load_scored(row.pair.noisy).size / SAMPLE_RATE
            if abs(seconds - row.duration) > _TOLERANCE:
                raise PairError(
                    "listening.other_file", name=row.name, seconds=seconds, scored=row.duration
                )


def _sources(evaluation: Evaluation, row: Row, design: Design) -> dict[str, Path]:
    files = evaluation.files(row)
    sources = {system: files[system] for system in design.systems}
    if design.method == "mushra" and row.pair.clean is not None:
        return {REFERENCE: row.pair.clean, **sources}
    return sources
