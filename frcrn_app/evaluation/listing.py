"""Audio files of a folder, in one order everywhere, and what they are called."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from frcrn_app.audio import find_audio
from frcrn_app.errors import PairError
from frcrn_app.files import shown

# A cell that begins with one of these is a formula to Excel, LibreOffice and Google Sheets.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class SoundFile:
    """A file under the folder, archive or upload that it came in."""

    path: Path
    relative: str  # below that folder, with "/", such as "cafe/p232_001.wav"; can be printed

    @property
    def stem(self) -> str:
        return self.relative.rsplit("/", 1)[-1].rsplit(".", 1)[0]

    @property
    def relative_stem(self) -> str:
        folder, slash, _ = self.relative.rpartition("/")
        return f"{folder}{slash}{self.stem}"


def list_sounds(folder: str | os.PathLike, within: Iterable[Path] | None = None) -> list[SoundFile]:
    """Audio files of a folder and its subfolders, sorted by their relative path.

    Found as `find_audio` does: links that lead out of all folders `within`, be it the folder's own,
    are passed over, where that is given. Raises PairError if there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise PairError("evaluation.no_folder", folder=root)
    if within is not None:
        within = [Path(limit).resolve() for limit in within]
        if not any(root.resolve().is_relative_to(limit) for limit in within):
            return []
    files = [
        SoundFile(path, shown(path.relative_to(root).as_posix()))
        for path in find_audio(root, within=within).files
    ]
    return sorted(files, key=lambda file: _natural(file.relative))


def is_junk(name: str) -> bool:
    """Whether a file or folder is hidden, or one that macOS adds to archives."""
    return name.startswith(".") or name == "__MACOSX"


def inert(cell: str | float | None) -> str | float | None:
    """A cell of a CSV file: text that a spreadsheet would run gets an apostrophe in front."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _natural(text: str) -> list[tuple[int, int | str]]:
    """Sorts fileid_2 before fileid_10."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]
