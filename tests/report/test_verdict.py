"""The opening says who is best, by how much, how sure and on what; and no more than is shown."""

import math

import numpy as np
import pytest

from frcrn_app.errors import PairError
from frcrn_app.evaluation import NOISY, summarise
from frcrn_app.report import Words, part
from frcrn_app.report.caveats import caveats
from frcrn_app.report.verdict import leaders, opening, ranking

EN, ZH = Words("en"), Words("zh")


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, count)


@pytest.fixture(scope="module")
def clear(make_evaluation):
    """A is better than B, which is better than the noisy files, on 40 files."""
    base = 2.0 + noise(40)
    return make_evaluation(
        {
            NOISY: {"pesq_wb": base},
            "B": {"pesq_wb": base + 0.3 + noise(40, 1)},
            "A": {"pesq_wb": base + 0.9 + noise(40, 2)},
        }
    )


def test_three_sentences_name_the_best_the_gain_the_certainty_and_the_set(clear):
    summary = summarise(clear)
    who, sure, what = opening(clear, summary, EN)
    best = summary.score("A", "pesq_wb")
    assert who.startswith("A is best")
    assert f"{best.score.mean:.3f}" in who
    assert f"{summary.score(NOISY, 'pesq_wb').score.mean:.3f}" in who
    assert "well established" in sure
    assert f"{best.gain.low:+.3f}" in sure
    assert "100 %" in sure
    assert "B" in sure
    assert "40 recordings" in what
    assert "0 to 19 dB" in what
    assert [place.rank for place in ranking(clear, summary, "pesq_wb")] == [1, 2, 3]
    assert leaders(clear, summary, "pesq_wb") == {"A"}
    assert [sentence.count("A") for sentence in opening(clear, summary, ZH)][:1] == [1]


def test_what_nothing_separates_shares_a_rank(make_evaluation):
    base = 2.0 + noise(40)
    evaluation = make_evaluation(
        {
            NOISY: {"pesq_wb": base},
            "A": {"pesq_wb": base + 0.5 + noise(40, 1)},
            "B": {"pesq_wb": base + 0.5 + noise(40, 2)},
        }
    )
    summary = summarise(evaluation)
    places = ranking(evaluation, summary, "pesq_wb")
    assert [place.rank for place in places] == [1, 1, 3]
    assert places[2].system == NOISY
    assert "nothing separates them" in opening(evaluation, summary, EN)[0]
    assert leaders(evaluation, summary, "pesq_wb") == {"A", "B"}


def test_a_loss_is_neither_best_nor_bold_nor_in_the_colour_of_a_gain(make_evaluation):
    base = 3.0 + noise(40)
    evaluation = make_evaluation(
        {NOISY: {"pesq_wb": base}, "bad": {"pesq_wb": base - 0.5 + noise(40, 1)}}
    )
    summary = summarise(evaluation)
    who, sure, _ = opening(evaluation, summary, EN)
    assert "No system improves" in who
    assert "well established" in sure
    assert leaders(evaluation, summary, "pesq_wb") == {NOISY}
    for name in ("ranking", "summary", "comparison", "tiles"):
        html = part(name, evaluation, summary)
        assert 'class="better"' not in html
        bold = f"<b>{summary.score('bad', 'pesq_wb').score.mean:.3f}</b>"
        assert bold not in html


def test_chance_is_called_chance(make_evaluation):
    base = 2.0 + noise(40)
    evaluation = make_evaluation(
        {NOISY: {"pesq_wb": base}, "A": {"pesq_wb": base + 0.001 + noise(40, 1)}}
    )
    summary = summarise(evaluation)
    who, sure, _ = opening(evaluation, summary, EN)
    assert "No difference from the noisy recordings is shown" in who
    assert "may be chance" in sure
    html = part("comparison", evaluation, summary)
    assert "no difference shown" in html
    assert leaders(evaluation, summary, "pesq_wb") == set()
    assert '"better"' not in part("summary", evaluation, summary)


