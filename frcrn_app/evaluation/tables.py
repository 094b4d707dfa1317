"""The lines of a CSV file as people save it, with any usual separator and in any encoding."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path

from frcrn_app.errors import PairError
from frcrn_app.evaluation.encodings import encoding_of

MAX_MANIFEST_BYTES = 32 << 20
MAX_MANIFEST_ROWS = 100_000
MAX_MANIFEST_CELLS = 1_000_000

_SEPARATORS = ",;\t|"
_END = "\0end"  # after the last line, where an open quotation mark would swallow it


def lines_of(manifest: Path, expected: Collection[str]) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers; cells without spaces around them.

    Args:
        manifest: the CSV file, in UTF-8 or an encoding that its bytes give away.
        expected: names in lower case of which one stands in the first line; they tell the
            separator from those that a name itself may hold.

    Raises:
        PairError: it cannot be read, has too much of anything, or a quotation mark stays open.
    """
    text = _text(manifest)
    first = re.split(r"[\r\n]", text.lstrip(), maxsplit=1)[0]
    named = re.fullmatch(r"sep=(.)", first)  # a line of Excel's
    separator = named[1] if named else _separator(first, expected)
    reader = csv.reader(chain(io.StringIO(text, newline=""), [_END]), delimiter=separator)
    lines = cells = began = 0
    try:
        for row in reader:
            if row == [_END]:
                return
            if row and row[-1].endswith(_END):
                raise PairError("evaluation.manifest_quote", manifest=manifest, number=began + 1)
            began = reader.line_num
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


def _separator(first: str, expected: Collection[str]) -> str:
    """The one at which the first line falls into expected names, else the most frequent one."""

    def fits(separator: str) -> tuple[bool, int]:
        names = next(csv.reader([first], delimiter=separator), [])
        known = any(name.strip().casefold() in expected for name in names)
        return known, first.count(separator)

    return max(_SEPARATORS, key=fits)


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
