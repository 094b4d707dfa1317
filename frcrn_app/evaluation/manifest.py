"""Pairs that a CSV file lists, and which files its cells mean."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePath

from frcrn_app.errors import PairError
from frcrn_app.evaluation.encodings import encoding_of
from frcrn_app.evaluation.listing import SoundFile
from frcrn_app.evaluation.pairing import (
    NOISY,
    Pair,
    PairSet,
    Unpaired,
    check_system_names,
    is_same_file,
)

MAX_MANIFEST_BYTES = 32 << 20
MAX_MANIFEST_ROWS = 100_000
MAX_MANIFEST_CELLS = 1_000_000

# What a column may be called; the first that is there counts, none of them is a system.
_ROLES = {
    "clean": ("clean", "reference", "ref", "target", "clean_path", "clean_file"),
    "noisy": ("noisy", "mix", "mixture", "input", "noisy_path", "noisy_file"),
    "group": ("group", "condition", "category"),
    "name": ("name", "id", "file"),
    "cluster": ("cluster", "speaker", "speaker_id", "session", "session_id"),
    "text": ("text", "transcript", "transcription", "sentence"),
}
Resolve = Callable[[str], Path | None]


def pair_manifest(manifest: str | os.PathLike, resolve: Resolve | None = None) -> PairSet:
    """Pairs of a CSV file with a column `noisy` and others that are optional.

    `clean` (an empty cell leaves the pair without one), `group`, `name`, `speaker` or `session`
    (files that share one are not independent: statistics take them together) and `text` (what is
    said, for the word error rate). Every other column is a system, its cells the files that the
    system made. Cells are paths, by default below the manifest's own folder or absolute, with `/`
    or `\\`. Commas, semicolons and tabs separate. A line whose files are missing, in doubt, or the
    same is listed as unpaired.

    Args:
        manifest: the CSV file, in UTF-8 or an encoding that its bytes give away.
        resolve: turns a cell into a path, or None where there is no such file; raises PairError
            where it could mean several.

    Raises:
        PairError: if the file cannot be read, has no column `noisy`, or no line can be used.
    """
    manifest = Path(manifest)
    lines = _lines(manifest)
    _, header = next(lines, (0, None))
    if header is None:
        raise PairError("evaluation.manifest_empty", manifest=manifest)
    found = _Found(manifest, header, resolve or inside(None, manifest.parent))
    for number, cells in lines:
        found.take(number, cells)
    return found.pair_set()


class _Found:
    """What the lines of a manifest have given so far."""

    def __init__(self, manifest: Path, header: Sequence[str], resolve: Resolve):
        self._manifest, self._resolve = manifest, resolve
        self._columns = _columns(header, manifest)
        roles = {word for words in _ROLES.values() for word in words}
        self._systems = {
            name: index
            for index, name in enumerate(header)
            if name and name.casefold() not in roles
        }
        check_system_names(self._systems)
        self._pairs: list[Pair] = []
        self._unpaired: list[Unpaired] = []
        self._seen: dict[str, int] = defaultdict(int)

    def take(self, number: int, cells: Sequence[str]) -> None:
        """A line's pair, or why it is none."""

        def cell(column: int | None) -> str:
            return cells[column] if column is not None and column < len(cells) else ""

        columns = self._columns
        noisy_cell, clean_cell = cell(columns["noisy"]), cell(columns["clean"])
        noisy = self._file(number, NOISY, noisy_cell)
        clean = self._file(number, "clean", clean_cell) if clean_cell else None
        if noisy is None or (clean_cell and clean is None):
            return
        if clean is not None and is_same_file(noisy, clean):
            same = PairError("evaluation.same_file", name=clean_cell)
            self._leave_out(number, NOISY, noisy_cell, same)
            return
        made = {name: self._file(number, name, cell(at)) for name, at in self._systems.items()}
        name = cell(columns["name"]) or re.split(r"[/\\]", noisy_cell)[-1].rsplit(".", 1)[0]
        self._seen[name] += 1
        if self._seen[name] > 1:
            name = f"{name} ({number})"
        self._pairs.append(
            Pair(
                name,
                noisy,
                clean,
                {system: path for system, path in made.items() if path is not None},
                group=cell(columns["group"]) or None,
                cluster=cell(columns["cluster"]) or None,
                text=cell(columns["text"]) or None,
            )
        )

    def _file(self, number: int, role: str, text: str) -> Path | None:
        """The file that a cell means; where there is none, that is listed."""
        reason = PairError("evaluation.no_such_file" if text else "evaluation.empty_cell")
        path = None
        if text:
            try:
                path = self._resolve(text)
            except PairError as error:
                reason = error
        if path is None:
            self._leave_out(number, role, text, reason)
        return path

    def _leave_out(self, number: int, role: str, text: str, reason: PairError) -> None:
        at_line = PairError("evaluation.line", number=number, problem=reason)
        name = text or f"{self._manifest.name}:{number}"
        self._unpaired.append(Unpaired(name, role, at_line))

    def pair_set(self) -> PairSet:
        """All of it; raises PairError where no line can be used."""
        if self._pairs:
            return PairSet(tuple(self._pairs), tuple(self._systems), tuple(self._unpaired))
        if not self._unpaired:
            raise PairError("evaluation.manifest_no_lines", manifest=self._manifest)
        first = self._unpaired[0]
        raise PairError(
            "evaluation.manifest_unusable",
            manifest=self._manifest,
            name=first.name,
            problem=first.reason,
        )


