"""Which clean sound belongs to which noisy one, and which file each system made of it."""

from __future__ import annotations

import csv
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from frcrn_app.audio import AUDIO_SUFFIXES
from frcrn_app.errors import PairError

NOISY = "noisy"  # the name that the unprocessed sound has among the systems
MAX_MANIFEST_ROWS = 100_000

_ROLE_WORDS = (
    "clean|noisy|noise|mix|mixture|enh|enhanced|denoised|cleaned|processed|out|output|est|"
    "estimate|ref|reference|target"
)
_AFFIX = re.compile(rf"^(?:{_ROLE_WORDS})[\s_.-]+|[\s_.-]+(?:{_ROLE_WORDS})$")
_NOTHING = "no file goes with it"
_FILE_ID = re.compile(r"(?:^|[_\s-])fileid[_-]?(\d+)$")
_MANIFEST_ROLES = {
    "clean": ("clean", "reference", "ref", "target", "clean_path", "clean_file"),
    "noisy": ("noisy", "mix", "mixture", "input", "noisy_path", "noisy_file"),
    "group": ("group", "condition", "category"),
    "name": ("name", "id", "file"),
}


@dataclass(frozen=True)
class Pair:
    """One noisy sound with its clean one, where there is one, and what systems made of it."""

    name: str  # unique in its set
    noisy: Path
    clean: Path | None = None
    systems: Mapping[str, Path] = field(default_factory=dict)  # may lack some of the set's systems
    group: str | None = None


@dataclass(frozen=True)
class Unpaired:
    """A file, or a line of a manifest, that found no partner, and why."""

    name: str
    role: str  # "clean", "noisy" or the system's name
    reason: str


@dataclass(frozen=True)
class PairSet:
    """What is to be scored, in a fixed order, and what had to be left out."""

    pairs: tuple[Pair, ...]
    systems: tuple[str, ...] = ()  # besides the noisy sound itself, in the order given
    unpaired: tuple[Unpaired, ...] = ()


@dataclass(frozen=True)
class SoundFile:
    """A file under the folder, archive or upload that it came in."""

    path: Path
    relative: str  # below that folder, with "/", such as "cafe/p232_001.wav"

    @property
    def stem(self) -> str:
        return self.relative.rsplit("/", 1)[-1].rsplit(".", 1)[0]

    @property
    def relative_stem(self) -> str:
        folder, slash, _ = self.relative.rpartition("/")
        return f"{folder}{slash}{self.stem}"


