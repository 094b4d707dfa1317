"""Rows become statements that hold."""

import math

import numpy as np
import pytest
from sets import evaluation_of

from frcrn_app.evaluation import NOISY, summarise
from frcrn_app.evaluation.statistics import (
    files_needed,
    flips_needed,
    holm,
    mean_intervals,
    sign_flip_tests,
)
from frcrn_app.evaluation.summary import win_rate


def test_means_rest_on_the_files_that_have_scores():
    nan = math.nan
    evaluation = evaluation_of(
        {
            NOISY: {"stoi": [0.5, 0.6, nan, 0.8, 0.9, 0.7, 0.5]},
            "a": {"stoi": [0.6, nan, 0.9, 0.9, 0.9, 0.6, 0.7]},
        }
    )
    summary = summarise(evaluation)
    score = summary.score("a", "stoi")
    assert score.score.n == 6
    assert score.score.mean == pytest.approx(4.6 / 6)
    assert score.median == pytest.approx(0.8)
    assert score.gain.n == 5  # both sides are needed
    assert score.gain.mean == pytest.approx((0.1 + 0.1 + 0.0 - 0.1 + 0.2) / 5)
    assert score.win_rate == pytest.approx((3 + 0.5) / 5)
    assert score.gain.low <= score.gain.mean <= score.gain.high


def test_gains_are_paired():
    """A constant gain has no uncertainty, however different the files are."""
    noisy = list(np.random.default_rng(0).normal(5, 4, 40))
    evaluation = evaluation_of(
        {NOISY: {"si_sdr": noisy}, "a": {"si_sdr": [value + 2 for value in noisy]}}
    )
    gain = summarise(evaluation).score("a", "si_sdr").gain
    assert (gain.low, gain.mean, gain.high) == pytest.approx((2, 2, 2))


def test_statistics_repeat_with_their_seed_and_move_with_it():
    values = list(np.random.default_rng(0).normal(size=30))
    evaluation = evaluation_of({NOISY: {"si_sdr": values}, "a": {"si_sdr": values[::-1]}})
    assert summarise(evaluation, seed=3) == summarise(evaluation, seed=3)
    first, second = (summarise(evaluation, seed=s).score("a", "si_sdr").score for s in (3, 4))
    assert first.low != second.low
    assert first.low == pytest.approx(second.low, abs=0.05)


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


@pytest.mark.parametrize("speakers", [8, 40])
def test_intervals_of_unequal_speakers_are_those_of_a_robust_regression(speakers):
    from statsmodels.api import OLS

    draw = np.random.default_rng(1)
    clusters = np.repeat(np.arange(speakers), draw.integers(1, 8, speakers))
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


def test_no_difference_is_seldom_called_significant():
    tests = sign_flip_tests(np.random.default_rng(0).normal(size=(400, 20)), seed=0)
    assert 0.02 < np.mean([test.p < 0.05 for test in tests]) < 0.09


def test_the_direction_of_a_metric_decides_who_wins():
    assert win_rate(np.array([-1.0, -2, 3, 0]), "lsd") == pytest.approx(2.5 / 4)
    noisy = [10.0] * 12
    better = [8 + 0.1 * number for number in range(12)]
    evaluation = evaluation_of({NOISY: {"lsd": noisy}, "a": {"lsd": better}})
    [comparison] = summarise(evaluation).comparisons
    assert comparison.difference.mean < 0
    assert comparison.better == "a"


def test_groups_by_snr_duration_and_label():
    evaluation = evaluation_of(
        {NOISY: {"stoi": [0.1, 0.2, 0.3, 0.4]}},
        input_snr=[-0.1, 0.0, 4.9, math.nan],
        duration=[1.0, 2.0, 70.0, 3.0],
        group={0: "café", 1: "street", 2: "café"},
    )
    groups = summarise(evaluation).groups
    found = {
        name: [(group.label, group.files, round(group.scores[0].score.mean, 3)) for group in of]
        for name, of in groups.items()
    }
    assert found == {
        "input_snr": [("-5 to 0 dB", 1, 0.1), ("0 to 5 dB", 2, 0.25)],
        "duration": [("under 2 s", 1, 0.1), ("2 to 5 s", 2, 0.3), ("60 s and more", 1, 0.3)],
        "group": [("café", 2, 0.2), ("street", 1, 0.2)],
    }


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


