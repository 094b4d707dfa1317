"""Recordings as visitors send them: read within the page's limit, refused in the page's words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from frcrn_app.errors import AudioError

if TYPE_CHECKING:
    from frcrn_app.isolation import Tracks
    from frcrn_app.web.guard import Guard

MINUTE = 60  # seconds


def read_tracks(
    path: str | Path,
    max_seconds: float,
    guard: Guard,
    cancelled: Callable[[], bool] | None = None,
    track: int | None = None,
) -> Tracks:
    """The audio tracks of an uploaded file, or one of them, read where it can do no harm.

    Raises:
        UserError: it cannot be read, is longer than `max_seconds`, or the server is busy.
        Cancelled: `cancelled`, which is asked while it is read, said so.
    """
    try:
        return guard.read_tracks(path, max_seconds, cancelled, track)
    except AudioError as error:
        if error.code != "audio.too_long":
            raise
        # The command line's sentence names an option, which visitors do not have.
        if max_seconds < MINUTE:
            raise AudioError(
                "web.too_long_seconds", name=Path(path), seconds=f"{max_seconds:g}"
            ) from None
        minutes = f"{max_seconds / MINUTE:.1f}".removesuffix(".0")
        raise AudioError("web.too_long", name=Path(path), minutes=minutes) from None