def list_sounds(folder: str | os.PathLike, within: Iterable[Path] | None = None) -> list[SoundFile]:
    """Sound files of a folder and its subfolders, sorted by their relative path.

    Hidden files and folders and those that macOS adds to archives are passed over, and so are
    links that lead out of all folders `within`, where that is given. Raises PairError if there is
    no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise PairError(f'There is no folder "{folder}": check the path.')
    limits = None if within is None else [Path(limit).resolve() for limit in within]
    found = []
    for parent, subfolders, names in os.walk(root, followlinks=limits is None):
        subfolders[:] = [name for name in subfolders if not _is_junk(name)]
        for name in names:
            path = Path(parent, name)
            if _is_junk(name) or path.suffix.lower() not in AUDIO_SUFFIXES or not path.is_file():
                continue
            resolved = path.resolve()
            if limits is None or any(resolved.is_relative_to(limit) for limit in limits):
                found.append(SoundFile(path, path.relative_to(root).as_posix()))
    return sorted(found, key=lambda file: _natural(file.relative))


def pair_folders(
    noisy: str | os.PathLike,
    clean: str | os.PathLike | None = None,
    systems: Mapping[str, str | os.PathLike] | None = None,
) -> PairSet:
    """Pairs of folders; see `pair_files`. Raises PairError where nothing can be paired."""
    return pair_files(
        list_sounds(noisy),
        None if clean is None else list_sounds(clean),
        {name: list_sounds(folder) for name, folder in (systems or {}).items()},
    )


def pair_files(
    noisy: Sequence[SoundFile],
    clean: Sequence[SoundFile] | None = None,
    systems: Mapping[str, Sequence[SoundFile]] | None = None,
) -> PairSet:
    """Pairs noisy files with clean files and with those of each system.

    Partners have the same path below their folder, or else the same stem, or else the same stem
    once words such as clean_, noisy_ or _enh are taken off either end, or else the same number in
    `*_fileid_N`. One clean file may serve several noisy ones (one a noise level, say), unless only
    a pattern relates them; a system's file serves one. Without clean files (None) all pairs lack
    one, and only scores that need none can be given. The group of a pair is the first folder of
    the noisy file's path, if the noisy files lie in several.

    Raises:
        PairError: if there are no noisy files, if a system's name is taken, or if nothing pairs.
    """
    systems = dict(systems or {})
    _check_system_names(systems)
    if not noisy:
        raise PairError("There is no noisy sound file: check the folder and the files' suffixes.")
    if clean is not None and not clean:
        raise PairError("There is no clean sound file: check the folder and the files' suffixes.")

    unpaired: list[Unpaired] = []
    kept = list(noisy)
    clean_of: dict[SoundFile, SoundFile] = {}
    if clean is not None:
        clean_of, lost = _match(noisy, clean, shared=True)
        unpaired += [Unpaired(file.relative, NOISY, reason) for file, reason in lost.items()]
        kept = [file for file in noisy if file in clean_of]
        used = set(clean_of.values())
        unpaired += [
            Unpaired(file.relative, "clean", "no noisy file goes with it")
            for file in clean
            if file not in used
        ]
    made_of: dict[str, dict[SoundFile, SoundFile]] = {}
    for name, files in systems.items():
        made_of[name], lost = _match(kept, files, shared=False)
        used = set(made_of[name].values())
        unpaired += [
            Unpaired(file.relative, name, "no noisy file goes with it")
            for file in files
            if file not in used
        ]
        unpaired += [
            Unpaired(
                file.relative,
                name,
                "this system has no file for it" if reason == _NOTHING else reason,
            )
            for file, reason in lost.items()
        ]
        if not made_of[name]:
            raise PairError(
                f'No file of "{name}" goes with a noisy file: give both the same names.'
            )
    if not kept:
        raise PairError(
            "No noisy file goes with a clean one: give both the same names, such as "
            "clean/a.wav and noisy/a.wav."
        )
    groups = {file: file.relative.split("/", 1)[0] for file in kept if "/" in file.relative}
    if len(set(groups.values())) < 2:
        groups = {}
    names = _unique_names(kept)
    pairs = tuple(
        Pair(
            name=names[file],
            noisy=file.path,
            clean=clean_of[file].path if clean is not None else None,
            systems={s: made[file].path for s, made in made_of.items() if file in made},
            group=groups.get(file),
        )
        for file in kept
    )
    return PairSet(pairs, tuple(systems), tuple(unpaired))


def pair_manifest(
    manifest: str | os.PathLike,
    resolve: Callable[[str], Path | None] | None = None,
) -> PairSet:
    """Pairs of a CSV file with a column `noisy` and, optionally, `clean`, `group` and `name`.

    Every other column is a system, its cells the files that the system made. Cells are paths, by
    default below the manifest's own folder or absolute; an empty clean cell leaves the pair
    without one. Commas, semicolons and tabs separate. A line whose files are missing is listed as
    unpaired.

    Args:
        manifest: the CSV file, UTF-8.
        resolve: turns a cell into a path, or None where there is no such file.

    Raises:
        PairError: if the file cannot be read, has no column `noisy`, or no line can be used.
    """
    manifest = Path(manifest)
    resolve = resolve or _below(manifest.parent)
    header, lines = _read_manifest(manifest)
    columns = {role: _column(header, names) for role, names in _MANIFEST_ROLES.items()}
    if columns["noisy"] is None:
        raise PairError(
            f'"{manifest.name}" has no column "noisy": its first line must name the columns, such '
            "as clean,noisy,group."
        )
    roles = set(columns.values())
    systems = {name: index for index, name in enumerate(header) if index not in roles and name}
    _check_system_names(systems)

    pairs, unpaired, seen = [], [], defaultdict(int)
    for number, cells in lines:

        def cell(column: int | None, cells=cells) -> str:
            return cells[column].strip() if column is not None and column < len(cells) else ""

        noisy_cell, clean_cell = cell(columns["noisy"]), cell(columns["clean"])
        files = {"clean": clean_cell, NOISY: noisy_cell}
        paths = {role: resolve(text) if text else None for role, text in files.items()}
        missing = [role for role, text in files.items() if text and paths[role] is None]
        if not noisy_cell:
            unpaired.append(Unpaired(f"line {number}", NOISY, "the cell is empty"))
            continue
        if missing:
            unpaired += [
                Unpaired(files[role], role, f"line {number}: there is no such file")
                for role in missing
            ]
            continue
        made = {}
        for system, index in systems.items():
            text = cell(index)
            path = resolve(text) if text else None
            if path is not None:
                made[system] = path
            else:
                reason = "there is no such file" if text else "the cell is empty"
                unpaired.append(Unpaired(text or noisy_cell, system, f"line {number}: {reason}"))
        name = cell(columns["name"]) or _stem(noisy_cell)
        seen[name] += 1
        if seen[name] > 1:
            name = f"{name} (line {number})"
        group = cell(columns["group"]) or None
        pairs.append(Pair(name, paths[NOISY], paths["clean"], made, group))
    if not pairs:
        first = f" ({unpaired[0].name}: {unpaired[0].reason})" if unpaired else ""
        raise PairError(f'No line of "{manifest.name}" can be used{first}: check its paths.')
    return PairSet(tuple(pairs), tuple(systems), tuple(unpaired))


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _natural(text: str) -> list[tuple[int, int | str]]:
    """Sorts fileid_2 before fileid_10."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]


