"""Rows to statements: means with intervals, gains over the noisy files, systems side by side.

Every number here names how many files it rests on. Files without a score are left out of it, never
replaced; a comparison takes only the files that both sides have. The statistics are those of
`statistics` and, for given rows and seed, always come out the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from frcrn_app.evaluation.groups import GROUPINGS, groups_of
from frcrn_app.evaluation.pairing import NOISY
from frcrn_app.evaluation.rows import Evaluation
from frcrn_app.evaluation.statistics import (
    ALPHA,
    RESAMPLES,
    Mean,
    files_needed,
    flips_needed,
    holm,
    mean_intervals,
    sign_flip_tests,
)
from frcrn_app.metrics import METRICS

_ROUNDING = 1e-6  # a smaller difference is none: it would count as a win on that file


@dataclass(frozen=True)
class Score:
    """One system in one metric over some files."""

    system: str
    metric: str
    files: int  # there are
    score: Mean
    median: float
    gain: Mean | None  # over the noisy files, paired; None for the noisy files themselves
    win_rate: float  # share of files on which it beats the noisy file, ties counting half


@dataclass(frozen=True)
class Comparison:
    """Two systems in one metric on the files that both have: `system` minus `baseline`."""

    system: str
    baseline: str
    metric: str
    difference: Mean
    win_rate: float
    p: float  # two-sided, of the sign-flip test
    p_corrected: float  # by Holm over all comparisons of the summary
    least_p: float  # the smallest corrected p that so many files and tests can reach
    files_needed: int  # the fewest files (or clusters) with which so many tests can show anything

    @property
    def significant(self) -> bool:
        return self.p_corrected < ALPHA

    @property
    def verdict(self) -> str:
        """What it shows: "better" (see `better`), "undecided", or "too_few" files to show anything.

        "undecided" is no proof that there is no difference.
        """
        if self.significant:
            return "better"
        return "undecided" if self.least_p < ALPHA else "too_few"

    @property
    def better(self) -> str | None:
        """The system that is significantly better, if one is."""
        if not self.significant:
            return None
        ahead = (self.difference.mean > 0) == METRICS[self.metric].higher_is_better
        return self.system if ahead else self.baseline


@dataclass(frozen=True)
class Group:
    """Some of the files, and the systems' scores on them."""

    label: str
    low: float  # ends of its range, in dB or s, the upper one excluded; NaN for named groups
    high: float
    files: int
    scores: tuple[Score, ...]


@dataclass(frozen=True)
class Summary:
    """All that is said about an evaluation."""

    seed: int
    scores: tuple[Score, ...]  # by system, then metric
    comparisons: tuple[Comparison, ...]  # all pairs of systems in all metrics
    groups: dict[str, tuple[Group, ...]] = field(default_factory=dict)  # by one of GROUPINGS
    clusters: int | None = None  # how many were resampled in place of single files, if they were

    def score(self, system: str, metric: str) -> Score:
        return next(s for s in self.scores if (s.system, s.metric) == (system, metric))


def summarise(evaluation: Evaluation, *, seed: int = 0, resamples: int = RESAMPLES) -> Summary:
    """All statistics of an evaluation; the same rows and seed give the same numbers.

    Args:
        evaluation: rows in their order, which the seed's draws follow.
        seed: of the bootstrap and of the sign flips.
        resamples: of the bootstrap, and sign flips where not all can be listed; more of these where
            so many comparisons would otherwise never be significant after their correction.
    """
    clusters = _clusters(evaluation)
    everything = np.ones(len(evaluation.rows), dtype=bool)
    groups = {}
    for grouping in GROUPINGS:
        found = tuple(
            Group(*place, int(mask.sum()), _scores(evaluation, mask, seed, resamples, clusters))
            for place, mask in groups_of(evaluation, grouping)
        )
        if found:
            groups[grouping] = found
    return Summary(
        seed=seed,
        scores=_scores(evaluation, everything, seed, resamples, clusters),
        comparisons=_comparisons(evaluation, seed, resamples, clusters),
        groups=groups,
        clusters=None if clusters is None else len(set(clusters)),
    )


