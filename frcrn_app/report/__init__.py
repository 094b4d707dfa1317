"""An evaluation as CSV, JSON, Markdown, LaTeX, and one HTML page that plays, prints and is offline.

All are made from the same rows and the same summary, so their figures agree. None of them names a
path, a user or a host. `part` gives the HTML page's parts one by one, for the demo.

Pictures are SVG drawn by matplotlib, in the report and on the page: plotly would need a browser to
draw a still picture, or a megabyte of script in every report.
"""

from __future__ import annotations

import os
from pathlib import Path

from frcrn_app.errors import PairError
from frcrn_app.evaluation import Evaluation, Summary
from frcrn_app.files import atomic_path
from frcrn_app.i18n import LANGUAGES
from frcrn_app.listening import Listened
from frcrn_app.report.colours import colour_css, system_colours
from frcrn_app.report.exports import latex_text, markdown_text
from frcrn_app.report.page import PARTS, html_text, listening_part, part
from frcrn_app.report.pictures import distribution_picture, gain_picture, group_picture
from frcrn_app.report.plays import Cleaner
from frcrn_app.report.reading import json_with_listening, read_json
from frcrn_app.report.tables import as_json, csv_text, json_text, table
from frcrn_app.report.verdict import headline_metrics
from frcrn_app.report.words import Words

__all__ = [
    "LANGUAGES",
    "PARTS",
    "Words",
    "as_json",
    "colour_css",
    "csv_text",
    "distribution_picture",
    "gain_picture",
    "group_picture",
    "headline_metrics",
    "html_text",
    "json_text",
    "json_with_listening",
    "latex_text",
    "listening_part",
    "markdown_text",
    "part",
    "read_json",
    "system_colours",
    "table",
    "write_reports",
    "write_text",
]


def write_reports(
    evaluation: Evaluation,
    summary: Summary,
    *,
    csv: str | os.PathLike | None = None,
    json: str | os.PathLike | None = None,
    html: str | os.PathLike | None = None,
    markdown: str | os.PathLike | None = None,
    latex: str | os.PathLike | None = None,
    language: str = "en",
    cleaner: Cleaner | None = None,
    listened: Listened | None = None,
) -> list[Path]:
    """Write the reports that are named, each whole or not at all; returns their paths.

    Args:
        evaluation, summary: what they are about; for the HTML page to play, the evaluation's files
            must still be there.
        csv: a line a file, with the byte order mark that Excel wants.
        json: everything, with versions and settings.
        html: the page.
        markdown, latex: the summary table.
        language: of the page and of the summary table, "en" or "zh".
        cleaner: for the page, makes again what our own network made where it was not kept: a
            Denoiser, or what calls one.
        listened: what a listening test has come to.

    Raises:
        PairError: a file cannot be written.
    """
    written = []
    if csv is not None:
        written.append(write_text(csv, csv_text(evaluation, listened), "utf-8-sig"))
    if json is not None:
        written.append(write_text(json, json_text(evaluation, summary, listened)))
    if html is not None:
        page = html_text(evaluation, summary, language, cleaner=cleaner, listened=listened)
        written.append(write_text(html, page))
    if markdown is not None:
        text = markdown_text(evaluation, summary, language, listened)
        written.append(write_text(markdown, text))
    if latex is not None:
        text = latex_text(evaluation, summary, language, listened)
        written.append(write_text(latex, text))
    return written


def write_text(path: str | os.PathLike, text: str, encoding: str = "utf-8") -> Path:
    """Write a file whole or not at all; raises PairError where it cannot be written."""
    try:
        with atomic_path(path) as draft:
            draft.write_text(text, encoding=encoding, newline="\n")
    except OSError as error:
        raise PairError("report.cannot_write", path=Path(path), reason=error) from error
    return Path(path)
