"""One file of a batch: what it is, where it stands, what came of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from frcrn_app.errors import UserError
from frcrn_app.web.faults import request_language

if TYPE_CHECKING:
    from frcrn_app.audio import Note

WAITING, READING, QUEUED, CLEANING = "waiting", "reading", "queued", "cleaning"
SCORING, DONE, FAILED, CANCELLED = "scoring", "done", "failed", "cancelled"
UNDER_WAY = (READING, QUEUED, CLEANING, SCORING)
ENDED = (DONE, FAILED, CANCELLED)

_SHARES = {QUEUED: 0.05, CLEANING: 0.05, SCORING: 0.9}  # of the work that is done by then


@dataclass(eq=False)
class Row:
    """A file of a batch.

    Args:
        number: within the batch; it never changes.
        name: with the folders that it came in.
        source: what was sent.
        folder: its own.
        is_archive: a zip, whose files take its place.
    """

    number: int
    name: PurePosixPath
    source: Path
    folder: Path
    is_archive: bool = False
    state: str = WAITING
    seconds: float | None = None  # of audio
    fraction: float = 0.0  # of the network's work, 0 to 1
    ahead: int = 0  # jobs of others in the engine's queue
    error: UserError | None = None
    notes: tuple[Note, ...] = ()
    scores: dict | None = None  # as `dnsmos_of_both` gives them
    loudness: float | None = None  # LUFS of the result, where one was asked for
    result: Path | None = None
    cancelled: bool = False
    looked_up: bool = False  # its length, in its header

    def begin_again(self) -> None:
        """Wait once more, without anything that came of it before."""
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        shutil.rmtree(self.folder / "played", ignore_errors=True)
        self.state, self.fraction, self.ahead, self.cancelled = WAITING, 0.0, 0, False
        self.error, self.notes, self.scores, self.result, self.loudness = None, (), None, None, None

    @property
    def done(self) -> float:
        """The share of the work that is done."""
        if self.state in ENDED:
            return 1.0
        base = _SHARES.get(self.state, 0.0)
        return base + (0.85 * self.fraction if self.state == CLEANING else 0.0)

    def shown(self, ahead: int, language: str | None = None) -> dict:
        """What the page shows of it, in a language.

        Args:
            ahead: files and jobs before it, where it waits.
        """
        language = language or request_language()
        notes = (note.sentence(language, lambda path: path.name) for note in self.notes)
        message = self.error and self.error.sentence(language, lambda path: path.name)
        return {
            "number": self.number,
            "name": self.name.as_posix(),
            "state": self.state,
            "seconds": None if self.seconds is None else round(self.seconds, 2),
            "fraction": round(self.fraction, 2),
            "ahead": ahead,
            "message": message or "",
            "notes": list(dict.fromkeys(notes)),
            "scores": self.scores,
            "loudness": None if self.loudness is None else round(self.loudness, 1),
        }
