"""What the report says of a listening test."""

import json
import math

import numpy as np
import pytest

from frcrn_app.evaluation import Mean, summarise
from frcrn_app.listening import Correlation, Heard, Listened, Preference
from frcrn_app.report import html_text, listening_part, write_reports

NOTHING = math.nan


@pytest.fixture
def mushra() -> Listened:
    def of(signal: str, mean: float) -> Heard:
        over = Mean(30, mean, mean - 6, mean + 6), Mean(30, mean, NOTHING, NOTHING)
        return Heard(signal, *over, (mean - 1, mean + 1))

    return Listened(
        "mushra", ("english_fan", "french_street"), began=5, finished=4, screened=1, votes=30,
        heard=(of("reference", 97), of("anchor35", 30), of("noisy", 55), of("oracle", 96)),
        correlations=(Correlation("si_sdr", 12, 0.912, -0.5),),
    )  # fmt: skip


@pytest.fixture
def evaluation(make_evaluation):
    scores = {"noisy": np.arange(6.0), "oracle": np.arange(6.0) + 9}
    return make_evaluation({system: {"si_sdr": column} for system, column in scores.items()})


def test_ratings_stand_best_first_with_their_intervals(mushra, evaluation, tmp_path):
    page = html_text(evaluation, summarise(evaluation), listened=mushra)
    assert page.index("hidden reference") < page.index("(3.5 kHz") < page.index("Do metrics agree")
    assert "5 people listened blind, on 2 files." in page
    assert "1 listener is left out" in page
    part = listening_part(mushra, evaluation, "zh")
    assert "共 5 人参加盲听" in part
    assert "[91.0, 100.0]" in part
    assert "0.91" in part
    assert "−0.50" in part
    (path,) = write_reports(
        evaluation, summarise(evaluation), json=tmp_path / "r.json", listened=mushra
    )
    content = json.loads(path.read_text(encoding="utf-8"))["listening"]
    assert content["heard"][2]["by_listener"]["mean"] == 55
    assert content["heard"][2]["by_file"]["low"] is None


def test_preferences_and_nobody(evaluation):
    half = Mean(12, 0.25, 0.1, 0.4)
    choice = Preference("noisy", "oracle", half, half, (0.0, 0.5), 0.0312)
    found = Listened("ab", ("a", "b"), 6, 6, 0, 12, preferences=(choice,))
    part = listening_part(found, evaluation)
    assert "noisy / oracle" in part
    assert "25 %" in part
    assert "[10, 40]" in part
    assert "0.031" in part
    assert "Nobody has voted yet" in listening_part(Listened("ab", ("a",), 0, 0, 0, 0), evaluation)
