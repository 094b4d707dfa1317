"""Which files and systems a test takes, and what it refuses."""

import numpy as np
import pytest

from frcrn_app.errors import PairError
from frcrn_app.listening import ANCHOR, REFERENCE, plan
from sets import evaluation_of


def code(evaluation, *args, **settings) -> str:
    with pytest.raises(PairError) as caught:
        plan(evaluation, *args, **settings)
    assert caught.value.sentence("en") != caught.value.sentence("zh")
    return caught.value.code


def test_mushra_has_everything_on_one_page_a_file_and_ab_every_pair(evaluation):
    mushra = plan(evaluation, "mushra", files=3)
    assert [trial.file for trial in mushra.trials] == [0, 1, 2]
    assert {trial.signals for trial in mushra.trials} == {(REFERENCE, ANCHOR, "noisy", "oracle")}
    ab = plan(evaluation, "ab", files=2)
    assert [trial.signals for trial in ab.trials] == [("noisy", "oracle")] * 2


def test_files_are_spread_over_the_scores_and_tell_systems_apart(tmp_path):
    for name in ("noisy.wav", "clean.wav"):
        (tmp_path / name).touch()
    level = np.arange(20.0)
    # Of each ten neighbours the systems differ by one point, but for one file: by five.
    better = level + np.where(level % 10 == 7, 5, 1)
    evaluation = evaluation_of({"noisy": {"si_sdr": level}, "net": {"si_sdr": better}})
    for row in evaluation.rows:
        object.__setattr__(row.pair, "noisy", tmp_path / "noisy.wav")
        object.__setattr__(row.pair, "systems", {"net": tmp_path / "clean.wav"})
    assert plan(evaluation, "ab", files=2).files == ("f7", "f17")


def test_what_cannot_be_heard_is_told(evaluation):
    assert code(evaluation, "abx") == "listening.method"
    assert code(evaluation, "ab", files=9) == "listening.files"
    assert code(evaluation, "ab", systems=["noisy"]) == "listening.too_few_systems"
    assert code(evaluation, "ab", systems=["noisy", "x"]) == "listening.no_such_system"
    gone = evaluation_of({"noisy": {"stoi": [0.5]}, "net": {"stoi": [0.7]}})
    assert code(gone, "ab") == "listening.no_files"
    alone = evaluation_of({"noisy": {"stoi": [0.5]}, "net": {"stoi": [0.7]}})
    object.__setattr__(alone.rows[0].pair, "clean", None)
    assert code(alone, "mushra") == "listening.no_clean"
    many = evaluation_of({f"s{i}": {"stoi": [0.5]} for i in range(12)})
    assert code(many, "mushra") == "listening.too_many_systems"
