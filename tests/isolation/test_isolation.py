"""Whatever a file does to its reader, the server lives and the visitor reads one sentence."""

import signal
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from frcrn_app import isolation
from frcrn_app.audio import load_audio
from frcrn_app.errors import AudioError, Cancelled
from frcrn_app.isolation import IsolationError, isolated

FILE = Path("talk.wav")


@pytest.fixture(scope="module", autouse=True)
def temporary(tmp_path_factory):
    """Temporary files of this module alone."""
    folder = tmp_path_factory.mktemp("temporary")
    isolation.stop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        yield
        isolation.stop()


def left_over() -> list[str]:
    return [str(path) for path in Path(tempfile.gettempdir()).glob("frcrn-isolated-*/*")]


def fails(function, *args, **settings) -> IsolationError:
    with pytest.raises(IsolationError) as refused:
        isolated(function, *args, about=FILE, **settings)
    assert left_over() == []
    assert isolated(abs, -3, about=FILE) == 3  # the next visitor is served
    return refused.value


def spin() -> None:
    """A loop that no Python signal handler interrupts."""
    import ctypes

    ctypes.CDLL(None).pause()


def arrays(length: int) -> dict:
    return {"a": np.arange(length, dtype=np.float32), "b": np.zeros((2, 0)), "c": np.ones((3, 5))}


def test_samples_arrive_as_they_were_read_and_may_be_written_to(example_clips):
    for clip in example_clips[:3]:
        here, there = load_audio(clip), isolated(load_audio, clip, about=clip)
        assert np.array_equal(here.samples, there.samples)
        assert (here.sample_rate, here.container) == (there.sample_rate, there.container)
        there.samples[:] = 0
    assert left_over() == []


@pytest.mark.parametrize("length", [0, 1, 1000, 3_000_001])
def test_arrays_of_any_size_arrive(length):
    result = isolated(arrays, length, about=FILE)
    for name, expected in arrays(length).items():
        assert np.array_equal(result[name], expected)
        assert result[name].shape == expected.shape


def test_what_the_file_is_blamed_for_is_told_as_it_is(tmp_path):
    empty = tmp_path / "empty.wav"
    empty.write_bytes(b"")
    with pytest.raises(AudioError):
        isolated(load_audio, empty, about=empty)


def test_a_file_that_hangs_its_reader_is_given_up():
    error = fails(spin, deadline=0.3)
    assert error.code == "isolation.too_slow"
    assert error.fields == {"name": FILE, "seconds": 0.3}


class Slow:
    """What takes an hour to be unpickled, as a large library does that it belongs to."""

    def __reduce__(self):
        return time.sleep, (3600,)


def test_arguments_that_take_long_to_arrive_keep_nobody_else_waiting():
    error = fails(repr, Slow(), deadline=0.3)
    assert error.code == "isolation.too_slow"


def test_a_file_that_fills_the_memory_is_given_up():
    error = fails(np.ones, 1 << 28, memory=256 << 20)
    assert error.code == "isolation.too_much_memory"


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_file_that_brings_its_reader_down_is_told_so(number):
    error = fails(signal.raise_signal, number)
    assert error.code == "isolation.crashed"


def test_nobody_waits_for_it_any_longer():
    gone = threading.Event()
    threading.Timer(0.3, gone.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        isolated(spin, about=FILE, cancelled=gone.is_set)
    assert time.monotonic() - began < 5  # not the 30 s that it had


def test_files_that_hang_do_not_keep_other_visitors_out():
    """Twenty at once of one visitor, of which only a few are under way."""
    gone = threading.Event()

    def hostile() -> None:
        with pytest.raises((Cancelled, IsolationError)):
            isolated(spin, about=FILE, visitor="mallory", cancelled=gone.is_set)

    threads = [threading.Thread(target=hostile) for _ in range(20)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            assert isolated(abs, -1, about=FILE, visitor="ada", deadline=10) == 1
    finally:
        gone.set()
        for thread in threads:
            thread.join()
