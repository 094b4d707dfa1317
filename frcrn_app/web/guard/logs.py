"""One line an event, none of any length that a visitor chooses, and no names of their files."""

from __future__ import annotations

import json
import logging
import secrets
import sys
import threading
from typing import TextIO

LINE_CHARACTERS = 2000  # of a message; what is beyond is said to have been cut
TRACE_CHARACTERS = 16_000

jobs = logging.getLogger("frcrn.jobs")


class CutFormatter(logging.Formatter):
    """Messages on one line and of bounded length; a trace follows on lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        return cut(super().formatMessage(record).replace("\n", "\\n").replace("\r", "\\r"))

    def formatException(self, ei) -> str:
        return "\n".join(
            cut(line) for line in cut(super().formatException(ei), TRACE_CHARACTERS).splitlines()
        )


class CutLines:
    """A text stream whose lines are cut, for what libraries print past the log."""

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._column = 0
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        """Write what still fits into the line."""
        with self._lock:
            for part in text.splitlines(keepends=True):
                room = LINE_CHARACTERS - self._column
                ending = "\n" if part.endswith("\n") else ""
                shown = part.removesuffix("\n")
                if room > 0:
                    self._stream.write(cut(shown, room) if len(shown) > room else shown)
                if ending:
                    self._stream.write(ending)
                self._column = 0 if ending else self._column + len(shown)
        return len(text)

    def __getattr__(self, name: str):
        return getattr(self._stream, name)


def cut(text: str, characters: int = LINE_CHARACTERS) -> str:
    """The beginning of a text, and how much is missing."""
    if len(text) <= characters:
        return text
    return f"{text[:characters]} ... ({len(text) - characters:,} characters more)"


def set_up() -> None:
    """Let everything that is logged or printed pass through here; a line a job is logged."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(CutFormatter())
    logging.basicConfig(handlers=[handler])
    jobs.setLevel(logging.INFO)
    sys.stdout, sys.stderr = CutLines(sys.stdout), CutLines(sys.stderr)  # pyright: ignore[reportAttributeAccessIssue]


def log_job(**facts: object) -> str:
    """Log one job as one line of JSON; returns its reference, which is in it.

    Facts that are None are left out. Names of files are for the caller to leave out.
    """
    reference = secrets.token_hex(4)
    line = {"job": reference} | {key: value for key, value in facts.items() if value is not None}
    jobs.info("%s", json.dumps(line, ensure_ascii=False))
    return reference
