"""What a batch gives back: the results in one archive, their scores as a table."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from frcrn_app.evaluation import inert
from frcrn_app.files import atomic_path
from frcrn_app.web.batch.names import result_names
from frcrn_app.web.batch.row import Row
from frcrn_app.web.guard import GuardError

if TYPE_CHECKING:
    from frcrn_app.web.batch.batch import Batch
    from frcrn_app.web.guard import Guard

ARCHIVE = "cleaned.zip"
SCORES = "scores.csv"
ENCODING = "utf-8-sig"  # with the byte order mark that Excel wants

_SCORES = ("SIG", "BAK", "OVRL")  # of DNSMOS


def scores_csv(batch: Batch) -> str:
    """A line a file: what became of it, DNSMOS before and after, and what is to be said about it.

    Text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    names = named_results(batch)
    columns = ["file", "result", "status", "seconds"]
    columns += [f"{version}.{key}" for version in ("original", "cleaned") for key in _SCORES]
    columns += ["loudness_lufs", "problem", "notes"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in list(batch.rows):
        shown = row.shown(0, "en")
        scores = shown["scores"] or {}
        values = [
            scores.get(version, {}).get(key)
            for version in ("original", "cleaned")
            for key in _SCORES
        ]
        line = [
            shown["name"],
            names[row].as_posix() if row in names else None,
            shown["state"],
            shown["seconds"],
            *values,
            shown["loudness"],
            shown["message"] or scores.get("error"),
            " ".join(shown["notes"]),
        ]
        writer.writerow([inert(cell) for cell in line])
    return text.getvalue()


def named_results(batch: Batch) -> dict[Row, PurePosixPath]:
    """Results of a batch, and their names in the tree that the recordings came in."""
    rows = [(row, row.result) for row in batch.finished() if row.result is not None]
    names = result_names((row.name, result.suffix) for row, result in rows)
    return {row: name for (row, _), name in zip(rows, names, strict=True)}


def write_archive(batch: Batch, guard: Guard) -> Path:
    """A zip of all results, in their tree, with their scores; made anew on each request.

    Raises:
        GuardError: there is no room for it.
    """
    names = named_results(batch)
    results = [(row.result, name) for row, name in names.items() if row.result is not None]
    if sum(result.stat().st_size for result, _ in results) > guard.disk.room():
        raise GuardError("guard.disk_full")
    target = batch.folder / ARCHIVE
    with (
        atomic_path(target) as draft,
        # Audio files do not become smaller.
        zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive,
    ):
        for result, name in results:
            archive.write(result, name.as_posix())
        archive.writestr(SCORES, scores_csv(batch).encode(ENCODING), zipfile.ZIP_DEFLATED)
    return target
