"""Rows to statements: means with intervals, gains over the noisy sound, systems side by side.

Every number here names how many files it rests on. Files without a score are left out of it, never
replaced; a comparison takes only the files that both sides have.

Intervals are 95 % percentile bootstrap intervals of a mean over files (Efron & Tibshirani 1993,
ch. 13). Differences are tested by random sign flips of the paired differences (a permutation test;
exact where all flips can be listed), and corrected for the number of tests by Holm (1979). Both are
seeded and, for given rows, always come out the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from frcrn_app.evaluation.pairing import NOISY
from frcrn_app.evaluation.run import Evaluation
from frcrn_app.metrics import METRICS

RESAMPLES = 10_000
LEVEL = 0.95  # of the intervals
ALPHA = 0.05  # a corrected p below it is called significant
MIN_FILES = 5  # below that many, an interval would pretend to know what it cannot
MIN_TEST_FILES = 6  # the fewest whose sign flips can reach p < 0.05
EXACT_FILES = 13  # up to which all 2**n sign flips are listed
SNR_BIN = 5  # dB
DURATION_EDGES = (2, 5, 10, 30, 60)  # s

_BLOCK = 500  # resamples drawn at a time, so that memory does not grow with their number


@dataclass(frozen=True)
class Mean:
    """A mean over files with its interval; NaN where there is none."""

    n: int  # files it rests on
    mean: float
    low: float  # ends of the 95 % interval
    high: float


@dataclass(frozen=True)
class Score:
    """One system in one metric over some files."""

    system: str
    metric: str
    files: int  # there are
    score: Mean
    median: float
    gain: Mean | None  # over the noisy sound, paired; None for the noisy sound itself
    win_rate: float  # share of files on which it beats the noisy sound, ties counting half


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

    @property
    def significant(self) -> bool:
        return self.p_corrected < ALPHA

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
    groups: dict[str, tuple[Group, ...]] = field(default_factory=dict)  # see GROUPINGS

    def score(self, system: str, metric: str) -> Score:
        return next(s for s in self.scores if (s.system, s.metric) == (system, metric))


GROUPINGS = ("input_snr", "duration", "group")


def summarise(evaluation: Evaluation, *, seed: int = 0, resamples: int = RESAMPLES) -> Summary:
    """All statistics of an evaluation; the same rows and seed give the same numbers.

    Args:
        evaluation: rows in their order, which the seed's draws follow.
        seed: of the bootstrap and of the sign flips.
        resamples: of the bootstrap, and sign flips where not all can be listed.
    """
    everything = np.ones(len(evaluation.rows), dtype=bool)
    groups = {}
    for grouping in GROUPINGS:
        found = tuple(
            Group(*place, int(mask.sum()), _scores(evaluation, mask, seed, resamples))
            for place, mask in _groups(evaluation, grouping)
        )
        if found:
            groups[grouping] = found
    return Summary(
        seed=seed,
        scores=_scores(evaluation, everything, seed, resamples),
        comparisons=_comparisons(evaluation, seed, resamples),
        groups=groups,
    )


def _scores(
    evaluation: Evaluation, mask: np.ndarray, seed: int, resamples: int
) -> tuple[Score, ...]:
    cells = [(s, m) for s in evaluation.systems for m in evaluation.metrics]
    values = [evaluation.values(system, metric)[mask] for system, metric in cells]
    gained = [(s, m) for s, m in cells if s != NOISY]
    gains = [evaluation.gains(system, metric)[mask] for system, metric in gained]
    means = bootstrap_means(np.array([*values, *gains]), seed, resamples)
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


def _comparisons(evaluation: Evaluation, seed: int, resamples: int) -> tuple[Comparison, ...]:
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
    differences = np.array(
        [evaluation.values(s, metric) - evaluation.values(b, metric) for s, b, metric in cells]
    )
    means = bootstrap_means(differences, seed, resamples)
    p_values = sign_flip_p(differences, seed, resamples)
    corrected = holm(p_values)
    return tuple(
        Comparison(system, baseline, metric, mean, win_rate(column, metric), p, p_corrected)
        for (system, baseline, metric), column, mean, p, p_corrected in zip(
            cells, differences, means, p_values, corrected, strict=True
        )
    )


# ---- statistics --------------------------------------------------------------------------------


def bootstrap_means(columns: np.ndarray, seed: int, resamples: int = RESAMPLES) -> list[Mean]:
    """Means of columns [columns, files] with 95 % percentile bootstrap intervals.

    NaN counts as missing. All columns share the same resampled files. Columns with fewer than 5
    values get no interval.
    """
    finite = np.isfinite(columns)
    counts = finite.sum(axis=1)
    sums, known = np.where(finite, columns, 0.0), finite.astype(np.float64)
    files = columns.shape[1]
    generator = np.random.default_rng(seed)
    resampled = []
    wanted = resamples if counts.size and counts.max() >= MIN_FILES else 0
    for start in range(0, wanted, _BLOCK):
        block = min(_BLOCK, resamples - start)
        # Files drawn with replacement, as how often each is: weights [block, files].
        draws = generator.integers(0, files, size=(block, files))
        draws += files * np.arange(block)[:, None]
        weights = np.bincount(draws.ravel(), minlength=block * files).reshape(block, files)
        weights = weights.astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            resampled.append(weights @ sums.T / (weights @ known.T))  # [block, columns]
    means = []
    for place, n in enumerate(counts):
        mean = float(sums[place].sum() / n) if n else math.nan
        low = high = math.nan
        if n >= MIN_FILES:
            column = np.concatenate([block[:, place] for block in resampled])
            tail = 100 * (1 - LEVEL) / 2
            low, high = np.nanpercentile(column, [tail, 100 - tail])
        means.append(Mean(int(n), mean, float(low), float(high)))
    return means


def sign_flip_p(columns: np.ndarray, seed: int, resamples: int = RESAMPLES) -> list[float]:
    """Two-sided p of the mean of each column [columns, files] of paired differences.

    Among random sign flips of the differences, the share whose mean is as far from zero. All flips
    are listed for up to 13 differences. NaN counts as missing; fewer than 6 values give NaN.
    """
    finite = np.isfinite(columns)
    counts = finite.sum(axis=1)
    values = np.where(finite, columns, 0.0)  # a missing value stays out of the sum, flipped or not
    observed = np.abs(values.sum(axis=1))
    least = observed - 1e-12 * np.abs(values).sum(axis=1)  # equal sums must count as equal
    generator = np.random.default_rng(seed)
    as_far = np.zeros(len(columns))
    for start in range(0, resamples if counts.size and counts.max() > EXACT_FILES else 0, _BLOCK):
        size = (min(_BLOCK, resamples - start), columns.shape[1])
        flips = 1 - 2.0 * generator.integers(0, 2, size=size, dtype=np.int8)
        as_far += (np.abs(flips @ values.T) >= least).sum(axis=0)
    p_values = ((as_far + 1) / (resamples + 1)).tolist()  # what was observed is one of the flips
    for place, n in enumerate(counts):
        if n < MIN_TEST_FILES:
            p_values[place] = math.nan
        elif n <= EXACT_FILES:
            flips = 1 - 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
            sums = np.abs(flips @ columns[place][finite[place]])
            p_values[place] = float(np.mean(sums >= least[place]))
    return p_values


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction; NaN stays NaN and is not counted as a test."""
    corrected = [math.nan] * len(p_values)
    order = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    largest = 0.0
    for rank, (p, i) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p))
        corrected[i] = largest
    return corrected