def win_rate(differences: np.ndarray, metric: str) -> float:
    """Share of differences [files] that are better than zero, ties counting half."""
    values = differences[np.isfinite(differences)]
    if not values.size:
        return math.nan
    signs = np.sign(values) if METRICS[metric].higher_is_better else -np.sign(values)
    return float(np.mean((signs + 1) / 2))


def _clusters(evaluation: Evaluation) -> list[object] | None:
    """What each file belongs to, one of its own where it is not said; None if it is nowhere."""
    if all(row.cluster is None for row in evaluation.rows):
        return None
    return [
        number if row.cluster is None else row.cluster for number, row in enumerate(evaluation.rows)
    ]


def _scores(
    evaluation: Evaluation,
    mask: np.ndarray,
    seed: int,
    resamples: int,
    clusters: list[object] | None,
) -> tuple[Score, ...]:
    cells = [(s, m) for s in evaluation.systems for m in evaluation.metrics]
    values = [evaluation.values(system, metric)[mask] for system, metric in cells]
    gained = [(s, m) for s, m in cells if s != NOISY]
    gains = [_difference(evaluation, system, NOISY, metric)[mask] for system, metric in gained]
    if clusters is not None:
        clusters = [cluster for cluster, kept in zip(clusters, mask, strict=True) if kept]
    means = mean_intervals(np.array([*values, *gains]), seed, resamples, clusters)
    gain_of = dict(zip(gained, means[len(cells) :], strict=True))
    differences = dict(zip(gained, gains, strict=True))
    return tuple(
        Score(
            system=system,
            metric=metric,
            files=int(mask.sum()),
            score=mean,
            median=float(np.nanmedian(column)) if mean.n else math.nan,
            gain=gain_of.get((system, metric)),
            win_rate=win_rate(differences.get((system, metric), np.array([])), metric),
        )
        for (system, metric), column, mean in zip(cells, values, means, strict=False)
    )


def _difference(evaluation: Evaluation, system: str, baseline: str, metric: str) -> np.ndarray:
    """Scores of a system minus those of another, float64 [rows]."""
    difference = evaluation.values(system, metric) - evaluation.values(baseline, metric)
    return np.where(np.abs(difference) < _ROUNDING, 0.0, difference)


def _comparisons(
    evaluation: Evaluation, seed: int, resamples: int, clusters: list[object] | None
) -> tuple[Comparison, ...]:
    """Every system against every one before it, in every metric."""
    systems = evaluation.systems
    cells = [
        (system, baseline, metric)
        for place, system in enumerate(systems)
        for baseline in systems[:place]
        for metric in evaluation.metrics
    ]
    if not cells:
        return ()
    differences = np.array([_difference(evaluation, *cell) for cell in cells])
    means = mean_intervals(differences, seed, resamples, clusters)
    flips = max(resamples, flips_needed(len(cells)))
    tests = sign_flip_tests(differences, seed, flips, clusters)
    corrected = holm([test.p for test in tests])
    # Whatever the scores, no corrected p can be below what the smallest ones come to.
    least = holm([test.least if math.isfinite(test.p) else math.nan for test in tests])
    needed = files_needed(sum(math.isfinite(test.p) for test in tests) or len(tests))
    return tuple(
        Comparison(
            system,
            baseline,
            metric,
            difference=mean,
            win_rate=win_rate(column, metric),
            p=test.p,
            p_corrected=p_corrected,
            least_p=1.0 if math.isnan(least_p) else least_p,
            files_needed=needed,
        )
        for (system, baseline, metric), column, mean, test, p_corrected, least_p in zip(
            cells, differences, means, tests, corrected, least, strict=True
        )
    )
