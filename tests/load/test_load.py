"""A short part of load.py, and what may break while the demo runs."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from load.load import CLIP, RefusedError, Server, Visitor, run_round, served


@pytest.fixture(scope="module")
def server():
    with served("--public") as started:
        started.start_live()
        yield started


@pytest.fixture(scope="module")
def cleaned(server) -> bytes:
    return Visitor(server, "192.0.2.1").clean(CLIP)


def readers(server: Server) -> list[psutil.Process]:
    """The processes that read visitors' files."""
    found = []
    for process in psutil.Process(server.process.pid).children(recursive=True):
        with suppress(psutil.Error):
            if not process.children() and "forkserver" in " ".join(process.cmdline()):
                found.append(process)
    return found


def jobs(server: Server) -> list[dict]:
    """What the log says of each job."""
    lines = server.log.read_text().splitlines()
    return [json.loads(line.split("frcrn.jobs: ")[1]) for line in lines if "frcrn.jobs: " in line]


def long_recording(folder: Path, seconds: int = 300) -> Path:
    import numpy as np
    import soundfile

    path = folder / "long.wav"
    rng = np.random.default_rng(0)
    soundfile.write(path, 0.1 * rng.standard_normal(seconds * 16_000), 16_000, "PCM_16")
    return path


def test_everyone_gets_what_one_alone_gets_beside_hostile_visitors(server, cleaned):
    first = run_round(server, 6, cleaned)
    beside = run_round(server, 6, cleaned, hostile=2)
    assert (first.right, first.wrong) == (6, 0)
    assert (beside.right, beside.wrong) == (6, 0)
    jobs_once_quiet(server)  # what hostile visitors left behind has had its end
    assert server.memory() - first.memory < 150


def test_killed_readers_cost_nobody_the_next_recording(server, cleaned):
    for process in readers(server):
        with suppress(psutil.Error):
            process.kill()
    visitor = Visitor(server, "192.0.2.2")
    for _ in range(5):  # whoever comes in that moment may be told that their file did it
        with suppress(RefusedError):
            assert visitor.clean(CLIP) == cleaned
            break
    else:
        pytest.fail("no recording was cleaned")


def jobs_once_quiet(server, seconds: float = 90.0) -> list[dict]:
    """The job lines of the log, once jobs that others left behind have had their end.

    One ends between two layers of the network, which two minutes of audio keep busy for seconds.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        figures = httpx.get(f"{server.address}/metrics").text
        if "frcrn_waiting_jobs 0.0" in figures and "frcrn_running_jobs 0.0" in figures:
            break
        time.sleep(0.5)
    return jobs(server)


def test_whoever_leaves_makes_room_at_once(server, cleaned, tmp_path):
    """A long job of which nobody waits for the answer."""
    leaving, next_one = Visitor(server, "192.0.2.3"), Visitor(server, "192.0.2.4")
    lines = len(jobs_once_quiet(server))
    event = leaving.ask(leaving.upload(long_recording(tmp_path)))
    with leaving.client.stream("GET", f"/gradio_api/call/denoise/{event}"):
        time.sleep(1)
    assert next_one.clean(CLIP) == cleaned
    assert [job["outcome"] for job in jobs(server)[lines:]] == ["cancelled", "done"]


def test_no_file_is_left_of_what_failed(server, tmp_path):
    visitor = Visitor(server, "192.0.2.5")
    before = {p for p in server.temporary.rglob("*") if p.is_file()}
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF" + bytes(200))
    with pytest.raises(RefusedError):
        visitor.clean(bad)
    left = {p.name for p in server.temporary.rglob("*") if p.is_file()} - {p.name for p in before}
    assert left <= {"bad.wav"}  # the upload itself, which the visitor may try again


def test_the_log_holds_one_line_a_job_and_no_names(server, cleaned):
    log = server.log.read_text()
    assert '"door": "program"' in log
    assert '"outcome": "done"' in log
    assert CLIP.name not in log
    assert max(map(len, log.splitlines())) < 5000


def test_it_stops_within_ten_seconds_with_long_jobs_under_way(tmp_path):
    with served("--public") as server:
        visitor = Visitor(server, "192.0.2.6")
        uploaded = visitor.upload(long_recording(tmp_path, 500))
        for _ in range(3):
            visitor.ask(uploaded)
        time.sleep(1)
        children = psutil.Process(server.process.pid).children(recursive=True)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
        gone, alive = psutil.wait_procs(children, timeout=5)
        assert alive == [], gone
        assert list(server.temporary.glob("frcrn-*")) == []


def test_a_file_is_written_whole_or_not_at_all_even_by_kill_minus_nine(tmp_path):
    target = tmp_path / "out.wav"
    program = (
        "import sys, numpy as np\n"
        "from frcrn_app.audio import Audio, save_audio\n"
        "audio = Audio(np.zeros((1, 16_000 * 600), np.float32), 16_000)\n"
        "while True:\n"
        "    save_audio(sys.argv[1], audio, format='wav16')\n"
        "    print(flush=True)\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", program, str(target)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    whole = target.stat().st_size
    for _ in range(10):
        time.sleep(0.013)
        assert target.stat().st_size == whole
    writer.kill()
    writer.wait()
    assert target.stat().st_size == whole