def win_rate(differences: np.ndarray, metric: str) -> float:
    """Share of differences [files] that are better than zero, ties counting half."""
    values = differences[np.isfinite(differences)]
    if not values.size:
        return math.nan
    signs = np.sign(values) if METRICS[metric].higher_is_better else -np.sign(values)
    return float(np.mean((signs + 1) / 2))


# ---- groups ------------------------------------------------------------------------------------


def _groups(
    evaluation: Evaluation, grouping: str
) -> Iterator[tuple[tuple[str, float, float], np.ndarray]]:
    """Label and range, and mask [rows], of each group that has files, in order."""
    rows = evaluation.rows
    if grouping == "group":
        labels = [row.group for row in rows]
        for label in dict.fromkeys(label for label in labels if label is not None):
            yield (label, math.nan, math.nan), np.array([other == label for other in labels])
        return
    if grouping == "input_snr":
        values = np.array([row.input_snr for row in rows])
        known = values[np.isfinite(values)]
        if not known.size:
            return
        low, high = (math.floor(value / SNR_BIN) for value in (known.min(), known.max()))
        edges = [SNR_BIN * step for step in range(low, high + 2)]
        labels = [f"{a} to {b} dB" for a, b in pairwise(edges)]
    else:
        values = np.array([row.duration for row in rows])
        edges = [0, *DURATION_EDGES, math.inf]
        labels = [f"under {DURATION_EDGES[0]} s"]
        labels += [f"{a} to {b} s" for a, b in pairwise(edges[1:-1])]
        labels += [f"{DURATION_EDGES[-1]} s and more"]
    for label, (first, last) in zip(labels, pairwise(edges), strict=True):
        mask = (values >= first) & (values < last)
        if mask.any():
            yield (label, first, last), mask
