"""A visitor's recording, read so that it can neither hang, crash nor fill the server."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frcrn_app.isolation.budget import Budget
from frcrn_app.isolation.pool import isolated

if TYPE_CHECKING:
    from frcrn_app.audio import Audio

# Bytes that a decoded byte takes until its answer is written: itself, the cleaned one, copies at
# other rates, and what is being encoded.
COST = 5
DECODING_BYTES = 256 << 20  # beyond the samples: decoders, blocks, their libraries

_SAMPLE_BYTES = 4
_LEAST_BYTE_RATE = 500  # bytes a second that speech is coded in at the least
_ESTIMATE = 1.5  # times what a header states, if that is estimated
_PROBE_SECONDS = 5.0
_READ_SECONDS = 15.0  # for any file, and as much again
_READ_SPEED = 20  # times faster than it plays, at the least


@dataclass(frozen=True)
class Stated:
    """What a file's header promises."""

    samples: int  # of all channels of all tracks
    has_picture: bool = False  # a film


@dataclass(frozen=True)
class Tracks:
    """The audio tracks of a visitor's file."""

    audio: list[Audio]
    has_picture: bool  # so that they can be put back beside it


def read_recording(
    path: str | Path,
    *,
    max_seconds: float,
    budget: Budget,
    visitor: str = "",
    cancelled: Callable[[], bool] | None = None,
) -> Audio:
    """The audio of a file, its tracks mixed; arguments and errors as of `read_tracks`."""
    from frcrn_app.audio import load_audio

    _, audio = _read(load_audio, path, max_seconds, budget, visitor, cancelled)
    return audio


def read_tracks(
    path: str | Path,
    *,
    max_seconds: float,
    budget: Budget,
    visitor: str = "",
    cancelled: Callable[[], bool] | None = None,
    track: int | None = None,
) -> Tracks:
    """The audio tracks of a file, read in a process of its own.

    Memory for them and for what is made of them is set aside until none of them is kept.

    Args:
        path: the file.
        max_seconds: of the longest recording that is accepted.
        budget: of the whole server.
        visitor: who sent it.
        cancelled: whether nobody waits any longer.
        track: the number of one, from 1; None: all.

    Raises:
        AudioError: as `load_tracks` does.
        IsolationError: as `isolated` and `Budget.reserve` do.
        Cancelled: `cancelled` said so.
    """
    from frcrn_app.audio import load_tracks

    found, audio = _read(load_tracks, path, max_seconds, budget, visitor, cancelled, track=track)
    return Tracks(audio, found.has_picture)


def _read(
    load: Callable[..., Any],
    path: str | Path,
    max_seconds: float,
    budget: Budget,
    visitor: str,
    cancelled: Callable[[], bool] | None,
    **settings: Any,
) -> tuple[Stated, Any]:
    path = Path(path)
    common: dict[str, Any] = {"about": path, "visitor": visitor, "cancelled": cancelled}
    found = isolated(stated, path, max_seconds, deadline=_PROBE_SECONDS, **common)
    size = found.samples * _SAMPLE_BYTES
    with ExitStack() as held:
        held.enter_context(budget.reserve(size * COST, visitor, cancelled=cancelled))
        result = isolated(
            load,
            path,
            max_seconds=max_seconds,
            max_samples=budget.total // (_SAMPLE_BYTES * COST),
            deadline=_READ_SECONDS + max_seconds / _READ_SPEED,
            memory=2 * size + DECODING_BYTES,
            **settings,
            **common,
        )
        _hold(held.pop_all(), result if isinstance(result, list) else [result])
    return found, result


def _hold(held: ExitStack, tracks: list[Audio]) -> None:
    """Let go of the memory with the last of the tracks."""
    left = [None] * len(tracks)

    def gone() -> None:
        left.pop()
        if not left:
            held.close()

    for track in tracks:
        weakref.finalize(track, gone).atexit = False


def stated(path: Path, max_seconds: float) -> Stated:
    """What a file's header promises, up to the limit of seconds.

    Where it promises nothing: what a file of that size may hold, at 48 kHz in stereo.
    """
    from frcrn_app.audio import has_picture, promised_tracks
    from frcrn_app.errors import AudioError

    longest = min(max_seconds, 1 + path.stat().st_size / _LEAST_BYTE_RATE)
    try:
        tracks = promised_tracks(path)
    except AudioError:
        tracks = []
    samples = 0
    for track in tracks:
        seconds = longest
        if track.seconds is not None and track.estimated:
            seconds = min(longest, 1 + _ESTIMATE * track.seconds)
        elif track.seconds is not None:
            seconds = min(max_seconds, track.seconds)
        samples += int(seconds * track.rate) * track.channels
    # Where a header says how long it is, libsndfile knew the container: it holds no picture.
    picture = any(track.estimated for track in tracks) and has_picture(path)
    return Stated(samples if tracks else int(longest * 48_000) * 2, picture)
