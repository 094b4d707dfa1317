"""Rows become statements that hold."""

import math

import numpy as np
import pytest

from frcrn_app.evaluation import NOISY, summarise
from frcrn_app.evaluation.statistics import mean_intervals, sign_flip_tests
from frcrn_app.evaluation.summary import win_rate
from sets import evaluation_of


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
    assert (score.files, score.score.n) == (7, 6)
    assert score.score.mean == pytest.approx(4.6 / 6)
    assert score.median == pytest.approx(0.8)
    assert score.gain.n == 5  # both sides are needed
    assert score.gain.mean == pytest.approx((0.1 + 0.1 + 0.0 - 0.1 + 0.2) / 5)
    assert score.win_rate == pytest.approx((3 + 0.5) / 5)
    assert score.gain.low <= score.gain.mean <= score.gain.high
    assert summary.score(NOISY, "stoi").gain is None
    assert set(summary.groups) == {"input_snr", "duration"}, "no file has a label"


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


def test_the_direction_of_a_metric_decides_who_wins():
    assert win_rate(np.array([-1.0, -2, 3, 0]), "lsd") == pytest.approx(2.5 / 4)
    noisy = [10.0] * 12
    better = [8 + 0.1 * number for number in range(12)]
    evaluation = evaluation_of({NOISY: {"lsd": noisy}, "a": {"lsd": better}})
    [comparison] = summarise(evaluation).comparisons
    assert comparison.difference.mean < 0
    assert comparison.better == "a"
    worse = evaluation_of({NOISY: {"stoi": [0.9] * 12}, "a": {"stoi": [0.1 * v for v in better]}})
    [comparison] = summarise(worse).comparisons
    assert (comparison.verdict, comparison.better) == ("better", NOISY)


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


def test_comparisons_without_enough_files_do_not_count_as_tests():
    values = np.random.default_rng(0).normal(size=9)
    few = [0.5] * 5 + [math.nan] * 4
    scores = {NOISY: {"si_sdr": list(values), "stoi": few}, "a": {"si_sdr": list(values + 0.5)}}
    scores["a"]["stoi"] = [value + 0.1 for value in few]
    known, unknown = summarise(evaluation_of(scores)).comparisons
    assert (known.p_corrected, known.least_p, known.better) == (1 / 256, 1 / 256, "a")
    assert (unknown.least_p, unknown.verdict) == (1, "too_few")
    assert known.files_needed == unknown.files_needed == 6
    alone = {system: dict.fromkeys(("stoi", "estoi"), of["stoi"]) for system, of in scores.items()}
    comparisons = summarise(evaluation_of(alone)).comparisons
    assert {(c.verdict, c.files_needed) for c in comparisons} == {("too_few", 7)}


def test_a_clear_difference_is_significant_among_however_many_comparisons():
    """Fifty flips alone cannot reach p < .05 / 3."""
    draw = np.random.default_rng(0)
    scores = {
        system: {"si_sdr": list(draw.normal(level, 1, 16))}
        for system, level in ((NOISY, 0), ("a", 20), ("b", 40))
    }
    comparisons = summarise(evaluation_of(scores), resamples=50).comparisons
    assert [comparison.better for comparison in comparisons] == ["a", "b", "b"]


def test_rounding_wins_nothing():
    """Ten files of equal scores but for their last bits: a sign test would call that proven."""
    evaluation = evaluation_of({NOISY: {"stoi": [0.9] * 10}, "A": {"stoi": [0.9 + 1e-9] * 10}})
    summary = summarise(evaluation)
    assert summary.score("A", "stoi").win_rate == 0.5
    assert summary.comparisons[0].better is None


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
    [test] = sign_flip_tests(gains[None], 0, clusters=clusters)
    assert summary.comparisons[0].p == test.p > 0.01 > sign_flip_tests(gains[None], 0)[0].p


@pytest.mark.parametrize(("cluster", "drawn"), [({}, None), ({0: "a", 1: "a", 6: "b"}, 6)])
def test_files_of_no_known_speaker_are_each_their_own(cluster, drawn):
    scores = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    summary = summarise(evaluation_of({NOISY: {"stoi": scores}}, cluster=cluster))
    assert summary.clusters == drawn
    places = [cluster.get(number, number) for number in range(7)]
    [mean] = mean_intervals(np.array([scores]), 0, clusters=places)
    assert summary.score(NOISY, "stoi").score == mean
