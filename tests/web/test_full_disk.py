"""A disk that is full: one sentence that says so, and nothing kept, at every door."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
import soundfile

from paths import ROOT

PROGRAM = Path(__file__).with_name("on_a_full_disk.py")
MOUNTED = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
DISK_FULL = ("disk is full", "no room for", "disk may be full", "No space left")
JOURNAL = "report.journal.jsonl"  # kept on purpose: the run goes on from it


def can_mount() -> bool:
    if not shutil.which("unshare"):
        return False
    probe = subprocess.run([*MOUNTED, "mount -t tmpfs none /mnt"], capture_output=True)
    return probe.returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs a small disk of its own, as Linux can mount")
def test_a_full_disk_is_said_at_every_door_and_keeps_nothing(tmp_path, small_weights, speech):
    noisy, clean = tmp_path / "noisy", tmp_path / "clean"
    for folder in (noisy, clean):
        folder.mkdir()
    two_seconds = speech.samples[0, : 2 * 16_000]
    soundfile.write(clean / "talk.wav", two_seconds, 16_000, "DOUBLE")
    soundfile.write(noisy / "talk.wav", 0.5 * two_seconds, 16_000, "DOUBLE")
    # Not in tmp_path, which is too long for the sockets of processes.
    with tempfile.TemporaryDirectory(prefix="disk-") as disk:
        run = subprocess.run(
            [
                *MOUNTED,
                'mount -t tmpfs -o size=2m none "$1" && shift && exec "$@"',
                *("sh", disk, sys.executable, str(PROGRAM), disk),
                *(str(noisy / "talk.wav"), str(small_weights)),
            ],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr, run.stderr
    tries = defaultdict(list)
    for line in run.stdout.splitlines():
        door, _, said, left = json.loads(line)
        tries[door].append(said)
        assert any(words in (said or "") for words in DISK_FULL), line
        assert said.strip().count("\n") == 0, line
        assert set(left) <= {JOURNAL}, line
    assert set(tries) == {"by_page", "by_program", "by_denoise", "by_evaluation"}
    for door in ("by_page", "by_program"):
        assert len(set(tries[door])) > 1, tries[door]  # it was full at several moments
