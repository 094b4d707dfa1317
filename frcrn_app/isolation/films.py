"""Films of visitors, written beside their picture so that a bad file can do no harm."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from frcrn_app.isolation.pool import isolated

if TYPE_CHECKING:
    from frcrn_app.audio import Audio, Written

_BYTES = 512 << 20  # encoders, packets, their libraries
_SECONDS = 60.0  # for any film, and as much again
_SPEED = 10  # times faster than it plays, at the least


def write_film(
    path: Path,
    source: Path,
    tracks: Sequence[Audio],
    *,
    visitor: str = "",
    cancelled: Callable[[], bool] | None = None,
) -> Written:
    """Write a visitor's film with other audio, in a process of its own; see `audio.save_film`.

    Raises:
        AudioError: as `save_film` does.
        IsolationError, Cancelled: as `isolated` does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        parts = []
        for number, track in enumerate(tracks):
            samples = Path(folder, f"{number}.npy")
            np.save(samples, track.samples)
            parts.append((samples, track.with_samples(track.samples[:, :0])))
        return isolated(
            _write,
            path,
            source,
            parts,
            about=source,
            deadline=_SECONDS + max(track.duration for track in tracks) / _SPEED,
            memory=3 * sum(track.samples.nbytes for track in tracks) + _BYTES,
            visitor=visitor,
            cancelled=cancelled,
        )


def _write(path: Path, source: Path, parts: Sequence[tuple[Path, Audio]]) -> Written:
    from frcrn_app.audio import save_film

    tracks = [track.with_samples(np.load(samples, mmap_mode="r")) for samples, track in parts]
    return save_film(path, source, tracks)
