"""Who gets what, and again where workers and windows are lost: the scheduler, by itself."""

from collections import Counter
from functools import partial

import pytest

from frcrn_app.batch import spread_plan
from frcrn_app.errors import UserError
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
