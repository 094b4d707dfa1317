"""Recordings made to hang, crash or fill the server cost their sender one sentence."""

import os
import platform
import resource
import struct
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from films import two_track_film
from frcrn_app.audio import load_audio, save_audio
from frcrn_app.errors import Cancelled, UserError
from frcrn_app.isolation import Budget, IsolationError, isolated
from frcrn_app.isolation.recordings import COST, read_recording, read_tracks, stated

MIB = 1 << 20


def read(path: Path, budget: Budget, max_seconds: float = 60.0, **settings):
    audio = read_recording(path, max_seconds=max_seconds, budget=budget, **settings)
    assert budget.held >= audio.samples.nbytes * COST
    return audio.samples.copy()


def test_examples_are_read_as_they_are(example_clips, tmp_path, speech):
    budget = Budget(512 * MIB)
    m4a = tmp_path / "speech.m4a"
    save_audio(m4a, speech, format="same")
    for clip in [*example_clips, m4a]:
        assert np.array_equal(read(clip, budget), load_audio(clip).samples)
    assert budget.held == 0


def test_what_a_header_promises_is_set_aside(tmp_path, speech):
    path = tmp_path / "two.wav"
    soundfile.write(path, np.full((48_000, 2), 0.1, np.float32), 48_000)
    assert stated(path, 60.0).samples == 2 * 48_000
    assert stated(path, 0.5).samples == 48_000  # longer ones are refused
    content = path.read_bytes()
    path.write_bytes(content + content)
    assert stated(path, 60.0).samples == 4 * 48_000
    place = content.index(b"data") + 4  # of a recorder that died
    path.write_bytes(content[:place] + bytes(4) + content[place + 4 :])
    assert stated(path, 60.0).samples == 2 * 48_000
    other = tmp_path / "speech.m4a"
    save_audio(other, speech, format="same")
    assert stated(other, 60.0).samples >= speech.samples.size
    (tmp_path / "junk.wav").write_bytes(b"junk" * 100)
    assert stated(tmp_path / "junk.wav", 10.0).samples == int((1 + 400 / 500) * 48_000) * 2
    hours = stated(other, 7_200.0).samples  # the longest that is accepted tells nothing
    assert speech.samples.size <= hours <= 2 * speech.samples.size


def test_every_track_counts_until_the_last_one_is_let_go(tmp_path):
    film = two_track_film(tmp_path / "film.mkv")
    assert stated(film, 1.0).samples == 48_000 * (2 + 1)
    budget = Budget(512 * MIB)
    tracks = read_tracks(film, max_seconds=3_600.0, budget=budget)
    assert tracks.has_picture
    assert [track.channels for track in tracks.audio] == [2, 1]
    tracks.audio.pop()
    assert 3 * 48_000 * 4 * COST <= budget.held < 40 * MIB
    tracks.audio.pop()
    assert budget.held == 0


def test_many_channels_at_a_high_rate_count_as_what_they_take(tmp_path):
    """The limit of seconds says nothing of 8 channels at 192 kHz: the budget does."""
    path = tmp_path / "wide.flac"
    with soundfile.SoundFile(path, "w", 192_000, 8, "PCM_16") as file:
        for _ in range(60):
            file.write(np.zeros((192_000, 8), np.int16))
    assert path.stat().st_size < MIB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(IsolationError) as refused:
        read(path, Budget(512 * MIB))
    assert refused.value.code == "isolation.too_large"
    assert refused.value.fields["need"] >= 60 * 192_000 * 8 * 4 * COST // MIB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10


def test_a_header_that_lies_is_found_out_while_decoding(tmp_path):
    """It promises a second and holds forty: the reader's own memory is limited."""
    flac = tmp_path / "lie.flac"
    with soundfile.SoundFile(flac, "w", 96_000, 8, "PCM_16") as file:
        for _ in range(60):
            file.write(np.zeros((96_000, 8), np.int16))
    data = bytearray(flac.read_bytes())
    # STREAMINFO: total samples, 36 bits that end at byte 26 of the file
    value = int.from_bytes(data[18:26], "big") & ~((1 << 36) - 1) | 96_000
    data[18:26] = value.to_bytes(8, "big")
    flac.write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        samples = read(flac, Budget(512 * MIB))
        assert samples.shape[1] <= 96_000
    except UserError:
        pass
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


@pytest.mark.parametrize("size", [-1, -12, -20, -(1 << 62)])
def test_a_caf_that_once_looped_for_ever(tmp_path, size):
    path = tmp_path / "loop.caf"
    path.write_bytes(b"caff\x00\x01\x00\x00" + struct.pack(">4sq", b"free", size))
    with pytest.raises(UserError):
        read(path, Budget(512 * MIB))


def test_whoever_leaves_is_no_longer_read_for(tmp_path, speech):
    path = tmp_path / "speech.wav"
    save_audio(path, speech, format="wav16")
    gone = threading.Event()
    gone.set()
    budget = Budget(64 * MIB)
    with budget.reserve(64 * MIB), pytest.raises(Cancelled):
        read(path, budget, cancelled=gone.is_set)
    assert budget.held == 0


def memory_of(field: str, process: int | str = "self") -> float:
    """MiB: VmHWM is the most since that was reset, RssAnon what the process has now."""
    status = Path(f"/proc/{process}/status").read_text()
    [line] = [x for x in status.splitlines() if x.startswith(field)]
    return int(line.split()[1]) / 1024


def most_while_reading(path: Path) -> tuple[float, float]:
    """MiB that reading took at most, and those of the samples."""
    Path("/proc/self/clear_refs").write_text("5")
    before = memory_of("VmHWM")
    samples = load_audio(path).samples
    return memory_of("VmHWM") - before, samples.nbytes / MIB


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_a_long_recording_is_held_once_and_its_reader_keeps_nothing_of_it(tmp_path):
    path = tmp_path / "long.flac"
    quiet = np.random.default_rng(0).normal(0, 3e-4, 300 * 48_000).astype(np.float32)
    soundfile.write(path, quiet, 48_000)
    most, samples = isolated(most_while_reading, path, about=path, memory=1024 * MIB)
    assert 50 < samples < most < 1.5 * samples
    assert isolated(memory_of, "RssAnon", about=path) < 100


def read_and_refuse(path: Path) -> None:
    samples = load_audio(path).samples
    raise UserError("audio.silent", process=os.getpid(), seconds=samples.size / 48_000)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_a_recording_that_is_refused_leaves_its_reader_nothing_either(tmp_path):
    path = tmp_path / "long.flac"
    soundfile.write(path, np.zeros(300 * 48_000, np.float32), 48_000)
    with pytest.raises(UserError) as refused:
        isolated(read_and_refuse, path, about=path, memory=1024 * MIB)
    assert refused.value.fields["seconds"] == 300
    process = refused.value.fields["process"]
    deadline = time.monotonic() + 10
    while memory_of("RssAnon", process) > 60 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert memory_of("RssAnon", process) < 60
