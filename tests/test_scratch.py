"""Recordings of others do not outlive the program that was given them, however it ends."""

import errno
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from frcrn_app import scratch
from frcrn_app.scratch import Scratch

HOLDS_ONE = """
import os, signal, sys
from frcrn_app.scratch import Scratch
held = Scratch("test")
(held.folder / "recording.wav").write_bytes(b"somebody's")
print(held.folder, flush=True)
if sys.argv[1] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[1] == "waits":
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch) -> Path:
    """Where folders are made; whatever was left there before has not been looked for yet."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    scratch._remove_what_killed_runs_left.cache_clear()
    return tmp_path


def program(end: str) -> tuple[subprocess.Popen, Path]:
    """A program that holds a folder, and the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS_ONE, end],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_folder_is_its_owner_s_alone_and_goes_with_the_block(temporary):
    with Scratch("test") as folder:
        assert folder.parent == temporary
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "recording.wav").write_bytes(b"")
    assert list(temporary.iterdir()) == []


def test_a_program_that_ends_takes_it_along(temporary):
    process, _ = program("ends")
    process.communicate()
    assert list(temporary.iterdir()) == []


def test_what_a_killed_program_left_goes_when_the_next_one_starts(temporary):
    waiting, kept = program("waits")
    process, left = program("killed")
    process.communicate()
    assert (left / "recording.wav").exists()
    with Scratch("test"):
        assert not left.exists()
        assert (kept / "recording.wav").exists()  # its owner runs
    waiting.communicate()
    assert list(temporary.iterdir()) == []


def test_what_is_not_ours_stays(temporary):
    other = temporary / "other"
    other.write_bytes(b"other's")
    (temporary / "frcrn-notes.lock").symlink_to(other)
    (temporary / "frcrn-notes").mkdir()
    (temporary / "frcrn-plain").mkdir()
    with Scratch("test"):
        pass
    assert other.read_bytes() == b"other's"
    assert sorted(path.name for path in temporary.iterdir()) == [
        "frcrn-notes",
        "frcrn-notes.lock",
        "frcrn-plain",
        "other",
    ]


def test_it_is_made_again_if_somebody_tidies_up():
    held = Scratch("test")
    held.folder.rmdir()
    (held.folder / "recording.wav").write_bytes(b"")
    held.close()


def test_one_that_cannot_be_made_leaves_nothing(temporary, monkeypatch):
    def full(path: Path, *_: object, **__: object) -> None:
        if path != temporary:
            raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(OSError, match="full"):
        Scratch("test")
    assert list(temporary.iterdir()) == []


def test_another_thread_may_close_it(temporary):
    held = Scratch("test")
    thread = threading.Thread(target=held.close)
    thread.start()
    thread.join()
    assert list(temporary.iterdir()) == []
    held.close()
