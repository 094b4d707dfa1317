"""Archives and folders that visitors name, opened so that they can do no harm."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from frcrn_app.audio import AUDIO_SUFFIXES
from frcrn_app.errors import PairError
from frcrn_app.evaluation.pairing import PairSet, list_sounds, pair_files, pair_manifest

MAX_ARCHIVE_FILES = 20_000
MAX_ARCHIVE_BYTES = 4 * 2**30  # unpacked
MANIFEST_NAME = "manifest.csv"

_BLOCK_BYTES = 1 << 20
_CLEAN_FOLDERS = ("clean", "reference", "ref", "target")
_NOISY_FOLDERS = ("noisy", "mix", "mixture")


def extract_archive(
    archive: str | os.PathLike,
    folder: str | os.PathLike,
    *,
    max_bytes: int = MAX_ARCHIVE_BYTES,
    max_files: int = MAX_ARCHIVE_FILES,
) -> list[str]:
    """Unpacks the sound files and manifests of a zip archive into a folder that exists.

    Bytes are counted as they are unpacked, since an archive may lie about its sizes. Links, hidden
    files, what macOS adds, and files that are no sound by their suffix are passed over, and the
    names of the last are returned.

    Raises:
        PairError: if the file is no zip archive, damaged, encrypted or too large once unpacked, or
            if a name in it leads out of the folder.
    """
    archive, root = Path(archive), Path(folder).resolve()
    passed_over: list[str] = []
    left = max_bytes
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            if len(entries) > max_files:
                raise PairError(
                    f'"{archive.name}" holds {len(entries):,} files; up to {max_files:,} are read.'
                )
            for entry in entries:
                target = _target(entry, root, archive.name)
                if target is None or _is_link(entry):
                    continue
                if target.suffix.lower() not in AUDIO_SUFFIXES | {".csv"}:
                    passed_over.append(entry.filename)
                    continue
                if entry.flag_bits & 0x1:
                    raise PairError(f'"{archive.name}" is encrypted: make one without a password.')
                target.parent.mkdir(parents=True, exist_ok=True)
                left = _unpack(opened, entry, target, left)
                if left < 0:
                    raise PairError(
                        f'"{archive.name}" unpacks to more than {max_bytes / 2**30:.3g} GB: '
                        "split it into smaller sets."
                    )
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise PairError(f'"{archive.name}" is not a whole zip archive: make it again.') from error
    except (NotImplementedError, RuntimeError) as error:
        raise PairError(
            f'"{archive.name}" is packed in a way that is not read: use zip.'
        ) from error
    except OSError as error:
        raise PairError(f'"{archive.name}" cannot be unpacked ({error.strerror}).') from error
    return passed_over


def pair_archive(archive: str | os.PathLike, folder: str | os.PathLike) -> PairSet:
    """Unpacks an archive into a folder that exists and pairs what is in it; see `pair_tree`."""
    extract_archive(archive, folder)
    return pair_tree(folder)


def pair_tree(folder: str | os.PathLike, within: Iterable[Path] | None = None) -> PairSet:
    """Pairs the set under a folder: by its manifest.csv, or by its subfolders clean and noisy.

    Every other folder beside `noisy` that holds sounds is a system. The set may lie deeper in the
    tree. Links that lead out of all folders `within`, by default the folder itself, are passed
    over. Raises PairError where there is neither a manifest nor a folder `noisy`.
    """
    root = Path(folder)
    within = [root] if within is None else list(within)
    for parent, subfolders, names in os.walk(root):  # top-down: the shallowest set is taken
        subfolders.sort()
        subfolders[:] = [name for name in subfolders if not name.startswith((".", "__MACOSX"))]
        manifest = next((name for name in names if name.lower() == MANIFEST_NAME), None)
        if manifest is not None:
            return pair_manifest(Path(parent, manifest), inside(within, Path(parent)))
        noisy = _folder_called(subfolders, _NOISY_FOLDERS)
        if noisy is not None:
            return _pair_subfolders(Path(parent), subfolders, noisy, within)
    raise PairError(
        "There is no folder called noisy in it: put the sounds into clean/ and noisy/, and those "
        "of other systems into folders of their own."
    )


def _pair_subfolders(
    parent: Path, subfolders: list[str], noisy: str, within: Iterable[Path]
) -> PairSet:
    clean = _folder_called(subfolders, _CLEAN_FOLDERS)
    sounds_of = {name: list_sounds(parent / name, within) for name in subfolders}
    others = {name: sounds_of[name] for name in subfolders if name not in (noisy, clean)}
    return pair_files(
        sounds_of[noisy],
        sounds_of[clean] if clean else None,
        {name: sounds for name, sounds in others.items() if sounds},
    )


def _folder_called(names: Iterable[str], wanted: tuple[str, ...]) -> str | None:
    """The folder of that name, or one such as noisy_testset_wav."""
    names = list(names)
    for word in wanted:
        for name in names:
            if name.lower() == word:
                return name
    for word in wanted:
        for name in names:
            if name.lower().startswith((f"{word}_", f"{word}-", f"{word} ")):
                return name
    return None


def allowed_folder(text: str, roots: Iterable[Path]) -> Path:
    """A folder that a visitor names, if it lies in one of the folders opened to visitors.

    Relative paths are tried below each. Links are resolved first. Raises PairError otherwise, with
    one sentence that does not tell whether such a folder exists.
    """
    roots = [root.resolve() for root in roots]
    for root in roots:
        try:
            path = (root / text.strip()).resolve()
            if path.is_relative_to(root) and path.is_dir():
                return path
        except (OSError, ValueError):
            continue
    raise PairError(f'"{text}" is not a folder that this demo may read.')


def inside(roots: Iterable[Path], base: Path):
    """For `pair_manifest`: cells as paths below `base`, None for what lies outside all roots."""
    roots = [root.resolve() for root in roots]

    def resolve(text: str) -> Path | None:
        try:
            path = (base / text.replace("\\", "/")).resolve()
            allowed = any(path.is_relative_to(root) for root in roots)
            return path if allowed and path.is_file() else None
        except (OSError, ValueError):
            return None

    return resolve


def among(files: Iterable[Path]):
    """For `pair_manifest`: cells matched to uploaded files by their last part, the file's name."""
    by_name = {path.name: path for path in files}

    def resolve(text: str) -> Path | None:
        return by_name.get(PurePosixPath(text.replace("\\", "/")).name)

    return resolve


def _target(entry: zipfile.ZipInfo, root: Path, archive: str) -> Path | None:
    """Where an entry belongs; None for what nobody means to send."""
    name = entry.filename.replace("\\", "/")
    if not entry.flag_bits & 0x800:  # not marked as UTF-8, though many programs write it unmarked
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or "\0" in name or any(":" in part for part in parts):
        raise PairError(f'"{archive}" holds a path that leads out of it ("{name}"): make it again.')
    if any(part.startswith(".") or part == "__MACOSX" for part in parts):
        return None
    target = root.joinpath(*parts)
    if not target.resolve().is_relative_to(root):
        raise PairError(f'"{archive}" holds a path that leads out of it ("{name}"): make it again.')
    return target


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


def _unpack(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Writes one entry; returns how many bytes may still come, below 0 once that is too many."""
    if shutil.disk_usage(target.parent).free < entry.file_size:
        raise PairError("There is not enough disk space to unpack the archive.")
    with opened.open(entry) as source, target.open("wb") as sink:
        while block := source.read(_BLOCK_BYTES):
            left -= len(block)
            if left < 0:
                return left
            sink.write(block)
    return left
