"""How long a file says it is; called in a process of its own, so it imports no page."""

from __future__ import annotations

from pathlib import Path


def stated_seconds(path: Path) -> float | None:
    """Seconds that a file's header promises; None where it promises nothing."""
    import av
    import soundfile
    from av.error import FFmpegError

    try:
        header = soundfile.info(path)
        return header.frames / header.samplerate
    except (soundfile.LibsndfileError, RuntimeError, OSError, TypeError, ZeroDivisionError):
        pass
    try:
        with av.open(str(path.absolute()), options={"protocol_whitelist": "file"}) as container:
            return container.duration / 1_000_000 if container.duration else None
    except (FFmpegError, OSError, ValueError):
        return None
