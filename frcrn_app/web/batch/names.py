"""Names of files as visitors send them, and as they get them back."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from frcrn_app.files import shown

_DEEPEST = 16  # folders; what lies deeper is put there
_LONGEST = 200  # bytes of one part: room for another ending, and for a number


def safe_name(name: str) -> PurePosixPath:
    """A relative path that leads nowhere else, whatever a browser or an archive says."""
    cleaned = shown(unicodedata.normalize("NFC", name.replace("\\", "/"))).replace("\\", "_")
    parts = [_shortened(part.strip()) for part in cleaned.split("/")]
    parts = [part for part in parts if part.strip(".")]
    return PurePosixPath(*parts[-_DEEPEST:]) if parts else PurePosixPath("recording")


def unique_name(name: PurePosixPath, taken: Iterable[PurePosixPath]) -> PurePosixPath:
    """The name, or one with a number behind it where there is such a file already."""
    keys = {_key(other) for other in taken}
    return next(other for other in _numbered(name) if _key(other) not in keys)


def result_names(results: Iterable[tuple[PurePosixPath, str]]) -> list[PurePosixPath]:
    """Names of results in the tree that their recordings came in; no two are the same.

    Args:
        results: name of each recording, ending of its result.
    """
    given: list[PurePosixPath] = []
    for name, suffix in results:
        ends_well = name.suffix.lower() == suffix.lower()
        wished = name if ends_well else name.with_name(name.stem + suffix)
        if any(_key(wished) == _key(other) for other in given):
            wished = unique_name(name.with_name(name.name + suffix), given)
        given.append(wished)
    return given


def _numbered(name: PurePosixPath) -> Iterator[PurePosixPath]:
    yield name
    number = 2
    while True:
        yield name.with_name(f"{name.stem} ({number}){name.suffix}")
        number += 1


def _key(name: PurePosixPath) -> str:
    """Equal for names that some file systems take for one."""
    return name.as_posix().casefold()


def _shortened(part: str) -> str:
    suffix = PurePosixPath(part).suffix if len(PurePosixPath(part).suffix) < 16 else ""
    stem = part.removesuffix(suffix)
    while len(os.fsencode(stem)) + len(os.fsencode(suffix)) > _LONGEST:
        stem = stem[:-1]
    return stem + suffix
