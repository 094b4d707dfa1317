"""Means, intervals and tests are those of textbooks and of other implementations."""

import math

import numpy as np
import pytest

from frcrn_app.evaluation import statistics
from frcrn_app.evaluation.statistics import (
    files_needed,
    flips_needed,
    holm,
    mean_intervals,
    sign_flip_tests,
)


def test_bootstrap_intervals_have_the_width_of_theory():
    values = np.random.default_rng(0).normal(size=400)
    [mean] = mean_intervals(values[None], seed=0)
    width = 2 * 1.96 * values.std() / math.sqrt(400)
    assert mean.high - mean.low == pytest.approx(width, rel=0.05)


def test_intervals_of_few_files_are_students():
    """Of 1 to 5: 3 +- 2.776 * 1.581 / sqrt(5)."""
    [mean] = mean_intervals(np.array([[1.0, 2, 3, math.nan, 4, 5]]), seed=0)
    assert (repr(mean.n), mean.mean) == ("5", 3)  # files are counted in whole numbers
    assert (mean.low, mean.high) == pytest.approx((1.0368, 4.9632), abs=1e-4)


def test_intervals_from_thirty_files_on_lean_as_the_scores_do():
    from scipy.stats import bootstrap

    scores = np.random.default_rng(0).exponential(size=30)
    thirty, fewer = (mean_intervals(scores[None, :files], seed=0)[0] for files in (30, 29))
    expected = bootstrap((scores,), np.mean, method="BCa", rng=np.random.default_rng(1))
    low, high = expected.confidence_interval
    assert (thirty.low, thirty.high) == pytest.approx((low, high), abs=0.04 * (high - low))
    assert thirty.high - thirty.mean > 1.3 * (thirty.mean - thirty.low)
    assert fewer.high - fewer.mean == pytest.approx(fewer.mean - fewer.low)


@pytest.mark.parametrize(("speakers", "files"), [(8, (1, 8)), (40, (1, 8)), (40, (3, 4))])
def test_intervals_of_speakers_are_those_of_a_robust_regression(speakers, files):
    from statsmodels.api import OLS

    draw = np.random.default_rng(1)
    clusters = np.repeat(np.arange(speakers), draw.integers(*files, speakers))
    gains = draw.normal(5, 1, speakers)[clusters] + draw.normal(0, 0.3, clusters.size)
    fit = OLS(gains, np.ones_like(gains)).fit(
        cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True
    )
    scores, names = np.append(math.nan, gains), ["without a score", *clusters]
    [mean] = mean_intervals(scores[None], 0, clusters=names)
    # Exactly for few; the bootstrap, for many, within what it draws and how the scores lean.
    tolerance = 1e-9 if speakers < 30 else 0.1 * np.ptp(fit.conf_int())
    assert (mean.low, mean.high) == pytest.approx(tuple(fit.conf_int()[0]), abs=tolerance)


def test_few_files_get_no_interval_and_no_test():
    [mean] = mean_intervals(np.array([[1.0, 2.0, 3.0, 4.0]]), seed=0)
    assert mean.mean == 2.5
    assert math.isnan(mean.low)
    for files, least in ((5, 1 / 16), (0, 1)):
        [test] = sign_flip_tests(np.ones((1, files)), seed=0)
        assert math.isnan(test.p)
        assert test.least == least


def test_sign_flips_are_exact_for_few_files():
    columns = np.array([[1.0, 2, 3, 4, 5, 6, math.nan], [1.0, -1, 2, -2, 3, -3, math.nan]])
    assert [test.p for test in sign_flip_tests(columns, seed=0)] == [2 / 64, 1.0]


@pytest.mark.parametrize(("files", "least"), [(6, 1 / 32), (9, 1 / 256), (10, 0.002)])
def test_the_smallest_p_is_what_the_clearest_difference_has(files, least):
    """All flips of 6 and of 9 files are listed, and 999 of those of 10 are drawn."""
    clear, unclear = np.arange(1.0, files + 1), (-1.0) ** np.arange(files)
    tests = sign_flip_tests(np.array([clear, unclear]), seed=0, resamples=999)
    assert tests[0].p == pytest.approx(least)
    assert tests[1].p > 0.5
    assert [test.least for test in tests] == pytest.approx([least, least])


def test_what_is_drawn_at_a_time_changes_nothing(monkeypatch):
    """Of many columns and files little is drawn at a time, which bounds the memory."""
    columns = np.random.default_rng(0).normal(0.3, 1, (2, 40))
    whole = sign_flip_tests(columns, 0, 99), mean_intervals(columns, 0, 99)
    monkeypatch.setattr(statistics, "_BLOCK", 50)
    assert (sign_flip_tests(columns, 0, 99), mean_intervals(columns, 0, 99)) == whole


def test_sign_flips_of_many_files_agree_with_a_t_test():
    from scipy.stats import ttest_1samp

    values = np.random.default_rng(1).normal(0.25, 1, (3, 60))
    values[1, 20:30] = math.nan
    expected = [ttest_1samp(column[np.isfinite(column)], 0).pvalue for column in values]
    found = [test.p for test in sign_flip_tests(values, seed=0)]
    assert found == pytest.approx(expected, abs=0.012)


def test_holm_by_hand():
    corrected = holm([0.01, 0.04, math.nan, 0.03, 0.005])
    assert corrected[:2] == pytest.approx([0.03, 0.06])
    assert corrected[3:] == pytest.approx([0.06, 0.02])
    assert math.isnan(corrected[2])


@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_holm_is_statsmodels(count):
    from statsmodels.stats.multitest import multipletests

    p_values = np.random.default_rng(count).uniform(0, 0.1, count).round(2)  # with ties
    expected = multipletests(p_values, method="holm")[1] if count else []
    assert holm(p_values) == pytest.approx(list(expected))


def test_no_difference_is_seldom_called_significant():
    tests = sign_flip_tests(np.random.default_rng(0).normal(size=(400, 20)), seed=0)
    assert 0.02 < np.mean([test.p < 0.05 for test in tests]) < 0.09


@pytest.mark.parametrize("files", [6, 10, 30])
@pytest.mark.parametrize("population", ["normal", "skewed"])
def test_intervals_hold_their_95_percent(files, population):
    """Coverage of the true mean over many sets; the percentile bootstrap has 86 % at six files."""
    draw = np.random.default_rng(0)
    sets = (
        draw.normal(4, 2, (800, files))
        if population == "normal"
        else draw.gamma(4, 1, (800, files))
    )
    intervals = mean_intervals(sets, seed=0, resamples=1000)
    covered = np.mean([mean.low <= 4 <= mean.high for mean in intervals])
    assert covered > (0.92 if population == "normal" and files < 30 else 0.905)
    assert covered < 0.98


def test_fewest_files_and_flips_of_corrected_tests():
    """Six files can reach p = 2 / 64, which one test passes and two do not."""
    assert [files_needed(tests) for tests in (0, 1, 2, 10)] == [6, 6, 7, 9]
    flips = flips_needed(10)
    assert 10 * 2 / (flips + 1) < 0.05 <= 10 * 2 / flips


def test_a_mean_over_unequal_speakers_counts_files():
    gains = np.array([[1.0] * 40 + [3.0, 3.0, 4.0, 2.0, 5.0] * 2])
    clusters = [0] * 40 + list(range(1, 11))
    [mean] = mean_intervals(gains, 0, clusters=clusters)
    assert mean.mean == pytest.approx(gains.mean())
    assert mean.low < mean.mean < mean.high