def test_where_interval_and_test_do_not_agree_both_are_said(make_evaluation):
    """Wins on all files, one of them by far: the interval reaches zero, the test does not."""
    gains = np.array([0.05, 0.06, 0.04, 0.05, 0.07, 0.06, 0.05, 0.04, 2.0, 0.05])
    evaluation = make_evaluation({NOISY: {"pesq_wb": [2.0] * 10}, "A": {"pesq_wb": 2.0 + gains}})
    summary = summarise(evaluation)
    [comparison] = summary.comparisons
    assert comparison.better == "A"
    assert comparison.difference.low < 0
    who, sure, _ = opening(evaluation, summary, EN)
    assert "A is best" in who
    assert "well established" not in sure
    assert f"p = {2 / 2**10:.3f}" in sure
    # Three tests: none of them is significant once corrected, though an interval excludes zero.
    gains = np.array([0.5, 0.4, 0.6, 0.5, 0.3, 0.5, 0.4, -0.3])
    scores = {"pesq_wb": 2.0 + gains, "stoi": [0.5] * 8, "si_sdr": [1.0] * 8}
    noisy = {"pesq_wb": [2.0] * 8, "stoi": [0.5] * 8, "si_sdr": [1.0] * 8}
    evaluation = make_evaluation({NOISY: noisy, "A": scores})
    summary = summarise(evaluation)
    assert summary.score("A", "pesq_wb").gain.low > 0
    for words, said in ((EN, "corrected for 3 comparisons"), (ZH, "3 次比较")):
        _, sure, _ = opening(evaluation, summary, words)
        assert said in sure


def test_too_few_files_decide_nothing_and_say_how_many_would(make_evaluation):
    scores = {"pesq_wb": 2.0 + noise(4), "stoi": 0.8 + noise(4, 1)}
    better = {key: values + 0.9 for key, values in scores.items()}
    evaluation = make_evaluation({NOISY: scores, "A": better})
    summary = summarise(evaluation)
    _, sure, _ = opening(evaluation, summary, EN)
    needed = summary.comparisons[0].files_needed
    assert needed > 4
    assert "4 files are too few" in sure
    assert f"at least {needed}" in sure
    assert {place.rank for place in ranking(evaluation, summary, "pesq_wb")} == {1}
    assert f"{needed} needed" in part("comparison", evaluation, summary)
    assert any("Only 4 files" in caveat for caveat in caveats(evaluation, summary, EN))


def test_a_system_that_lacks_files_is_held_against_the_noisy_ones_that_it_has(make_evaluation):
    easy, hard = np.full(2, 3.0), np.full(2, 1.0)
    evaluation = make_evaluation(
        {
            NOISY: {"pesq_wb": np.append(easy, hard)},
            "A": {"pesq_wb": np.append(easy - 0.5, hard * math.nan)},
        }
    )
    who = opening(evaluation, summarise(evaluation), EN)[0]
    assert "No system has a better average" in who
    assert "from 3.000 to 2.500" in who


def test_a_few_good_files_do_not_lead_before_a_gain_that_is_shown(make_evaluation):
    base = 2.0 + noise(40)
    few = base + 1.5
    few[3:] = math.nan
    few[:3] = 4.0
    evaluation = make_evaluation(
        {
            NOISY: {"pesq_wb": base},
            "few": {"pesq_wb": few},
            "A": {"pesq_wb": base + 0.5 + noise(40, 1)},
            "bad": {"pesq_wb": base - 0.5 + noise(40, 2)},
        }
    )
    summary = summarise(evaluation)
    who, sure, _ = opening(evaluation, summary, EN)
    assert who.startswith("A improves on the noisy recordings")
    assert "well established" in sure
    assert "3 of 40 files" in part("ranking", evaluation, summary)
    tiles = part("tiles", evaluation, summary)
    assert "<p>A</p>" in tiles
    assert "few" not in tiles


