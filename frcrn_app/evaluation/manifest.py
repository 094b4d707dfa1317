"""Pairs that a CSV file lists."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import compress, takewhile
from pathlib import Path, PurePath

from frcrn_app.errors import PairError
from frcrn_app.evaluation.pairing import (
    NOISY,
    Pair,
    PairSet,
    Unpaired,
    check_system_names,
    is_same_file,
)
from frcrn_app.evaluation.resolving import Resolve, inside, parts_of
from frcrn_app.evaluation.tables import lines_of

# What a column may be called; the first that is there counts, none of them is a system.
_ROLES = {
    "clean": ("clean", "reference", "ref", "target", "clean_path", "clean_file"),
    "noisy": ("noisy", "mix", "mixture", "input", "noisy_path", "noisy_file"),
    "group": ("group", "condition", "category"),
    "name": ("name", "id", "file"),
    "cluster": ("cluster", "speaker", "speaker_id", "session", "session_id"),
    "text": ("text", "transcript", "transcription", "sentence"),
}
_NO_FILE = ("evaluation.no_such_file", "evaluation.empty_cell")


def pair_manifest(manifest: str | os.PathLike, resolve: Resolve | None = None) -> PairSet:
    """Pairs of a CSV file with a column `noisy` and others that are optional.

    `clean` (an empty cell leaves the pair without one), `group`, `name`, `speaker` or `session`
    (files that share one are not independent: statistics take them together) and `text` (what is
    said, for the word error rate). Every other column is a system, its cells the files that the
    system made. Cells are paths, by default below the manifest's own folder or absolute, with `/`
    or `\\`. Commas, semicolons, tabs and bars separate. A line whose files are missing, in doubt or
    the same is listed as unpaired, and so is, once, a column in which no cell is a file.

    Args:
        manifest: the CSV file, in UTF-8 or an encoding that its bytes give away.
        resolve: turns a cell into a path, or None where there is no such file; raises PairError
            where it could mean several.

    Raises:
        PairError: if the file cannot be read, has no column `noisy`, or no line can be used.
    """
    manifest = Path(manifest)
    lines = lines_of(manifest, _ROLES["noisy"])
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
        self._origins: list[tuple[int, str]] = []  # line and noisy cell of each
        self._unpaired: list[Unpaired] = []
        self._wrong: set[str] = set()  # roles with cells that are files, but not the right ones

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
        sources = {noisy_cell: noisy} | ({} if clean is None else {clean_cell: clean})
        made = {
            name: self._made(number, name, cell(at), sources) for name, at in self._systems.items()
        }
        self._origins.append((number, noisy_cell))
        self._pairs.append(
            Pair(
                cell(columns["name"]) or parts_of(_path(noisy_cell))[-1],
                noisy,
                clean,
                {system: path for system, path in made.items() if path is not None},
                group=cell(columns["group"]) or None,
                cluster=cell(columns["cluster"]) or None,
                text=cell(columns["text"]) or None,
            )
        )

    def _made(
        self, number: int, system: str, text: str, sources: Mapping[str, Path]
    ) -> Path | None:
        """The file that a system made: none that another cell means, unless both say the same."""
        path = self._file(number, system, text)
        for cell, source in sources.items():
            if path is not None and cell != text and is_same_file(path, source):
                same = PairError("evaluation.same_made", name=text, other=cell)
                self._leave_out(number, system, text, same)
                return None
        return path

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
        if reason.code not in _NO_FILE:
            self._wrong.add(role)
        at_line = PairError("evaluation.line", number=number, problem=reason)
        name = text or f"{self._manifest.name}:{number}"
        self._unpaired.append(Unpaired(name, role, at_line))

    def pair_set(self) -> PairSet:
        """All of it; raises PairError where no line can be used."""
        if self._pairs:
            made = {name for pair in self._pairs for name in pair.systems}
            systems = tuple(name for name in self._systems if name in made)
            return PairSet(self._named(), systems, self._left_out(made))
        if not self._unpaired:
            raise PairError("evaluation.manifest_no_lines", manifest=self._manifest)
        first = self._unpaired[0]
        raise PairError(
            "evaluation.manifest_unusable",
            manifest=self._manifest,
            name=first.name,
            problem=first.reason,
        )

    def _left_out(self, made: Collection[str]) -> tuple[Unpaired, ...]:
        """What is unpaired; a column without any file, such as one of numbers, only once."""
        idle = [name for name in self._systems if name not in made and name not in self._wrong]
        reason = PairError("evaluation.no_system")
        return (
            *(item for item in self._unpaired if item.role not in idle),
            *(Unpaired(self._manifest.name, name, reason) for name in idle),
        )

    def _named(self) -> tuple[Pair, ...]:
        """Pairs under names that none shares: with the folders that differ, else with their lines.

        What all of their paths begin with stays out of it, as it may tell whose computer it is.
        """
        often = Counter(pair.name for pair in self._pairs)
        paths = [parts_of(_path(noisy_cell)) for _, noisy_cell in self._origins]
        alike = [
            often[pair.name] > 1 and pair.name == path[-1]
            for pair, path in zip(self._pairs, paths, strict=True)
        ]
        levels = zip(*(path[:-1] for path in compress(paths, alike)), strict=False)
        shared = sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, levels))
        named: dict[str, Pair] = {}
        for pair, path, (number, _), is_alike in zip(
            self._pairs, paths, self._origins, alike, strict=True
        ):
            name = "/".join(path[shared:]) if is_alike else pair.name
            while name in named:
                name = f"{name} ({number})"
            named[name] = replace(pair, name=name)
        return tuple(named.values())


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


def _path(cell: str) -> str:
    """A cell's path with "/" and without its suffix."""
    folder, slash, name = cell.replace("\\", "/").rpartition("/")
    return f"{folder}{slash}{name.rsplit('.', 1)[0]}"