def inside(roots: Iterable[Path] | None, base: Path) -> Resolve:
    """For `pair_manifest`: cells as paths below `base`, None for what lies outside all roots."""
    limits = None if roots is None else [root.resolve() for root in roots]

    def resolve(text: str) -> Path | None:
        for spelling in (text, text.replace("\\", "/")):
            path = base / spelling
            try:
                if not path.is_file():
                    continue
                real = path.resolve()
            except (OSError, ValueError):
                continue
            if limits is None or any(real.is_relative_to(limit) for limit in limits):
                return path if limits is None else real
        return None

    return resolve


def among(files: Iterable[Path | SoundFile]) -> Resolve:
    """For `pair_manifest`: cells matched to files by as much of both paths as there is.

    Uploads have no path but their name. A cell and a file go together where the shorter of both
    paths ends the longer one; of several such files the one counts that shares most. Resolving
    raises PairError where more than one shares as much.
    """
    by_name: dict[str, list[tuple[tuple[str, ...], Path]]] = defaultdict(list)
    for file in files:
        relative, path = (
            (file.relative, file.path) if isinstance(file, SoundFile) else (file.name, file)
        )
        parts = _parts(relative)
        if (parts, path) not in by_name[parts[-1]]:
            by_name[parts[-1]].append((parts, path))

    def resolve(text: str) -> Path | None:
        wanted = _parts(text)
        if not wanted:
            return None
        shared: dict[int, list[tuple[tuple[str, ...], Path]]] = defaultdict(list)
        for parts, path in by_name.get(wanted[-1], ()):
            length = min(len(parts), len(wanted))
            if parts[-length:] == wanted[-length:]:
                shared[length].append((parts, path))
        if not shared:
            return None
        best = shared[max(shared)]
        exact = [path for parts, path in best if parts == wanted]
        if exact:
            return exact[0]
        if len(best) > 1:
            names = ", ".join("/".join(parts) for parts, _ in best[:3])
            raise PairError("evaluation.ambiguous", name=text, names=names)
        return best[0][1]

    return resolve


def first_of(*resolvers: Resolve) -> Resolve:
    """For `pair_manifest`: what the first of several ways finds."""

    def resolve(text: str) -> Path | None:
        return next((found for way in resolvers if (found := way(text)) is not None), None)

    return resolve


def _parts(path: str) -> tuple[str, ...]:
    parts = re.sub(r"^[A-Za-z]:(?=[/\\])", "", path.strip()).replace("\\", "/").split("/")
    return tuple(part for part in parts if part not in ("", "."))


def _columns(header: Sequence[str], manifest: PurePath) -> dict[str, int | None]:
    """The column of each role, None where there is none."""
    for name in header:
        if name and header.count(name) > 1:
            raise PairError("evaluation.column_twice", manifest=manifest, column=name)
    lower = [name.casefold() for name in header]
    columns = {
        role: next((lower.index(name) for name in names if name in lower), None)
        for role, names in _ROLES.items()
    }
    if columns["noisy"] is None:
        raise PairError("evaluation.no_noisy_column", manifest=manifest)
    return columns


def _lines(manifest: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers; cells without spaces around them."""
    text = _text(manifest)
    first = re.split(r"[\r\n]", text.lstrip(), maxsplit=1)[0]
    named = re.fullmatch(r"sep=(.)", first)  # a line of Excel's
    delimiter = named[1] if named else max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    lines = cells = 0
    try:
        for row in reader:
            cells += len(row)
            if cells > MAX_MANIFEST_CELLS:
                raise PairError(
                    "evaluation.manifest_cells", manifest=manifest, most=MAX_MANIFEST_CELLS
                )
            stripped = [cell.strip() for cell in row]
            if not any(stripped) or (named and reader.line_num == 1):
                continue
            lines += 1
            if lines > MAX_MANIFEST_ROWS:
                raise PairError(
                    "evaluation.manifest_rows", manifest=manifest, most=MAX_MANIFEST_ROWS
                )
            yield reader.line_num, stripped
    except csv.Error as error:
        raise PairError(
            "evaluation.manifest_not_csv", manifest=manifest, reason=str(error)
        ) from None


def _text(manifest: Path) -> str:
    """In UTF-8, or in the system's code page, as Excel saves it."""
    try:
        with manifest.open("rb") as file:
            content = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise PairError(
            "evaluation.manifest_unreadable", manifest=manifest, reason=error
        ) from error
    if len(content) > MAX_MANIFEST_BYTES:
        raise PairError(
            "evaluation.manifest_bytes", manifest=manifest, most=MAX_MANIFEST_BYTES / 2**20
        )
    encoding = encoding_of(content)
    if encoding is None:
        raise PairError("evaluation.manifest_encoding", manifest=manifest)
    return content.decode(encoding)
