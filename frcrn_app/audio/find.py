"""The audio files of a folder: one walker for cleaning and for evaluating."""

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from frcrn_app.audio.formats import AUDIO_SUFFIXES
from frcrn_app.audio.kinds import looks_like_audio

# Endings that other things have more often: TypeScript, mostly.
_AMBIGUOUS = frozenset({".ts", ".iff", ".mac", ".rm", ".ra", ".ism"})
_HEAD = 400  # bytes
_ARCHIVER_JUNK = ("__MACOSX",)


@dataclass
class Found:
    """What a folder holds, in the order of names.

    Args:
        files: audio, by ending or by content.
        ignored: hidden, not audio, or links out of bounds.
        unreadable: folders and files that the system refuses, and links with the name of audio that
            lead nowhere, with the system's reason.
    """

    files: list[Path] = field(default_factory=list)
    ignored: list[Path] = field(default_factory=list)
    unreadable: list[tuple[Path, OSError]] = field(default_factory=list)


def find_audio(
    folder: str | os.PathLike,
    *,
    skip: Path | None = None,
    within: Iterable[str | os.PathLike] | None = None,
) -> Found:
    """Look for audio in a folder and its subfolders.

    Links are followed, and every real folder is visited once, under its own name where it has one
    in the tree.

    Args:
        skip: a folder that is passed over, such as the one that is written to.
        within: folders that links may not lead out of; None: they may lead anywhere.
    """
    root = Path(folder)
    limits = None if within is None else [Path(limit).resolve() for limit in within]
    found = Found()
    visited: set[tuple[int, int]] = set()
    if skip is not None and skip.is_dir():
        visited.add(_identity(skip))
    folders, links = [root], []
    while folders or links:
        current = folders.pop() if folders else links.pop(0)
        try:
            identity = _identity(current)
            if identity in visited:
                continue
            visited.add(identity)
            with os.scandir(current) as entries:
                listing = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            found.unreadable.append((current, error))
            continue
        inside = []
        for entry in listing:
            path = current / entry.name
            if (
                entry.name.startswith(".")
                or entry.name in _ARCHIVER_JUNK
                or not _is_within(path, entry, limits)
            ):
                found.ignored.append(path)
            elif reason := _leads_nowhere(path, entry):
                if path.suffix.lower() in AUDIO_SUFFIXES - _AMBIGUOUS:
                    found.unreadable.append((path, reason))
                else:
                    found.ignored.append(path)
            elif entry.is_dir():
                (links if entry.is_symlink() else inside).append(path)
            else:
                _sort_in(path, entry, found)
        folders += reversed(inside)
    found.files.sort(key=lambda path: path.relative_to(root).parts)
    return found


def _sort_in(path: Path, entry: os.DirEntry, found: Found) -> None:
    suffix = path.suffix.lower()
    try:
        if not entry.is_file():
            found.ignored.append(path)
        elif suffix in AUDIO_SUFFIXES - _AMBIGUOUS:
            found.files.append(path)
        else:
            with path.open("rb") as file:
                is_audio = looks_like_audio(file.read(_HEAD))
            (found.files if is_audio else found.ignored).append(path)
    except OSError as error:
        found.unreadable.append((path, error))


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _leads_nowhere(path: Path, entry: os.DirEntry) -> OSError | None:
    """Why a link leads nowhere: what it named has gone, or it leads in a circle."""
    if not entry.is_symlink():
        return None
    try:
        path.stat()
    except OSError as error:
        return error if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP) else None
    return None


def _is_within(path: Path, entry: os.DirEntry, limits: list[Path] | None) -> bool:
    if limits is None or not entry.is_symlink():
        return True
    try:
        real = path.resolve()
    except (OSError, RuntimeError):  # a link to itself
        return False
    return any(real.is_relative_to(limit) for limit in limits)
