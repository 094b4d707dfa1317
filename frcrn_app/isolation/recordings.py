"""A visitor's recording, read so that it can neither hang, crash nor fill the server."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import ExitStack
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
_PROBE_SECONDS = 5.0
_READ_SECONDS = 15.0  # for any file, and as much again
_READ_SPEED = 20  # times faster than it plays, at the least


def read_recording(
    path: str | Path,
    *,
    max_seconds: float,
    budget: Budget,
    visitor: str = "",
    cancelled: Callable[[], bool] | None = None,
) -> Audio:
    """The audio of a file, read in a process of its own.

    Memory for it and for what is made of it is set aside for as long as the returned value is kept.

    Args:
        path: the file.
        max_seconds: of the longest recording that is accepted.
        budget: of the whole server.
        visitor: who sent it.
        cancelled: whether nobody waits any longer.

    Raises:
        AudioError: as `load_audio` does.
        IsolationError: as `isolated` and `Budget.reserve` do.
        Cancelled: `cancelled` said so.
    """
    from frcrn_app.audio import load_audio

    path = Path(path)
    common: dict[str, Any] = {"about": path, "visitor": visitor, "cancelled": cancelled}
    samples = isolated(stated_samples, path, max_seconds, deadline=_PROBE_SECONDS, **common)
    size = samples * _SAMPLE_BYTES
    with ExitStack() as held:
        held.enter_context(budget.reserve(size * COST, visitor, cancelled=cancelled))
        audio = isolated(
            load_audio,
            path,
            max_seconds=max_seconds,
            max_samples=budget.total // (_SAMPLE_BYTES * COST),
            deadline=_READ_SECONDS + max_seconds / _READ_SPEED,
            memory=2 * size + DECODING_BYTES,
            **common,
        )
        weakref.finalize(audio, held.pop_all().close).atexit = False
    return audio


def stated_samples(path: Path, max_seconds: float) -> int:
    """Samples of all channels that a file's header promises, up to the limit of seconds.

    Where it promises nothing: as many as stereo at 48 kHz may have.
    """
    import soundfile

    try:
        header = soundfile.info(path)
    except (soundfile.LibsndfileError, RuntimeError, OSError, TypeError):
        return _stated_by_pyav(path, max_seconds)
    most = int(max_seconds * header.samplerate)
    return min(header.frames, most) * header.channels


def _stated_by_pyav(path: Path, max_seconds: float) -> int:
    import av
    from av.error import FFmpegError

    unknown = int(max_seconds * 48_000) * 2
    try:
        with av.open(str(path.absolute()), options={"protocol_whitelist": "file"}) as container:
            stream = container.streams.best("audio")
            rate = getattr(stream, "rate", None) or 48_000
            channels = getattr(stream, "channels", None) or 2
            return int(max_seconds * rate) * channels
    except (FFmpegError, OSError, ValueError):
        return unknown
