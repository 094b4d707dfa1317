"""Recordings that lie elsewhere: addresses such as s3://bucket/talks, as fsspec opens them.

Audio is read and written as local files: what comes from an address is fetched to a temporary one,
and what goes to an address is written whole before it is sent there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from frcrn_app.audio import AUDIO_SUFFIXES
from frcrn_app.errors import AudioError, UserError
from frcrn_app.scratch import Scratch

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)  # of two letters and more: not C:\

# A path of this machine, or its like elsewhere: a UPath, which has a Path's names and parts.
Place = Any


def is_address(place: object) -> bool:
    """Whether it is, or names, something that the system's own file functions do not reach."""
    return not isinstance(place, Path) and _SCHEME.match(str(place)) is not None


def place_of(name: str | os.PathLike) -> Place:
    """A path, or an address where a name looks like one.

    Raises:
        AudioError: what opens such addresses is not installed or cannot, or there is no name.
    """
    if name == "":  # an unset variable of a shell's, most likely, and not the folder at hand
        raise AudioError("batch.no_name")
    if isinstance(name, Path) or not is_address(name):
        return name if not isinstance(name, str) else Path(name)
    if str(name).lower().startswith("file://"):
        return Path(str(name)[len("file://") :])
    try:
        from upath import UPath

        place = UPath(name)
        _ = place.fs  # the package for this kind of address
    except (ImportError, ValueError) as error:
        raise AudioError("batch.no_filesystem", address=str(name), reason=str(error)) from None
    except Exception as error:  # some connect at once
        raise _not_reached(name, error) from error
    return place


@dataclass(frozen=True)
class Remote:
    """What an address holds.

    Args:
        files: (address, path below it, bytes or None), in the order of names.
        ignored: hidden or not audio.
    """

    files: list[tuple[Place, PurePosixPath, int | None]]
    ignored: list[Place]


def find_remote(address: Place) -> Remote:
    """Look for audio below an address by names alone; or the one file that it is.

    Raises:
        AudioError: it cannot be reached, or there is nothing.
    """
    found = Remote([], [])
    with reaching(address):
        listing = address.fs.find(address.path, detail=True)
        if not listing:
            _require_something(address)
    root = address.path.rstrip("/")
    for path in sorted(listing):
        relative = PurePosixPath(path.removeprefix(root).lstrip("/") or address.name)
        place = address if path.rstrip("/") == root else address / str(relative)
        hidden = any(part.startswith(".") for part in relative.parts)
        if place is address or (not hidden and relative.suffix.lower() in AUDIO_SUFFIXES):
            found.files.append((place, relative, listing[path].get("size")))
        else:
            found.ignored.append(place)
    return found


def _require_something(address: Place) -> None:
    """Raise what keeps an address from being looked at; AudioError where there is nothing."""
    try:
        address.fs.info(address.path)
    except FileNotFoundError as error:
        # That of the web stands for whatever it met.
        if isinstance(error.__cause__, OSError) and not isinstance(
            error.__cause__, FileNotFoundError
        ):
            raise error.__cause__ from error
        raise AudioError("batch.nothing_there", address=str(address)) from error


def names_below(address: Place) -> set[str]:
    """All files that lie below an address, as `str` gives them."""
    with reaching(address):
        root = address.path.rstrip("/")
        return {
            str(address / path.removeprefix(root).lstrip("/")) for path in address.fs.find(root)
        }


@contextmanager
def reaching(address: Place) -> Iterator[None]:
    """Makes what a file system elsewhere raises an AudioError that names the address."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # every file system has its own
        raise _not_reached(address, error) from error


def _not_reached(address: Place, error: Exception) -> AudioError:
    reason = error if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
    return AudioError("batch.not_reached", address=str(address), reason=reason)


@contextmanager
def fetched(place: Place) -> Iterator[Path]:
    """A file of this machine with what lies there; errors in the block name the place itself."""
    if not is_address(place):
        yield place
        return
    with Scratch("fetched") as folder:
        # Its ending counts; its name may be too long or of other characters here.
        local = Path(folder, f"recording{place.suffix}")
        with reaching(place):
            place.fs.get_file(place.path, str(local))
        try:
            yield local
        except UserError as error:
            raise _renamed(error, local, place) from error


@contextmanager
def delivered(target: Place) -> Iterator[tuple[Path, Callable[[Path, Place], None]]]:
    """A path to write to, and what sends a file that was written to an address."""
    if not is_address(target):
        yield target, lambda _local, _address: None
        return

    def send(local: Path, address: Place) -> None:
        with reaching(address):
            address.fs.makedirs(address.fs._parent(address.path), exist_ok=True)
            address.fs.put_file(str(local), address.path)

    with Scratch("cleaned") as folder:
        local = Path(folder, f"recording{target.suffix}")
        try:
            yield local, send
        except UserError as error:
            raise _renamed(error, local, target) from error


def _renamed(error: UserError, local: Path, place: Place) -> UserError:
    """The same error of the place that a local file stands for."""
    fields = {
        name: place
        if value == local
        else _renamed(value, local, place)
        if isinstance(value, UserError)
        else value
        for name, value in error.fields.items()
    }
    return type(error)(error.code, **fields)


def identity(place: Place) -> dict[str, object] | None:
    """What changes when a file does: its length and time or tag; None where it cannot be told."""
    try:
        if is_address(place):
            facts = place.fs.info(place.path)
            tag = next(
                (facts[key] for key in ("ETag", "etag", "mtime", "created") if facts.get(key)), None
            )
            return {"bytes": facts.get("size"), "tag": str(tag)}
        status = place.stat()
        return {"bytes": status.st_size, "tag": str(status.st_mtime_ns)}
    except Exception:  # whoever reads it will say why
        return None