def test_few_files_and_many_tests_are_called_too_few_with_the_number_needed():
    """Six files and ten tests give p >= .31, whatever the scores."""
    keys = [
        "stoi",
        "pesq_wb",
        "si_sdr",
        "lsd",
        "csig",
        "cbak",
        "covl",
        "seg_snr",
        "estoi",
        "pesq_nb",
    ]
    values = np.random.default_rng(0).normal(size=9)

    def of(files: int):
        return summarise(evaluation_of({
            NOISY: {key: list(values[:files]) for key in keys},
            "a": {key: list(values[:files] + 5) for key in keys},
        })).comparisons  # fmt: skip

    few, enough = of(6), of(9)
    assert {comparison.verdict for comparison in few} == {"too_few"}
    assert few[0].p_corrected == pytest.approx(10 / 32)
    assert few[0].files_needed == 9
    assert {comparison.verdict for comparison in enough} == {"better"}
    assert {comparison.better for comparison in enough if comparison.metric != "lsd"} == {"a"}


def test_fewest_files_and_flips_of_corrected_tests():
    """Six files can reach p = 2 / 64, which one test passes and two do not."""
    assert [files_needed(tests) for tests in (0, 1, 2, 10)] == [6, 6, 7, 9]
    flips = flips_needed(10)
    assert 10 * 2 / (flips + 1) < 0.05 <= 10 * 2 / flips


def test_a_clear_difference_is_significant_among_however_many_comparisons():
    """Fifty flips alone cannot reach p < .05 / 3."""
    draw = np.random.default_rng(0)
    scores = {
        system: {"si_sdr": list(draw.normal(level, 1, 16))}
        for system, level in ((NOISY, 0), ("a", 20), ("b", 40))
    }
    comparisons = summarise(evaluation_of(scores), resamples=50).comparisons
    assert [comparison.better for comparison in comparisons] == ["a", "b", "b"]


def test_no_proof_is_not_proof_of_equality():
    values = np.random.default_rng(0).normal(size=40)
    noise = np.random.default_rng(1).normal(size=40)
    [comparison] = summarise(evaluation_of({
        NOISY: {"si_sdr": list(values)}, "a": {"si_sdr": list(values + noise)},
    })).comparisons  # fmt: skip
    assert comparison.verdict == "undecided"
    assert comparison.better is None


def test_files_of_one_speaker_are_not_independent():
    """Twelve speakers with ten files each, alike within a speaker: as sure as of twelve files."""
    draw = np.random.default_rng(3)
    speakers = np.repeat(draw.normal(0.5, 1, 12), 10)
    gains = speakers + draw.normal(0, 0.01, 120)
    clusters = [f"speaker {number // 10}" for number in range(120)]
    [alone], [together] = (mean_intervals(gains[None], 0, clusters=c) for c in (None, clusters))
    [twelve] = mean_intervals(speakers[None, ::10], 0)
    assert together.n == 120
    assert together.high - together.low > 2.5 * (alone.high - alone.low)
    assert together.high - together.low == pytest.approx(twelve.high - twelve.low, rel=0.03)
    evaluation = evaluation_of(
        {NOISY: {"si_sdr": [0.0] * 120}, "a": {"si_sdr": list(gains)}},
        cluster=dict(enumerate(clusters)),
        group={number: "women" if number < 60 else "men" for number in range(120)},
    )
    summary = summarise(evaluation)
    assert summary.clusters == 12
    [six] = mean_intervals(gains[None, 60:], 0, clusters=clusters[60:])
    assert [group.scores[1].gain for group in summary.groups["group"]][1] == six
    assert summary.comparisons[0].p > 0.01 > sign_flip_tests(gains[None], 0)[0].p


@pytest.mark.parametrize(("cluster", "drawn"), [({}, None), ({0: "a", 1: "a", 6: "b"}, 6)])
def test_files_of_no_known_speaker_are_each_their_own(cluster, drawn):
    scores = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    summary = summarise(evaluation_of({NOISY: {"stoi": scores}}, cluster=cluster))
    assert summary.clusters == drawn
    places = [cluster.get(number, number) for number in range(7)]
    [mean] = mean_intervals(np.array([scores]), 0, clusters=places)
    assert summary.score(NOISY, "stoi").score == mean


def test_a_mean_over_unequal_speakers_counts_files():
    gains = np.array([[1.0] * 40 + [3.0, 3.0, 4.0, 2.0, 5.0] * 2])
    clusters = [0] * 40 + list(range(1, 11))
    [mean] = mean_intervals(gains, 0, clusters=clusters)
    assert mean.mean == pytest.approx(gains.mean())
    assert mean.low < mean.mean < mean.high