def _stem(path: str) -> str:
    return re.split(r"[/\\]", path)[-1].rsplit(".", 1)[0]


def _without_affixes(file: SoundFile) -> str:
    stem = file.stem.casefold()
    while True:
        shorter = _AFFIX.sub("", stem)
        if shorter == stem or not shorter:
            return stem
        stem = shorter


def _file_id(file: SoundFile) -> str | None:
    found = _FILE_ID.search(_without_affixes(file))
    return str(int(found.group(1))) if found else None


# From the surest key to the least; whether the key is the name itself or a pattern of it.
_KEYS: tuple[tuple[Callable[[SoundFile], str | None], bool], ...] = (
    (lambda file: file.relative, False),
    (lambda file: file.relative_stem, False),
    (lambda file: file.stem, False),
    (_without_affixes, True),
    (_file_id, True),
)


def _match(
    files: Sequence[SoundFile], candidates: Sequence[SoundFile], *, shared: bool
) -> tuple[dict[SoundFile, SoundFile], dict[SoundFile, str]]:
    """The candidate of each file, and of each file without one the reason.

    A surer key goes first for all files, so that a pattern never takes what a name claims.
    """
    partner: dict[SoundFile, SoundFile] = {}
    reasons = dict.fromkeys(files, _NOTHING)
    taken: set[SoundFile] = set()
    for key, is_pattern in _KEYS:
        exclusive = is_pattern or not shared
        waiting = [file for file in files if file not in partner]
        free = [file for file in candidates if not (exclusive and file in taken)]
        claims, offers = defaultdict(list), defaultdict(list)
        for file in waiting:
            claims[key(file)].append(file)
        for file in free:
            offers[key(file)].append(file)
        for value, claimants in claims.items():
            offered = offers.get(value, [])
            if value is None or not offered:
                continue
            if len(offered) > 1:
                names = ", ".join(file.relative for file in offered[:3])
                reasons.update(dict.fromkeys(claimants, f"several files go with it: {names}"))
            elif exclusive and len(claimants) > 1:
                names = ", ".join(file.relative for file in claimants[:3])
                reason = f"{offered[0].relative} goes with several files: {names}"
                reasons.update(dict.fromkeys(claimants, reason))
            else:
                partner.update(dict.fromkeys(claimants, offered[0]))
                taken.add(offered[0])
    return partner, {file: reasons[file] for file in files if file not in partner}


def _unique_names(files: Sequence[SoundFile]) -> dict[SoundFile, str]:
    """Stems where they are unique, else relative stems, else relative paths."""
    for label in (lambda f: f.stem, lambda f: f.relative_stem, lambda f: f.relative):
        names = {file: label(file) for file in files}
        if len(set(names.values())) == len(files):
            return names
    # Uploads may repeat a name; number those.
    return {file: f"{file.relative} ({number})" for number, file in enumerate(files, 1)}


def _check_system_names(systems: Iterable[str]) -> None:
    for name in systems:
        if name.casefold() in (NOISY, "clean") or not name.strip():
            raise PairError(f'A system cannot be called "{name}": give it another name.')


def _below(folder: Path) -> Callable[[str], Path | None]:
    def resolve(text: str) -> Path | None:
        path = folder / text
        return path if path.is_file() else None

    return resolve


def _read_manifest(manifest: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and the lines that are not empty with their numbers."""
    try:
        text = manifest.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise PairError(f'"{manifest.name}" is not UTF-8 text: save it as CSV UTF-8.') from None
    except OSError as error:
        raise PairError(f'"{manifest.name}" cannot be read ({error.strerror}).') from error
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(text.splitlines(), delimiter=delimiter))
    except csv.Error as error:
        raise PairError(f'"{manifest.name}" is not a CSV file ({error}).') from None
    lines = [(n, row) for n, row in enumerate(rows, 1) if any(cell.strip() for cell in row)]
    if not lines:
        raise PairError(f'"{manifest.name}" is empty.')
    if len(lines) > MAX_MANIFEST_ROWS:
        raise PairError(f'"{manifest.name}" has more than {MAX_MANIFEST_ROWS:,} lines: split it.')
    header = [cell.strip() for cell in lines[0][1]]
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise PairError(f'"{manifest.name}" has several columns called "{min(twice)}".')
    return header, lines[1:]


def _column(header: Sequence[str], names: Sequence[str]) -> int | None:
    lower = [name.casefold() for name in header]
    return next((lower.index(name) for name in names if name in lower), None)
