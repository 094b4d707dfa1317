"""Who gets what, and again where workers and windows are lost: the scheduler, by itself."""

from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from command_line import write_noise
from frcrn_app.batch import FileResult, RunOptions, plan_files, spread_plan
from frcrn_app.batch.ledger import Ledger
from frcrn_app.errors import AudioError, UserError
from inline_crew import InlineCrew, Memory


def spread(archive, output, crew):
    results, _ = spread_plan(
        archive.plan(output),
        crew,
        archive.settings,
        archive.options,
        ledger=output.with_suffix(".jsonl"),
        cut_seconds=archive.cut_seconds,
    )
    return {result.source.name: result.error.code for result in results if result.error}


def test_a_file_that_kills_every_worker_costs_its_own_row(archive, tmp_path):
    def dies(method, *args):
        return method == "clean" and any(job.source.name == "e.wav" for job in args[0])

    failed = spread(archive, tmp_path / "out", partial(InlineCrew, dies=dies))
    assert failed == {"e.wav": "batch.worker_died", "bad.wav": "audio.foreign"}
    assert archive.compare(tmp_path / "out", without="e.wav") == 0


def test_every_second_call_may_cost_a_worker(archive, tmp_path):
    calls = Counter()

    def dies(method, *args):
        calls[method] += 1
        return method in ("enhance", "finish") and calls[method] % 2 == 1

    failed = spread(archive, tmp_path / "out", partial(InlineCrew, dies=dies))
    assert set(failed) == {"bad.wav"}
    assert archive.compare(tmp_path / "out") == 0
    assert calls["enhance"] > 4


def test_windows_that_are_lost_with_a_machine_are_done_again(archive, tmp_path, monkeypatch):
    lost = []
    get = Memory.get

    def forgetful(store, handle):
        if len(lost) < 2 and handle >= 3 and handle not in lost:
            lost.append(handle)
            store.arrays[handle] = None
        return get(store, handle)

    monkeypatch.setattr(Memory, "get", forgetful)
    assert set(spread(archive, tmp_path / "out", InlineCrew)) == {"bad.wav"}
    assert len(lost) == 2
    assert archive.compare(tmp_path / "out") == 0


def test_workers_that_never_get_ready_end_the_run(archive, tmp_path):
    with pytest.raises(UserError) as told:
        spread(archive, tmp_path / "out", partial(InlineCrew, dies=lambda *call: True))
    assert told.value.code == "workers.none_left"


@pytest.mark.parametrize("resume", [True, False])
def test_a_ledger_named_by_mistake_is_left_as_it_is(tmp_path, resume):
    recording = write_noise(tmp_path / "talk.wav")
    before = recording.read_bytes()
    with pytest.raises(AudioError) as refused:
        Ledger(recording, {}, RunOptions(), resume=resume)
    assert refused.value.code == "batch.not_a_ledger"
    assert recording.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
def test_a_ledger_on_a_full_disk_is_told_as_such(tmp_path):
    [job] = plan_files([write_noise(tmp_path / "talk.wav")], tmp_path / "out").jobs
    ledger = Ledger(tmp_path / "ledger.jsonl", {}, RunOptions())
    with ledger, open("/dev/full", "wb", buffering=0) as ledger._file:
        result = FileResult(job.source, job.target, "cleaned")
        with pytest.raises(AudioError, match="the disk is full") as refused:
            ledger.add(job, result)
    assert refused.value.code == "batch.ledger"
