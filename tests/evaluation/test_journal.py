"""A run that goes on where it was interrupted."""

import numpy as np
import pytest

from frcrn_app.audio import load_audio, save_audio
from frcrn_app.errors import Cancelled, PairError
from frcrn_app.evaluation import Evaluation
from frcrn_app.evaluation.journal import Journal
from frcrn_app.evaluation.pool import ScoringPool
from sets import evaluate, pairs_of

QUICK = ["stoi", "si_sdr"]  # metrics that cost next to nothing


def test_a_resumed_run_scores_nothing_again(small_set, tmp_path, monkeypatch):
    journal = tmp_path / "journal.jsonl"
    first = evaluate(pairs_of(small_set), metrics=QUICK, journal=journal)
    with journal.open("a", encoding="utf-8") as file:
        file.write('{"key": "torn by a power cut, "sc')

    def refuse(self, tasks):
        assert list(tasks) == []
        return iter(())

    monkeypatch.setattr(ScoringPool, "run", lambda self, tasks, _: _closable(refuse(self, tasks)))
    again = evaluate(pairs_of(small_set), metrics=QUICK, journal=journal, resume=True)
    assert again.resumed == 6
    assert [row.sounds for row in again.rows] == [row.sounds for row in first.rows]
    assert [row.input_snr for row in again.rows] == [row.input_snr for row in first.rows]


def _closable(items):
    yield from items


def test_an_interrupted_run_goes_on_where_it_was(small_set, tmp_path):
    journal = tmp_path / "journal.jsonl"

    def stop_after_one(done: int, total: int) -> None:
        if done == 1:
            raise Cancelled

    evaluate(pairs_of(small_set), metrics=QUICK, journal=journal, progress=stop_after_one)
    resumed = evaluate(pairs_of(small_set), metrics=QUICK, journal=journal, resume=True)
    assert resumed.resumed == 2  # noisy and other of one pair
    whole = evaluate(pairs_of(small_set), metrics=QUICK)
    np.testing.assert_array_equal(resumed.values("other", "stoi"), whole.values("other", "stoi"))


def test_what_changed_is_scored_again(own_set, tmp_path):
    journal = tmp_path / "journal.jsonl"
    evaluate(pairs_of(own_set), metrics=["si_sdr"], journal=journal)
    path = own_set / "other" / "english_fan.wav"
    audio = load_audio(path)
    noise = np.random.default_rng(0).normal(scale=0.1, size=audio.samples.shape)
    save_audio(path, audio.with_samples(audio.samples + noise), format="wav-float")

    def run(**options) -> Evaluation:
        return evaluate(pairs_of(own_set), journal=journal, resume=True, **options)

    changed = run(metrics=["si_sdr"])
    assert changed.resumed == 5
    fresh = evaluate(pairs_of(own_set), metrics=["si_sdr"])
    np.testing.assert_array_equal(
        changed.values("other", "si_sdr"), fresh.values("other", "si_sdr")
    )
    assert run(metrics=["si_sdr"], align=True).resumed == 0
    assert run(metrics=["si_sdr", "stoi"]).resumed == 0
    assert run(metrics=["si_sdr", "stoi"]).resumed == 6


@pytest.mark.parametrize("resume", [True, False])
def test_a_journal_named_by_mistake_is_left_as_it_is(tmp_path, resume):
    recording = tmp_path / "talk.wav"
    recording.write_bytes(b"RIFF of somebody")
    with pytest.raises(PairError) as refused:
        Journal(recording, resume=resume)
    assert refused.value.code == "evaluation.journal_not_text"
    assert recording.read_bytes() == b"RIFF of somebody"
