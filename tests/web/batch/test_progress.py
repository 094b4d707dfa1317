"""How far a batch is, and how long it will take."""

from pathlib import Path, PurePosixPath

import pytest

from frcrn_app.web.batch import progress
from frcrn_app.web.batch.progress import Remaining, totals
from frcrn_app.web.batch.row import CLEANING, DONE, FAILED, Row


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def rows(*seconds: float | None) -> list[Row]:
    return [
        Row(n, PurePosixPath(f"{n}.wav"), Path(f"{n}.wav"), Path(str(n)), seconds=length)
        for n, length in enumerate(seconds)
    ]


def test_long_files_count_for_more_than_short_ones():
    one, other = files = rows(60, 540)
    one.state = DONE
    assert totals(files, Remaining())["fraction"] == pytest.approx(0.1)
    other.state, other.fraction = CLEANING, 0.5
    assert 0.4 < totals(files, Remaining())["fraction"] < 0.6


def test_the_remaining_time_follows_the_speed_and_never_grows(clock):
    one, other = files = rows(100, 100)
    left = Remaining()
    left.start(files)
    assert left.seconds(files) is None
    clock[0], one.state = 10.0, DONE
    assert left.seconds(files) == pytest.approx(10)
    clock[0] = 30.0  # slower than before: the estimate would be longer
    assert left.seconds(files) == pytest.approx(10)
    clock[0], other.state = 31.0, FAILED
    assert left.seconds(files) is None


def test_what_was_added_later_takes_its_own_time(clock):
    files = rows(100)
    left = Remaining()
    left.start(files)
    clock[0], files[0].state = 10.0, DONE
    files += rows(100, 100)[1:]
    left.start(files)
    clock[0], files[1].state, files[1].fraction = 20.0, CLEANING, 0.5
    assert left.seconds(files) == pytest.approx(11, abs=2)
