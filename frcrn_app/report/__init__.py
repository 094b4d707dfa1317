"""An evaluation as CSV (a line a file), as JSON (everything) and as one HTML page that prints.

All three are made from the same rows and the same summary, so their figures agree. None of them
names a path, a user or a host.
"""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path

from frcrn_app.errors import PairError
from frcrn_app.evaluation import Evaluation, Summary
from frcrn_app.report.page import html_text
from frcrn_app.report.tables import as_json, csv_text, json_text, table
from frcrn_app.report.texts import WORDS

LANGUAGES = tuple(WORDS)  # of the HTML page

__all__ = [
    "LANGUAGES",
    "as_json",
    "csv_text",
    "html_text",
    "json_text",
    "table",
    "write_reports",
]


def write_reports(
    evaluation: Evaluation,
    summary: Summary,
    *,
    csv: str | os.PathLike | None = None,
    json: str | os.PathLike | None = None,
    html: str | os.PathLike | None = None,
    language: str = "en",
) -> list[Path]:
    """Write the reports that are named, each whole or not at all; returns their paths.

    Raises PairError if a file cannot be written.
    """
    written = []
    if csv is not None:
        written.append(_write(csv, csv_text(evaluation)))
    if json is not None:
        written.append(_write(json, json_text(evaluation, summary)))
    if html is not None:
        written.append(_write(html, html_text(evaluation, summary, language)))
    return written


def _write(path: str | os.PathLike, text: str) -> Path:
    path = Path(path)
    part = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex[:8]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise PairError(f'"{path}" cannot be written ({error.strerror}).') from error
    return path