def test_where_one_system_is_worse_no_sentence_says_that_nothing_differs(make_evaluation):
    base = 2.0 + noise(40)
    evaluation = make_evaluation(
        {
            NOISY: {"pesq_wb": base},
            "A": {"pesq_wb": base + 0.001 + noise(40, 1)},
            "bad": {"pesq_wb": base - 0.5 + noise(40, 2)},
        }
    )
    who = opening(evaluation, summarise(evaluation), EN)[0]
    assert "No system is shown to improve" in who
    assert " A takes" in who


def test_recordings_that_were_not_scored_are_not_counted(make_evaluation):
    scores = np.append(2.0 + noise(5), [math.nan] * 2)
    evaluation = make_evaluation({NOISY: {"pesq_wb": scores}, "A": {"pesq_wb": scores + 0.5}})
    for row in evaluation.rows[5:]:
        row.duration, row.input_snr = math.nan, math.nan
    summary = summarise(evaluation)
    what = opening(evaluation, summary, EN)[2]
    assert "5 recordings (20 seconds, input SNR 0 to 4 dB)" in what
    assert "5 pairs of noisy and clean recordings" in part("method", evaluation, summary)


def test_caveats_come_where_they_apply_and_nowhere_else(clear, make_evaluation):
    assert caveats(clear, summarise(clear), EN) == []
    base = 2.0 + noise(40)
    evaluation = make_evaluation(
        {
            NOISY: {"pesq_wb": base, "stoi": 0.9 + base / 100},
            "A": {"pesq_wb": base + 0.5 + noise(40, 1), "stoi": 0.8 + base / 100},
        },
        settings={"align": True},
    )
    for number, row in enumerate(evaluation.rows):
        row.input_band_hz = 3400.0 if number < 3 else 7900.0
        row.input_clipped = 0.01 if number < 2 else 0.0
        row.sounds["A"].lag = 0.02
    said = caveats(evaluation, summarise(evaluation), EN)
    assert len(said) == 4
    assert "3 of 40 noisy recordings hold nothing above 3.4 kHz" in said[0]
    assert "2 of 40 noisy recordings are clipped" in said[1]
    assert "A comes 20 ms late" in said[2]
    assert "A is better in PESQ-WB, noisy in STOI" in said[3]
    assert len(caveats(evaluation, summarise(evaluation), ZH)) == 4


def test_nothing_scored_is_said(make_evaluation):
    nothing = np.full(3, math.nan)
    evaluation = make_evaluation({NOISY: {"pesq_wb": nothing}, "A": {"pesq_wb": nothing}})
    assert opening(evaluation, summarise(evaluation), EN) == [EN("opening.nothing")]


def test_what_lowers_scores_on_most_files_is_said_above_all_tables(make_evaluation):
    evaluation = make_evaluation(
        {NOISY: {"stoi": [0.5] * 4}, "A": {"stoi": [0.4] * 4}}, settings={"align": False}
    )
    for row in evaluation.rows[:3]:
        fields = {"milliseconds": 30.0, "aligned": 9.0, "plain": -30.0}
        row.sounds["A"].notes.append(PairError("evaluation.late", **fields))
    evaluation.rows[0].sounds["A"].notes.append(PairError("evaluation.inverted"))  # one of four
    said = " ".join(caveats(evaluation, summarise(evaluation), EN))
    assert "A comes 30 ms late (median) on 3 of 4 files" in said
    assert "polarity" not in said
    assert "4 个文件中有 3 个晚 30 毫秒" in "".join(caveats(evaluation, summarise(evaluation), ZH))


def test_one_file_has_one_snr_and_equal_scores_are_called_equal(make_evaluation):
    one = make_evaluation({NOISY: {"stoi": [0.5]}})
    assert "input SNR 0 dB" in opening(one, summarise(one), EN)[-1]
    assert "measured input SNR 0.0 dB)" in part("method", one, summarise(one))
    same = make_evaluation({NOISY: {"stoi": noise(8)}, "A": {"stoi": noise(8)}})
    _, sure, _ = opening(same, summarise(same), EN)
    assert "file by file" in sure
    assert "chance" not in sure
