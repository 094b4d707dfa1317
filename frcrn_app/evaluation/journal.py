"""What has been scored, on disk as it is scored, so that an interrupted run need not repeat it.

One JSON object a line, one line a scored recording. A line counts only for the very same bytes: it
is found by a key made of the files' contents, the options and the versions of what scored it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from frcrn_app import errors
from frcrn_app.errors import PairError, UserError
from frcrn_app.evaluation.scoring import Measured, SoundScores
from frcrn_app.files import may_hold_json_lines, sha256_of, shown
from frcrn_app.metrics import package_versions

_FORMAT = 2  # raise it when what a line means changes


@dataclass
class JournalEntry:
    """Scores of one recording as they were written down."""

    sound: SoundScores
    measured: Measured


def content_hash(path: Path) -> str | None:
    """SHA-256 of a file's bytes, None if it cannot be read."""
    try:
        return sha256_of(path)
    except OSError:
        return None


class Journal:
    """The lines of a journal file by key; what is added is on disk at once.

    Args:
        path: the file, made if needed.
        resume: keep what is in it; otherwise it starts empty.

    Raises:
        PairError: if the file cannot be read or written.
    """

    def __init__(self, path: str | os.PathLike, *, resume: bool):
        self.path = Path(path)
        self._versions = package_versions()
        self._entries: dict[str, JournalEntry] = {}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not may_hold_json_lines(self.path):
                raise PairError("evaluation.journal_not_text", path=self.path)
            if resume and self.path.exists():
                self._read()
            self._file = self.path.open("a" if resume else "w", encoding="utf-8")
        except OSError as error:
            raise PairError("evaluation.journal", path=self.path, reason=error) from error
        except UnicodeDecodeError as error:
            raise PairError("evaluation.journal_not_text", path=self.path) from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exception) -> None:
        with suppress(OSError):  # lines are flushed as they come: that of `add` has been told
            self._file.close()

    def key(
        self, clean: str | None, degraded: str, *, align: bool, seed: int, text: str | None
    ) -> str:
        """The key of a recording from the hashes of its clean file and of itself."""
        identity = [_FORMAT, clean, degraded, align, seed, text, self._versions]
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    def find(self, key: str, keys: list[str]) -> JournalEntry | None:
        """The entry with that key, if it has all of the metrics wanted, and only those."""
        entry = self._entries.get(key)
        if entry is None or not set(keys) <= entry.sound.scores.keys():
            return None
        known = entry.sound
        sound = replace(
            known,
            scores={name: known.scores[name] for name in keys},
            reasons={name: reason for name, reason in known.reasons.items() if name in keys},
        )
        return JournalEntry(sound, entry.measured)

    def add(self, key: str, entry: JournalEntry, *, name: str, system: str) -> None:
        """Write an entry down; the name and the system are there for people who read the file."""
        sound = entry.sound
        line = {
            "key": key,
            "name": name,
            "system": system,
            "measured": asdict(entry.measured),
            "scores": sound.scores,
            "reasons": {metric: _plain(reason) for metric, reason in sound.reasons.items()},
            "notes": [_plain(note) for note in sound.notes],
            "error": _plain(sound.error),
            "lag": sound.lag,
            "cut": sound.cut,
            "elapsed": sound.elapsed,
        }
        try:
            self._file.write(json.dumps(_without_nan(line), ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise PairError("evaluation.journal", path=self.path, reason=error) from error

    def _read(self) -> None:
        text = self.path.read_text(encoding="utf-8")
        for line in text.splitlines():
            try:
                key, entry = _entry(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # the line that was being written when the run was killed
            known = self._entries.get(key)
            if known is not None:  # further metrics of the same recording
                sound = entry.sound
                sound.scores = known.sound.scores | sound.scores
                sound.reasons = known.sound.reasons | sound.reasons
                if sound.elapsed is None:
                    sound.elapsed = known.sound.elapsed
            self._entries[key] = entry
        if text and not text.endswith("\n"):
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n")


def _entry(line: dict[str, Any]) -> tuple[str, JournalEntry]:
    sound = SoundScores(
        scores={name: _number(value) for name, value in line["scores"].items()},
        reasons={name: _error(reason) for name, reason in line["reasons"].items()},
        notes=[_error(note) for note in line["notes"]],
        error=_error(line["error"]) if line["error"] else None,
        lag=line["lag"],
        cut=line["cut"],
        elapsed=line["elapsed"],
    )
    measured = Measured(**{name: _number(value) for name, value in line["measured"].items()})
    return line["key"], JournalEntry(sound, measured)


def _plain(value: Any) -> Any:
    """An error as JSON holds it; a path by its name, an error of the system by its number."""
    if isinstance(value, UserError):
        fields = {name: _plain(field) for name, field in value.fields.items()}
        return {"kind": type(value).__name__, "code": value.code, "fields": fields}
    if isinstance(value, OSError):
        return {"errno": value.errno}
    return shown(value.name) if isinstance(value, PurePath) else value


def _error(value: Any) -> Any:
    """What `_plain` made plain."""
    if not isinstance(value, dict):
        return value
    if "errno" in value:
        return OSError(value["errno"], os.strerror(value["errno"] or 0))
    fields = {name: _error(field) for name, field in value["fields"].items()}
    return getattr(errors, value["kind"])(value["code"], **fields)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _without_nan(value: Any) -> Any:
    """NaN as null, all the way down: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
