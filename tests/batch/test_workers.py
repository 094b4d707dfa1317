"""Many workers on one machine: the same samples, and nothing lost whoever is killed."""

import json
import time
from dataclasses import replace
from functools import partial

import numpy as np
import psutil
import pytest

from command_line import run_frcrn
from frcrn_app import load_audio
from frcrn_app.batch import spread_plan
from frcrn_app.batch.cleaner import Cleaner
from frcrn_app.workers import ProcessCrew, Seat
from workers_that_die import Dying


def dying(make, markers):
    """A crew of processes that are killed."""
    return ProcessCrew(partial(Dying, make, markers), 2, threads=1)


def outcome(results):
    return {
        result.source.name: (result.status, result.error and result.error.code, result.notes)
        for result in results
    }


def ledger_lines(path):
    lines = path.read_text().splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


def test_two_workers_make_the_same_files_as_one_process(archive, tmp_path):
    standings = []
    results, facts = spread_plan(
        archive.plan(tmp_path / "out"),
        partial(ProcessCrew, size=2, threads=1),
        archive.settings,
        archive.options,
        cut_seconds=archive.cut_seconds,
        ledger=tmp_path / "ledger.jsonl",
        progress=lambda at: standings.append((at.fraction, at.files_done, at.seconds)),
    )
    assert archive.compare(tmp_path / "out") == 0
    assert outcome(results) == outcome(archive.results)
    assert facts is not None
    assert sum(result.duration for result in results) == pytest.approx(13.7)
    assert sorted(line["source"] for line in ledger_lines(tmp_path / "ledger.jsonl")) == sorted(
        str(result.source) for result in results
    )
    assert standings == sorted(standings)
    assert standings[-1] == (pytest.approx(1.0), 7, pytest.approx(13.7))


def test_short_files_of_one_length_that_share_a_batch_stay_the_same(archive, tmp_path):
    plan = archive.plan(tmp_path)
    jobs = [job for job in plan.jobs if job.source.stem in "abc"]
    settings = replace(archive.settings, batch_size=3)
    worker = Cleaner(settings, archive.options, archive.cut_seconds, Seat(0, 1, None))
    for job, result in zip(jobs, worker.clean(jobs, 3), strict=True):
        [plain] = [each for each in archive.results if each.source == job.source]
        expected = load_audio(plain.target).samples
        np.testing.assert_allclose(load_audio(result.target).samples, expected, atol=1e-4)


def test_killed_workers_cost_a_retry(archive, tmp_path):
    """Killed when they have opened a recording, in its windows, and before it is written."""
    results, _ = spread_plan(
        archive.plan(tmp_path / "out"),
        partial(dying, markers=tmp_path),
        archive.settings,
        archive.options,
        cut_seconds=archive.cut_seconds,
        ledger=tmp_path / "ledger.jsonl",
    )
    assert {"clean", "enhance", "finish"} <= {path.name for path in tmp_path.iterdir()}
    failed = {result.source.name: result.error.code for result in results if result.error}
    assert failed == {"bad.wav": "audio.foreign"}
    assert archive.compare(tmp_path / "out") == 0
    assert len(ledger_lines(tmp_path / "ledger.jsonl")) == 7  # nothing was done twice


def test_a_killed_command_leaves_no_process_and_is_gone_on_with(archive, tmp_path):
    command = ["denoise", str(archive.recordings), "-o", "out", "--workers", "2",
               "--weights", archive.settings.weights, "--device", "cpu",
               "--precision", "float32", "--format", "wav-float"]  # fmt: skip
    ledger = tmp_path / "out/.frcrn-ledger.jsonl"
    first = run_frcrn(*command, cwd=tmp_path)
    while not (ledger.exists() and ledger.read_bytes().count(b"\n") >= 2):
        assert first.poll() is None
        time.sleep(0.01)
    workers = psutil.Process(first.pid).children(recursive=True)
    first.kill()
    first.communicate()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert all(worker.status() == psutil.STATUS_ZOMBIE for worker in alive)
    with ledger.open("ab") as file:
        file.write(b'{"planned": "to')  # as where the machine itself stopped
    second = run_frcrn(*command, cwd=tmp_path)
    out, err = second.communicate()
    assert second.returncode == 1, err
    assert "cleaned 6 files (13.7 s of audio" in out
    assert "of them were done by the run that this one went on with" in out
    assert "failed: " in err
    assert "bad.wav" in err
    targets = [line["target"] for line in ledger_lines(ledger) if line["status"] == "cleaned"]
    assert len(targets) == len(set(targets)) == 6
