"""What is to be heard: which files, which systems, in which trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from frcrn_app.errors import PairError
from frcrn_app.evaluation import Evaluation

METHODS = ("ab", "mushra")
MAX_FILES = 8
MAX_TRIALS = 40  # of one listener: about half an hour
MAX_SIGNALS = 12  # of one trial (BS.1534-3, section 5), hidden reference and anchor included
MIN_SECONDS = 1.0  # of a file
REFERENCE = "reference"  # these two are called as webMUSHRA calls them; no system is called so
ANCHOR = "anchor35"


@dataclass(frozen=True)
class Trial:
    """One page of a test: signals of one file that are compared with each other."""

    file: int  # place among the design's files
    signals: tuple[str, ...]


@dataclass(frozen=True)
class Design:
    """A test as it was planned; what listeners get of it is a `Ballot`."""

    method: str  # one of METHODS
    seed: int
    systems: tuple[str, ...]
    files: tuple[str, ...]  # names of the evaluation's files
    trials: tuple[Trial, ...]


def plan(
    evaluation: Evaluation,
    method: str,
    *,
    systems: Sequence[str] | None = None,
    files: int = 4,
    seed: int = 0,
) -> Design:
    """A test of some systems on the files that tell most of them.

    Files are chosen by their scores in the evaluation's first metric: they are spread over the
    range from poor to good, and among neighbours that one is taken on which the systems differ
    most. With MUSHRA a trial has all systems of a file, with A/B two of them.

    Args:
        evaluation: its files must still be there; MUSHRA needs clean ones.
        method: "ab" or "mushra".
        systems: two or more, for MUSHRA one or more; the noisy recording counts as one. None: all.
        files: 1 to 8; fewer where there are fewer.
        seed: of the order in which listeners hear them.

    Raises:
        PairError: it cannot be done so.
    """
    if method not in METHODS:
        raise PairError("listening.method", method=str(method)[:40])
    if not 1 <= files <= MAX_FILES:
        raise PairError("listening.files", files=files, most=MAX_FILES)
    chosen = tuple(evaluation.systems if systems is None else dict.fromkeys(systems))
    unknown = [system for system in chosen if system not in evaluation.systems]
    if unknown:
        raise PairError("listening.no_such_system", name=unknown[0][:80])
    least = 1 if method == "mushra" else 2
    if len(chosen) < least:
        raise PairError("listening.too_few_systems", count=least)
    pages = _pages(method, chosen)
    if max(map(len, pages)) > MAX_SIGNALS:
        raise PairError("listening.too_many_systems", count=len(chosen), most=MAX_SIGNALS - 2)
    places = _spread(evaluation, chosen, _candidates(evaluation, method, chosen), files)
    if len(places) * len(pages) > MAX_TRIALS:
        raise PairError(
            "listening.too_many_trials", count=len(places) * len(pages), most=MAX_TRIALS
        )
    return Design(
        method=method,
        seed=seed,
        systems=chosen,
        files=tuple(evaluation.rows[place].name for place in places),
        trials=tuple(Trial(file, page) for file in range(len(places)) for page in pages),
    )


def signals(design: Design) -> tuple[str, ...]:
    """All that exists of each file: reference and anchor first where the method has them."""
    return ((REFERENCE, ANCHOR) if design.method == "mushra" else ()) + design.systems


def _pages(method: str, systems: tuple[str, ...]) -> list[tuple[str, ...]]:
    if method == "mushra":
        return [(REFERENCE, ANCHOR, *systems)]
    return list(combinations(systems, 2))


def _candidates(evaluation: Evaluation, method: str, systems: tuple[str, ...]) -> list[int]:
    """Rows of which there is everything. Raises PairError where there is none."""
    places = []
    for place, row in enumerate(evaluation.rows):
        files = evaluation.files(row)
        needed = [files.get(system) for system in systems]
        if method == "mushra":
            needed.append(row.pair.clean)
        if row.duration >= MIN_SECONDS and all(path and path.is_file() for path in needed):
            places.append(place)
    if places:
        return places
    if method == "mushra" and all(row.pair.clean is None for row in evaluation.rows):
        raise PairError("listening.no_clean")
    raise PairError("listening.no_files")


def _spread(
    evaluation: Evaluation, systems: tuple[str, ...], places: list[int], files: int
) -> list[int]:
    """So many of the rows at `places`, in their order: see `plan`."""
    metric = evaluation.metrics[0]
    scores = np.array([evaluation.values(system, metric)[places] for system in systems])
    known = np.isfinite(scores).all(axis=0)
    level = np.where(known, scores.mean(axis=0), np.inf)  # what has no score comes last
    differences = np.where(known, np.ptp(scores, axis=0), -1.0)
    order = np.argsort(level, kind="stable")
    chosen = [
        neighbours[int(np.argmax(differences[neighbours]))]
        for neighbours in np.array_split(order, min(files, order.size))
    ]
    return sorted(places[place] for place in chosen)
