"""Scoring processes survive what their libraries do."""

import math
import shutil
import time
from pathlib import Path

import pytest

import sets
from frcrn_app.errors import Cancelled
from frcrn_app.evaluation import NOISY, scoring
from frcrn_app.evaluation.pool import ScoringPool
from frcrn_app.evaluation.scoring import ScoreTask


def test_a_crashed_or_hanging_process_costs_its_pair_alone(small_set, tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "score_pair", sets.crash)
    clean, noisy = (next((small_set / side).iterdir()) for side in ("clean", "noisy"))
    tasks = []
    for name in ("1", "crash", "2", "hang", "once"):
        copy = Path(shutil.copy(noisy, tmp_path / f"{name}.wav"))
        tasks.append(ScoreTask(clean, copy, {NOISY: copy}, {NOISY: ("si_sdr",)}))
    with ScoringPool(1, task_seconds=15) as pool:
        results = dict(pool.run(iter(tasks)))
    errors = [results[place].sounds[NOISY].error for place in range(5)]
    assert errors[1] is not None
    assert (errors[1].code, errors[1].fields) == ("evaluation.process_killed", {"signal": 11})
    assert errors[3] is not None
    assert errors[3].code == "evaluation.too_slow"
    assert errors[3].fields["seconds"] >= 15  # and more for longer files
    # "once" died too, as if killed for its memory: a second try was given.
    assert (tmp_path / "died before").exists()
    assert [errors[place] for place in (0, 2, 4)] == [None, None, None]
    assert math.isnan(results[1].sounds[NOISY].scores["si_sdr"])
    assert math.isfinite(results[4].sounds[NOISY].scores["si_sdr"])


def test_tasks_are_taken_only_as_they_can_be_worked_on(small_set):
    clean, noisy = (next((small_set / side).iterdir()) for side in ("clean", "noisy"))
    taken = []

    def tasks():
        for number in range(50):
            taken.append(number)
            yield ScoreTask(clean, noisy, {NOISY: noisy}, {NOISY: ("si_sdr",)})

    with ScoringPool(1) as pool:
        results = pool.run(tasks())
        next(results)
        results.close()
    assert len(taken) < 50


def test_whoever_leaves_does_not_keep_a_long_file_at_work(small_set, tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "score_pair", sets.crash)
    clean, noisy = (next((small_set / side).iterdir()) for side in ("clean", "noisy"))
    long = Path(shutil.copy(noisy, tmp_path / "hang.wav"))
    looks = iter(range(5))

    def check() -> None:
        if next(looks, None) is None:
            raise Cancelled

    began = time.monotonic()
    with ScoringPool(1) as pool, pytest.raises(Cancelled):
        list(pool.run([ScoreTask(clean, long, {NOISY: long}, {NOISY: ("si_sdr",)})], check))
    assert time.monotonic() - began < 60  # of the hour that it would have taken
