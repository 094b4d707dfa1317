"""How long a file says it is; called in a process of its own, so it imports no page."""

from __future__ import annotations

from pathlib import Path

from frcrn_app.audio import promised_tracks
from frcrn_app.errors import AudioError


def stated_seconds(path: Path) -> float | None:
    """Seconds that a file's headers promise; None where they promise nothing."""
    try:
        lengths = [track.seconds for track in promised_tracks(path) if track.seconds is not None]
    except AudioError:
        return None
    return max(lengths, default=None)
