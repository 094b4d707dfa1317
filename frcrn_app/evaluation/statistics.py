"""Means with intervals, and tests of paired differences, over files that may lack a score.

What is resampled are files, or, where files are not independent, whole clusters of them (a speaker,
a session). Intervals hold their 95 % for few files too: Student's t below 30 (it covers 93 to 95 %
at six files, where the percentile bootstrap covers 86; BCa covers 90 to 92 at fifteen), from there
on the bias-corrected and accelerated bootstrap, BCa (Efron 1987). Differences are tested by
flipping their signs (a permutation test; exact where all flips can be listed) and corrected for the
number of tests by Holm (1979). All is seeded.
"""

from __future__ import annotations

import math
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

RESAMPLES = 10_000
LEVEL = 0.95  # of the intervals
ALPHA = 0.05  # a corrected p below it is called significant
MIN_FILES = 5  # below that many, an interval would pretend to know what it cannot
MIN_TEST_FILES = 6  # the fewest whose sign flips can reach p < 0.05
BOOTSTRAP_FILES = 30  # from which on the bootstrap's intervals hold what they say

_BLOCK = 2_000_000  # numbers drawn at a time, so that memory does not grow with the resamples


@dataclass(frozen=True)
class Mean:
    """A mean over files with its interval; NaN where there is none."""

    n: int  # files it rests on
    mean: float
    low: float  # ends of the 95 % interval
    high: float


@dataclass(frozen=True)
class Test:
    """Whether a mean differs from zero."""

    __test__ = False  # for pytest: no test, whatever its name says

    p: float  # two-sided; NaN where there are too few files
    least: float  # the smallest p that so many files can reach, whatever their scores


def mean_intervals(
    columns: np.ndarray,
    seed: int,
    resamples: int = RESAMPLES,
    clusters: Sequence[object] | None = None,
) -> list[Mean]:
    """Means of columns [columns, files] with 95 % intervals.

    NaN counts as missing. Fewer than 5 files, or clusters of them, get no interval.

    Args:
        columns: scores or differences.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        clusters: what each file belongs to; each its own by default.
    """
    means: dict[int, Mean] = {}
    for places, sums, counts in _units(columns, clusters):
        n = int(counts.sum())
        centres = sums.sum(axis=1) / n if n else np.full(len(places), math.nan)
        low, high = _interval(sums, counts, seed, resamples)
        for row, place in enumerate(places):
            means[place] = Mean(n, float(centres[row]), float(low[row]), float(high[row]))
    return [means[place] for place in range(len(columns))]


def sign_flip_tests(
    columns: np.ndarray,
    seed: int,
    resamples: int = RESAMPLES,
    clusters: Sequence[object] | None = None,
) -> list[Test]:
    """Two-sided tests of the mean of each column [columns, files] of paired differences.

    Among sign flips of the differences, or of whole clusters of them, the share whose mean is as
    far from zero. All flips are listed where they are fewer than the resamples. NaN counts as
    missing; fewer than 6 files, or clusters, give NaN.
    """
    from scipy.stats import permutation_test

    tests: dict[int, Test] = {}
    for places, sums, counts in _units(columns, clusters):
        units = counts.size
        least = max(2.0 ** (1 - units), 2 / (resamples + 1)) if units else 1.0
        p_values = np.full(len(places), math.nan)
        if units >= MIN_TEST_FILES:
            test: Any = permutation_test(
                (sums,),
                np.mean,
                permutation_type="samples",
                vectorized=True,
                axis=-1,
                n_resamples=resamples,
                batch=max(1, _BLOCK // sums.size),
                rng=np.random.default_rng(seed),
            )
            p_values = test.pvalue
        for row, place in enumerate(places):
            tests[place] = Test(float(p_values[row]), least)
    return [tests[place] for place in range(len(columns))]


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction; NaN stays NaN and is not counted as a test.

    statsmodels' stops all threads to collect garbage, which in a server takes half a second.
    """
    values = np.array(p_values, dtype=float)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known])]
    steps = values[order] * np.arange(len(order), 0, -1)
    values[order] = np.minimum(1, np.maximum.accumulate(steps))
    return values.tolist()


def files_needed(tests: int) -> int:
    """Fewest files, or clusters, with which one of so many corrected tests can be significant."""
    files = MIN_TEST_FILES
    while max(tests, 1) * 2.0 ** (1 - files) >= ALPHA:
        files += 1
    return files


def flips_needed(tests: int) -> int:
    """Fewest sign flips with which one of so many corrected tests can be significant."""
    return math.ceil(2 * tests / ALPHA)


def _units(
    columns: np.ndarray, clusters: Sequence[object] | None
) -> Iterator[tuple[list[int], np.ndarray, np.ndarray]]:
    """Columns that have the same files: their places, and what is resampled.

    Sums [columns, units] and numbers of files [units] of each unit, a cluster or a single file.
    """
    by_mask: dict[bytes, list[int]] = defaultdict(list)
    for place, finite in enumerate(np.isfinite(columns)):
        by_mask[finite.tobytes()].append(place)
    for places in by_mask.values():
        finite = np.isfinite(columns[places[0]])
        values = columns[places][:, finite]  # [columns, files]
        if clusters is None:
            yield places, values, np.ones(values.shape[1])
            continue
        names = [name for name, kept in zip(clusters, finite, strict=True) if kept]
        number_of = {name: number for number, name in enumerate(dict.fromkeys(names))}
        membership = np.zeros((len(names), len(number_of)))  # [files, units]
        membership[np.arange(len(names)), [number_of[name] for name in names]] = 1
        yield places, values @ membership, membership.sum(axis=0)


def _interval(
    sums: np.ndarray, counts: np.ndarray, seed: int, resamples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ends [columns] of the intervals of sums [columns, units] over counts [units]."""
    units = counts.size
    nothing = np.full(len(sums), math.nan)
    if units < MIN_FILES:
        return nothing, nothing
    centres = sums.sum(axis=1) / counts.sum()
    # The ratio's residuals (Cochran 1977, eq. 6.13): of single files, what is left of their mean.
    residuals = sums - centres[:, None] * counts
    error = np.sqrt(np.square(residuals).sum(axis=1) * units / (units - 1)) / counts.sum()
    constant = error <= 1e-12 * np.maximum(1, np.abs(centres))
    if units < BOOTSTRAP_FILES:
        from scipy.stats import t

        reach = t.ppf((1 + LEVEL) / 2, units - 1) * error
        low, high = centres - reach, centres + reach
    else:
        low, high = nothing.copy(), nothing.copy()
        for row in np.flatnonzero(~constant):
            low[row], high[row] = _bca(sums[row], counts, seed, resamples)
    return np.where(constant, centres, low), np.where(constant, centres, high)


def _bca(sums: np.ndarray, counts: np.ndarray, seed: int, resamples: int) -> tuple[float, float]:
    from scipy.stats import bootstrap

    def ratio(sums: np.ndarray, counts: np.ndarray, axis: int = -1) -> np.ndarray:
        return sums.sum(axis=axis) / counts.sum(axis=axis)

    alike = bool((counts == counts[0]).all())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of degenerate data, which come out as NaN
        interval = bootstrap(
            (sums / counts,) if alike else (sums, counts),
            np.mean if alike else ratio,
            paired=not alike,
            vectorized=True,
            axis=-1,
            confidence_level=LEVEL,
            n_resamples=resamples,
            batch=max(1, _BLOCK // sums.size),
            method="BCa",
            rng=np.random.default_rng(seed),
        ).confidence_interval
    return float(interval.low), float(interval.high)
