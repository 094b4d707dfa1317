"""Which files the cells of a manifest mean."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from frcrn_app.errors import PairError
from frcrn_app.evaluation.listing import SoundFile

# Turns a cell into a path, or None where there is no such file; raises PairError where it could
# mean several.
Resolve = Callable[[str], Path | None]


def inside(roots: Iterable[Path] | None, base: Path) -> Resolve:
    """Cells as paths below `base`, None for what lies outside all roots."""
    limits = None if roots is None else [root.resolve() for root in roots]

    def resolve(text: str) -> Path | None:
        slashed = text.replace("\\", "/")
        composed = (unicodedata.normalize(form, slashed) for form in ("NFC", "NFD"))
        for spelling in dict.fromkeys((text, slashed, *composed)):
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
    """Cells matched to files by as much of both paths as there is.

    Uploads have no path but their name. A cell and a file go together where the shorter of both
    paths ends the longer one, in upper or lower case; of several such files the one counts that
    shares most, and of these the one in the same case. Resolving raises PairError where more than
    one shares as much.
    """
    by_name: dict[str, list[tuple[tuple[str, ...], Path]]] = defaultdict(list)
    for file in files:
        relative, path = (
            (file.relative, file.path) if isinstance(file, SoundFile) else (file.name, file)
        )
        parts = parts_of(relative)
        found = by_name[parts[-1].casefold()]
        if (parts, path) not in found:
            found.append((parts, path))

    def resolve(text: str) -> Path | None:
        wanted = parts_of(text)
        if not wanted:
            return None
        shared: dict[int, list[tuple[tuple[str, ...], Path]]] = defaultdict(list)
        for parts, path in by_name.get(wanted[-1].casefold(), ()):
            length = min(len(parts), len(wanted))
            if _folded(parts[-length:]) == _folded(wanted[-length:]):
                shared[length].append((parts, path))
        if not shared:
            return None
        length = max(shared)
        best = [(p, path) for p, path in shared[length] if p[-length:] == wanted[-length:]]
        best = best or shared[length]
        exact = [path for parts, path in best if parts == wanted]
        if exact:
            return exact[0]
        if len(best) > 1:
            names = ", ".join("/".join(parts) for parts, _ in best[:3])
            raise PairError("evaluation.ambiguous", name=text, names=names)
        return best[0][1]

    return resolve


def first_of(*resolvers: Resolve) -> Resolve:
    """What the first of several ways finds."""

    def resolve(text: str) -> Path | None:
        return next((found for way in resolvers if (found := way(text)) is not None), None)

    return resolve


def parts_of(path: str) -> tuple[str, ...]:
    """A path's parts, accents composed: archives from a Mac have them apart from their letters."""
    path = unicodedata.normalize("NFC", path.strip())
    parts = re.sub(r"^[A-Za-z]:(?=[/\\])", "", path).replace("\\", "/").split("/")
    return tuple(part for part in parts if part not in ("", "."))


def _folded(parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.casefold() for part in parts)
