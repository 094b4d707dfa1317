"""Votes to statements: what was preferred or how it was rated, how sure that is, what agrees.

Listeners and files are both drawn from many: each mean has an interval over either, with whole
listeners, or whole files, as what is drawn (see `evaluation.statistics`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from frcrn_app.evaluation import (
    MIN_FILES,
    Evaluation,
    Mean,
    holm,
    mean_intervals,
    sign_flip_tests,
)
from frcrn_app.listening.plan import ANCHOR, REFERENCE, Design, signals
from frcrn_app.listening.screening import is_reliable
from frcrn_app.listening.store import ListeningTest
from frcrn_app.listening.votes import Vote


@dataclass(frozen=True)
class Heard:
    """How one signal was rated, 0 to 100."""

    signal: str
    by_listener: Mean  # its interval is over listeners
    by_file: Mean  # the same mean; its interval is over files
    files: tuple[float, ...]  # mean of each file, NaN where nobody has rated it


@dataclass(frozen=True)
class Preference:
    """Two systems: the share of choices for the first, no preference counting half."""

    first: str
    second: str
    by_listener: Mean
    by_file: Mean
    files: tuple[float, ...]
    p_corrected: float  # sign flips of whole listeners, by Holm over all pairs; NaN if too few


@dataclass(frozen=True)
class Correlation:
    """How a metric agrees with the ears, over files and systems (A/B: files and pairs)."""

    metric: str
    n: int
    pearson: float
    spearman: float


@dataclass(frozen=True)
class Listened:
    """What a test has come to so far."""

    method: str
    files: tuple[str, ...]
    began: int  # listeners who have voted at all
    finished: int  # of them
    screened: int  # of those who began, left out for not knowing the hidden reference
    votes: int  # that count
    heard: tuple[Heard, ...] = ()  # MUSHRA
    preferences: tuple[Preference, ...] = ()  # A/B
    correlations: tuple[Correlation, ...] = ()


@dataclass(frozen=True)
class _Kept:
    """Votes that count as columns: what [columns, votes] holds, and whose and of which file."""

    values: np.ndarray  # [columns, votes], NaN where a vote says nothing of a column
    listeners: list[str]
    files: list[int]

    def means(self, seed: int) -> list[tuple[Mean, Mean]]:
        """For each column the mean with its interval over listeners, and over files."""
        over = (mean_intervals(self.values, seed, clusters=c) for c in (self.listeners, self.files))
        return list(zip(*over, strict=True))

    def by_file(self, files: int) -> np.ndarray:
        """Means [columns, files], NaN where there is no vote."""
        means = np.full((len(self.values), files), math.nan)
        for file in set(self.files):
            columns = self.values[:, np.array(self.files) == file]
            known = np.isfinite(columns).any(axis=1)
            means[known, file] = np.nanmean(columns[known], axis=1)
        return means


def listened(test: ListeningTest, evaluation: Evaluation, *, seed: int = 0) -> Listened:
    """What a test of an evaluation says; the same votes and seed give the same numbers."""
    design = test.design
    votes = {listener: list(test.votes(listener).values()) for listener in test.listeners()}
    votes = {listener: said for listener, said in votes.items() if said}
    kept = {listener: said for listener, said in votes.items() if is_reliable(said)}
    summary = Listened(
        method=design.method,
        files=design.files,
        began=len(votes),
        finished=sum(len(said) == len(design.trials) for said in votes.values()),
        screened=len(votes) - len(kept),
        votes=sum(map(len, kept.values())),
    )
    if not kept:
        return summary
    if design.method == "mushra":
        names = signals(design)
        found = _kept(design, kept, [(name,) for name in names])
        means = found.by_file(len(design.files))
        heard = tuple(
            Heard(name, *both, tuple(means[place]))
            for place, (name, both) in enumerate(zip(names, found.means(seed), strict=True))
        )
        rated = [(n, m) for n, m in zip(names, means, strict=True) if n not in (REFERENCE, ANCHOR)]
        points = [((name,), ratings) for name, ratings in rated]
        return _with(summary, evaluation, points, heard=heard)
    pairs = list(dict.fromkeys(trial.signals for trial in design.trials))
    found = _kept(design, kept, pairs)
    means = found.by_file(len(design.files))
    tests = sign_flip_tests(found.values - 0.5, seed, clusters=found.listeners)
    corrected = holm([test.p for test in tests])
    preferences = tuple(
        Preference(pair[0], pair[1], *both, tuple(means[place]), corrected[place])
        for place, (pair, both) in enumerate(zip(pairs, found.means(seed), strict=True))
    )
    points = list(zip(pairs, means, strict=True))
    return _with(summary, evaluation, points, preferences=preferences)


def _kept(design: Design, votes: dict[str, list[Vote]], columns: list[tuple[str, ...]]) -> _Kept:
    """Votes as columns: of a single signal its ratings, of a pair those of its first."""
    cells = [(listener, vote) for listener, said in votes.items() for vote in said]
    values = np.full((len(columns), len(cells)), math.nan)
    for place, column in enumerate(columns):
        for number, (_, vote) in enumerate(cells):
            if set(column) <= vote.ratings.keys():
                values[place, number] = vote.ratings[column[0]]
    files = [design.trials[vote.trial].file for _, vote in cells]
    return _Kept(values, [listener for listener, _ in cells], files)


def _with(
    summary: Listened,
    evaluation: Evaluation,
    points: list[tuple[tuple[str, ...], np.ndarray]],
    **results: tuple,
) -> Listened:
    """With what was found, and how each metric agrees with it.

    Args:
        points: systems (one, or two whose difference counts) and what was heard [files].
    """
    place_of = {row.name: place for place, row in enumerate(evaluation.rows)}
    rows = [place_of[name] for name in summary.files]
    heard = np.concatenate([ratings for _, ratings in points])
    correlations = []
    for metric in evaluation.metrics:
        scored = []
        for systems, _ in points:
            columns = [evaluation.values(system, metric)[rows] for system in systems]
            scored.append(columns[0] - columns[1] if len(columns) == 2 else columns[0])
        correlation = _correlation(metric, np.concatenate(scored), heard)
        if correlation is not None:
            correlations.append(correlation)
    return replace(summary, **results, correlations=tuple(correlations))


def _correlation(metric: str, scores: np.ndarray, heard: np.ndarray) -> Correlation | None:
    """None where there are too few points, or nothing varies."""
    from scipy.stats import pearsonr, spearmanr

    known = np.isfinite(scores) & np.isfinite(heard)
    scores, heard = scores[known], heard[known]
    if scores.size < MIN_FILES or not np.ptp(scores) or not np.ptp(heard):
        return None
    pearson, spearman = (float(test(scores, heard)[0]) for test in (pearsonr, spearmanr))  # pyright: ignore[reportArgumentType]
    return Correlation(metric, scores.size, pearson, spearman)
