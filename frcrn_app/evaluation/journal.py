"""What has been scored, on disk as it is scored, so that an interrupted run need not repeat it.

One JSON object a line, one line a scored sound. A line counts only for the very same bytes: it is
found by a key made of the files' contents, the options and the versions of what scored it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from frcrn_app.errors import PairError
from frcrn_app.evaluation.worker import SoundScores
from frcrn_app.metrics import package_versions

_FORMAT = 1  # raise it when what a line means changes
_BLOCK_BYTES = 1 << 20


@dataclass
class JournalEntry:
    """Scores of one sound as they were written down."""

    sound: SoundScores
    duration: float
    input_snr: float


def content_hash(path: Path) -> str | None:
    """SHA-256 of a file's bytes, None if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except OSError:
        return None
    return digest.hexdigest()


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
            if resume and self.path.exists():
                self._read()
            self._file = self.path.open("a" if resume else "w", encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PairError(f'The journal "{path}" cannot be used ({error}).') from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exception) -> None:
        self._file.close()

    def key(self, clean: str | None, degraded: str, *, align: bool, seed: int) -> str:
        """The key of a sound from the hashes of its clean file and of itself."""
        identity = [_FORMAT, clean, degraded, align, seed, self._versions]
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    def find(self, key: str, keys: list[str]) -> JournalEntry | None:
        """The entry with that key, if it has all of the metrics wanted, and only those."""
        entry = self._entries.get(key)
        if entry is None or not set(keys) <= entry.sound.scores.keys():
            return None
        known = entry.sound
        sound = SoundScores(
            scores={name: known.scores[name] for name in keys},
            reasons={name: text for name, text in known.reasons.items() if name in keys},
            error=known.error,
            lag=known.lag,
            cut=known.cut,
            elapsed=known.elapsed,
        )
        return JournalEntry(sound, entry.duration, entry.input_snr)

    def add(self, key: str, entry: JournalEntry, *, name: str, system: str) -> None:
        """Write an entry down; the name and the system are there for people who read the file."""
        sound = asdict(entry.sound)
        del sound["passing"]
        line = {
            "key": key,
            "name": name,
            "system": system,
            "duration": entry.duration,
            "input_snr": entry.input_snr,
            **sound,
        }
        self._file.write(json.dumps(_without_nan(line), ensure_ascii=False) + "\n")
        self._file.flush()

    def _read(self) -> None:
        text = self.path.read_text(encoding="utf-8")
        for line in text.splitlines():
            try:
                values = json.loads(line)
                sound = SoundScores(
                    scores={name: _number(value) for name, value in values["scores"].items()},
                    reasons=values["reasons"],
                    error=values["error"],
                    lag=values["lag"],
                    cut=values["cut"],
                    elapsed=values["elapsed"],
                )
                key = values["key"]
                entry = JournalEntry(
                    sound, _number(values["duration"]), _number(values["input_snr"])
                )
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # the line that was being written when the run was killed
            known = self._entries.get(key)
            if known is not None:  # further metrics of the same sound
                sound.scores = known.sound.scores | sound.scores
                sound.reasons = known.sound.reasons | sound.reasons
                if sound.elapsed is None:
                    sound.elapsed = known.sound.elapsed
            self._entries[key] = entry
        if text and not text.endswith("\n"):
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n")


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _without_nan(value):
    """NaN as null, all the way down: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
