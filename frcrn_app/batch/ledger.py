"""What became of each file, on disk as soon as it is known: a killed run goes on where it was.

One JSON object a line. A line counts for the very same file, cleaned in the same way to the same
place; the last one of a file counts.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from frcrn_app.audio import Note
from frcrn_app.batch.addresses import identity, place_of
from frcrn_app.batch.plan import FileJob
from frcrn_app.batch.run import FileResult, RunOptions
from frcrn_app.errors import AudioError, UserError
from frcrn_app.files import may_hold_json_lines

_FORMAT = 1  # raise it when what a line means changes


class Ledger:
    """The results of a run by file. A context.

    Args:
        path: the file, made if needed; None: nothing is kept.
        how: what the network is, such as its weights' checksum.
        options: how files are cleaned and written.
        resume: whether lines of an earlier run count; otherwise it starts empty.

    Raises:
        AudioError: it cannot be read or written.
    """

    def __init__(
        self, path: Path | None, how: dict[str, Any], options: RunOptions, *, resume: bool = True
    ):
        self._how = [_FORMAT, how, asdict(options)]
        self._lines: dict[str, dict] = {}
        self._path, self._file = path, None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not may_hold_json_lines(path):
                raise AudioError("batch.not_a_ledger", path=path)
            if resume and path.exists():
                self._lines = dict(_lines(path))
            self._file = path.open("ab" if resume else "wb", buffering=0)
            if self._file.tell() and not path.read_bytes().endswith(b"\n"):
                self._file.write(b"\n")  # a line was being written when the run was killed
        except OSError as error:
            raise AudioError("batch.ledger", path=path, reason=error) from error

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._file is not None:
            self._file.close()

    def find(self, job: FileJob) -> FileResult | None:
        """What an earlier run made of a file, if that still stands; failures do not."""
        line = self._lines.get(str(job.target))
        if line is None or line["status"] != "cleaned" or line["key"] != self._key(job):
            return None
        target = place_of(line["target"])
        if not target.exists():
            return None
        notes = tuple(Note(note["code"], note["fields"], note["lost"]) for note in line["notes"])
        return FileResult(
            job.source,
            target,
            "cleaned",
            notes=notes,
            duration=line["duration"],
            elapsed=line["elapsed"],
            earlier=True,
        )

    def add(self, job: FileJob, result: FileResult) -> None:
        """Write a result down, for good. Raises AudioError."""
        if self._file is None:
            return
        line = {
            "planned": str(job.target),
            "key": self._key(job),
            "source": str(job.source),
            "target": str(result.target),
            "status": result.status,
            "error": None if result.error is None else result.error.sentence("en"),
            "notes": [asdict(note) for note in result.notes],
            "duration": result.duration,
            "elapsed": result.elapsed,
        }
        # In one write, so that two lines never mix.
        try:
            self._file.write(json.dumps(line, default=_plain).encode() + b"\n")
            os.fsync(self._file.fileno())
        except OSError as error:
            raise AudioError("batch.ledger", path=self._path, reason=error) from error

    def _key(self, job: FileJob) -> str:
        text = json.dumps([self._how, str(job.source), identity(job.source)], default=str)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _lines(path: Path) -> list[tuple[str, dict]]:
    """The whole lines of a ledger by planned target."""
    lines = []
    for text in path.read_bytes().split(b"\n"):
        try:
            line = json.loads(text)
            lines.append((line["planned"], line))
        except (ValueError, KeyError, TypeError):
            continue  # torn
    return lines


def _plain(value: object) -> object:
    """A note's field as JSON has it."""
    return value.sentence("en") if isinstance(value, UserError) else str(value)
