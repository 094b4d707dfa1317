"""Zip archives from anywhere, unpacked so that they can do no harm."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from frcrn_app.audio import AUDIO_SUFFIXES
from frcrn_app.errors import PairError
from frcrn_app.evaluation.encodings import encoding_of
from frcrn_app.evaluation.folders import pair_tree
from frcrn_app.evaluation.listing import is_junk
from frcrn_app.evaluation.pairing import PairSet, Unpaired
from frcrn_app.files import shown

MAX_ARCHIVE_FILES = 20_000
MAX_ARCHIVE_BYTES = 4 * 2**30  # unpacked
MAX_RATIO = 100  # times an archive's size that it may have unpacked; audio rarely halves
ANY_RATIO_BYTES = 64 * 2**20  # unpacked, up to which it does not matter

_BLOCK_BYTES = 1 << 20
_UTF8_NAME = 0x800  # flags of an entry
_ENCRYPTED = 0x1
_TABLES_READ = 3
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".xz", ".bz2")


def pair_archive(
    archive: str | os.PathLike, folder: str | os.PathLike, *, max_bytes: int = MAX_ARCHIVE_BYTES
) -> PairSet:
    """Unpacks an archive into a folder that exists and pairs what is in it; see `pair_tree`.

    Archives in it, and folders of audio beside the set that is taken, are listed as unpaired.
    """
    passed_over = extract_archive(archive, folder, max_bytes=max_bytes)
    reasons = dict.fromkeys(AUDIO_SUFFIXES, PairError("evaluation.not_unpacked"))
    reasons |= dict.fromkeys(_ARCHIVES, PairError("evaluation.nested"))
    lost = [
        Unpaired(name, "archive", reasons[suffix])
        for name in passed_over
        if (suffix := PurePosixPath(name).suffix.lower()) in reasons
    ]
    try:
        pairs = pair_tree(folder, whole=True)
    except PairError as error:
        nested = next((item for item in lost if item.reason.code == "evaluation.nested"), None)
        if nested is None:
            raise
        raise PairError("evaluation.nested_set", problem=error, name=nested.name) from error
    return replace(pairs, unpaired=(*pairs.unpaired, *lost))


def extract_archive(
    archive: str | os.PathLike,
    folder: str | os.PathLike,
    *,
    max_bytes: int = MAX_ARCHIVE_BYTES,
    max_files: int = MAX_ARCHIVE_FILES,
) -> list[str]:
    """Unpacks the audio files and manifests of a zip archive into a folder that exists.

    Bytes are counted as they are unpacked; an archive that states by far more of them than audio
    could have been is not unpacked at all. Names are read in the code page that they were written
    in, with `/` or `\\`. Links, hidden files and what macOS adds are passed over without a word;
    files that are no audio by their suffix, and those whose name the file system refuses, are
    passed over, and their names are returned.

    Raises:
        PairError: if the file is no zip archive, damaged, encrypted or too large once unpacked, in
            bytes or by far in proportion, or if a name in it leads out of the folder.
    """
    archive, root = Path(archive), Path(folder).resolve()
    passed_over: list[str] = []
    left = max_bytes
    try:
        likely = max(ANY_RATIO_BYTES, MAX_RATIO * archive.stat().st_size)
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not _is_folder(entry)]
            if len(entries) > max_files:
                raise PairError(
                    "evaluation.archive_files",
                    archive=archive,
                    number=len(entries),
                    most=max_files,
                )
            # None is read beyond the size that it states, so that this is no lie.
            if sum(entry.file_size for entry in entries) > likely:
                raise PairError("evaluation.archive_ratio", archive=archive, times=MAX_RATIO)
            for entry, name in zip(entries, _names(opened, entries), strict=True):
                target = _target(name, root, archive)
                if target is None or stat.S_ISLNK(entry.external_attr >> 16):
                    continue
                if target.suffix.lower() not in AUDIO_SUFFIXES | {".csv"}:
                    passed_over.append(shown(name))
                    continue
                if entry.flag_bits & _ENCRYPTED:
                    raise PairError("evaluation.archive_encrypted", archive=archive)
                try:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    left = _unpack(opened, entry, target, left)
                except OSError as error:
                    if error.errno not in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ):
                        raise
                    passed_over.append(shown(name))
                    continue
                if left < 0:
                    raise PairError(
                        "evaluation.archive_bytes", archive=archive, gigabytes=max_bytes / 2**30
                    )
    except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError) as error:
        raise PairError("evaluation.archive_damaged", archive=archive) from error
    except (NotImplementedError, RuntimeError) as error:
        raise PairError("evaluation.archive_method", archive=archive) from error
    except OSError as error:
        raise PairError("evaluation.archive_failed", archive=archive, reason=error) from error
    return passed_over


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.endswith(("/", "\\"))


def _names(opened: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo]) -> list[str]:
    """The entries' names with "/", in the encoding that most of the unmarked ones agree on.

    Only names marked as UTF-8 say how they are written. All others of an archive come from one
    system, so that together they tell more than each alone.
    """
    raw = [
        None if entry.flag_bits & _UTF8_NAME else entry.orig_filename.encode("cp437", "replace")
        for entry in entries
    ]
    unmarked = b"\n".join(dict.fromkeys(name for name in raw if name is not None))
    encoding = "ascii"
    if not unmarked.isascii():
        encoding = encoding_of(unmarked, _manifests(opened, entries)) or "cp437"
    names = (
        entry.orig_filename if name is None else name.decode(encoding, "replace")
        for entry, name in zip(entries, raw, strict=True)
    )
    return [name.split("\0")[0].replace("\\", "/") for name in names]


def _manifests(opened: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo]) -> str:
    """The beginnings of the first tables in it, which may mention its names."""
    texts = []
    tables = [entry for entry in entries if entry.orig_filename.lower().endswith(".csv")]
    for entry in tables[:_TABLES_READ]:
        if not entry.flag_bits & _ENCRYPTED:
            with opened.open(entry) as file:
                content = file.read(_BLOCK_BYTES)
            texts.append(content.decode(encoding_of(content) or "latin-1", "replace"))
    return "\n".join(texts)


def _target(name: str, root: Path, archive: Path) -> Path | None:
    """Where an entry belongs; None for what nobody means to send."""
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:/", name):
        raise PairError("evaluation.archive_escape", archive=archive, name=shown(name))
    if not parts or any(is_junk(part) for part in parts):
        return None
    if os.name == "nt":  # where a colon would name a stream of another file
        parts = tuple(re.sub(r'[<>:"|?*]', "_", part) for part in parts)
    target = root.joinpath(*parts)
    if not target.resolve().is_relative_to(root):
        raise PairError("evaluation.archive_escape", archive=archive, name=shown(name))
    return target


def _unpack(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Writes one entry; returns how many bytes may still come, below 0 once that is too many."""
    if shutil.disk_usage(target.parent).free < entry.file_size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with opened.open(entry) as source, target.open("wb") as sink:
        while block := source.read(_BLOCK_BYTES):
            left -= len(block)
            if left < 0:
                return left
            sink.write(block)
    return left
