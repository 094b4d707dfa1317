"""What visitors send for a batch: uploads are taken over, archives unpacked, lengths looked up."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from gradio.utils import get_upload_folder

from frcrn_app.audio import find_audio
from frcrn_app.errors import AudioError, Cancelled, UserError
from frcrn_app.evaluation import MAX_ARCHIVE_BYTES, extract_archive
from frcrn_app.isolation import isolated
from frcrn_app.web.batch.names import safe_name
from frcrn_app.web.batch.probe import stated_seconds
from frcrn_app.web.batch.row import Row

if TYPE_CHECKING:
    from frcrn_app.web.engine import Engine

UNPACK_SECONDS = 180.0  # that an archive may take
PROBE_SECONDS = 5.0

_ARCHIVES = (".zip",)


def is_archive(name: PurePosixPath) -> bool:
    return name.suffix.lower() in _ARCHIVES


def uploads(sent: object) -> Iterator[tuple[PurePosixPath, Path]]:
    """Names and files of what a page or a program says it has uploaded.

    Raises:
        AudioError: it names what is no upload.
    """
    root = Path(get_upload_folder()).resolve()
    for one in sent if isinstance(sent, list) else []:
        path = one.get("path") if isinstance(one, dict) else None
        name = one.get("name") if isinstance(one, dict) else None
        if not isinstance(path, str) or not isinstance(name, str):
            raise AudioError("batchtab.no_upload")
        # The value comes from the browser: whatever it says, only uploads are read.
        file = Path(path).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            raise AudioError("batchtab.no_upload")
        yield safe_name(name), file


def take_over(upload: Path, place: Path) -> Path:
    """Move an upload to where it stays until the batch is deleted."""
    place.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(upload, place))


def unpacked(
    row: Row, engine: Engine, cancelled: Callable[[], bool]
) -> list[tuple[PurePosixPath, Path]]:
    """Names and files of the recordings in an archive.

    Raises:
        UserError: as `extract_archive` does, or if there are none; then nothing of it is left.
    """
    folder = row.folder / "unpacked"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        isolated(
            extract_archive,
            row.source,
            folder,
            max_bytes=min(MAX_ARCHIVE_BYTES, engine.guard.disk.room()),
            about=row.source,
            deadline=UNPACK_SECONDS,
            visitor=engine.guard.visitor(),
            cancelled=cancelled,
        )
        found = find_audio(folder, within=[folder]).files
        if not found:
            raise AudioError("batchtab.archive_empty", archive=row.source)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return [(safe_name(path.relative_to(folder).as_posix()), path) for path in found]


def length_of(row: Row, engine: Engine, cancelled: Callable[[], bool]) -> float | None:
    """Seconds that a file says it has; None where it does not tell."""
    try:
        return isolated(
            stated_seconds,
            row.source,
            about=row.source,
            deadline=PROBE_SECONDS,
            visitor=engine.guard.visitor(),
            cancelled=cancelled,
        )
    except (Cancelled, UserError):  # told when it is read
        return None
