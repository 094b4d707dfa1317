"""The report as one HTML file: no script, no font and no picture from elsewhere."""

from __future__ import annotations

from html import escape
from pathlib import Path

from frcrn_app.evaluation import NOISY, Evaluation, Summary
from frcrn_app.report import fragments
from frcrn_app.report.texts import WORDS, Words

_STYLE_FILE = Path(__file__).parent / "page.css"


def html_text(evaluation: Evaluation, summary: Summary, language: str = "en") -> str:
    """The whole page; opens offline and prints on A4."""
    words = WORDS[language]
    groupings = [
        _section(
            words[f"by_{grouping}"],
            fragments.group_table(evaluation, summary, grouping, words),
            fragments.group_note(evaluation, words),
        )
        for grouping in summary.groups
    ]
    parts = [
        _head(evaluation, words),
        f'<p class="method">{escape(fragments.method(evaluation, summary, words))}</p>',
        fragments.warnings(evaluation, words),
        fragments.tiles(evaluation, summary, words),
        _section(
            words["summary"],
            fragments.summary_table(evaluation, summary, words),
            fragments.summary_note(words),
        ),
        _section(words["pictures"], fragments.pictures(evaluation, summary, words)),
        _section(
            words["side_by_side"],
            fragments.comparison_table(summary, words),
            fragments.comparison_note(summary, words),
        ),
        *groupings,
        _section(words["metrics"], fragments.metric_table(evaluation.metrics, words)),
        _section(words["files"], fragments.file_table(evaluation, words)),
        _section(words["not_scored"], fragments.problem_tables(evaluation, words)),
        _section(words["provenance"], fragments.provenance_table(evaluation, summary, words)),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        f'<!doctype html>\n<html lang="{words["lang"]}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{words['title']}</title>\n"
        f"<style>\n{_STYLE_FILE.read_text(encoding='utf-8')}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _head(evaluation: Evaluation, words: Words) -> str:
    systems = [system for system in evaluation.systems if system != NOISY]
    compared = words["against"].format(systems=words["list"].join(systems))
    facts = [
        compared if systems else words["alone"],
        words["files_counted"].format(n=len(evaluation.rows)),
        evaluation.provenance["date"].replace("T", " ").replace("+00:00", " UTC"),
        f"frcrn_app {evaluation.provenance['versions']['frcrn_app']}",
    ]
    return f"<header><h1>{words['title']}</h1><p>{escape(' · '.join(facts))}</p></header>"


def _section(title: str, body: str, note: str = "") -> str:
    if not body:
        return ""
    lead = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>{lead}{body}</section>"
