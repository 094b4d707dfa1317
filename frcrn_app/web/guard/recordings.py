"""A visitor's recording, read so that it can neither hang, crash nor fill the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from frcrn_app.audio import Audio, load_audio
from frcrn_app.isolation import Budget, isolated

# Bytes that a decoded byte takes until its answer is written: itself, the cleaned one, copies at
# other rates, and what is being encoded.
COST = 5
DECODING_BYTES = 256 << 20  # beyond the samples: decoders, blocks, their libraries

_SAMPLE_BYTES = 4
_PROBE_SECONDS = 5.0
_READ_SECONDS = 15.0  # for any file, and as much again
_READ_SPEED = 20  # times faster than it plays, at the least


@contextmanager
def recording(
    path: str | Path,
    *,
    max_seconds: float,
    budget: Budget,
    visitor: str = "",
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Audio]:
    """The audio of a file, read in a process of its own; its memory is set aside for the block.

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
    path = Path(path)
    common = {"about": path, "visitor": visitor, "cancelled": cancelled}
    samples = isolated(stated_samples, path, max_seconds, deadline=_PROBE_SECONDS, **common)
    size = samples * _SAMPLE_BYTES
    with budget.reserve(size * COST, visitor, cancelled=cancelled):
        yield isolated(
            load_audio,
            path,
            max_seconds=max_seconds,
            deadline=_READ_SECONDS + max_seconds / _READ_SPEED,
            memory=2 * size + DECODING_BYTES,
            **common,
        )


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
