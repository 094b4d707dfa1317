"""The report as one HTML file, and its parts for the demo: templates filled with plain values.

No script but its own player, no font and no picture from elsewhere: the file opens offline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from frcrn_app.evaluation import NOISY, Evaluation, Summary
from frcrn_app.listening import Listened
from frcrn_app.report import details, overview, verdict
from frcrn_app.report.caveats import caveats
from frcrn_app.report.colours import colour_css
from frcrn_app.report.heard import listening_section
from frcrn_app.report.method import method
from frcrn_app.report.pictures import pictures
from frcrn_app.report.plays import Cleaner, plays
from frcrn_app.report.words import Words

if TYPE_CHECKING:
    from jinja2 import Environment

MAX_BYTES = 8 * 2**20  # of the whole page

# What each part shows; `listen` stands in the page alone.
_PARTS: Mapping[str, Callable[..., dict]] = {
    "opening": lambda e, s, w: {"sentences": verdict.opening(e, s, w)},
    "caveats": lambda e, s, w: {"caveats": caveats(e, s, w)},
    "tiles": overview.tiles,
    "ranking": overview.ranking,
    "pictures": pictures,
    "summary": overview.summary_table,
    "comparison": details.comparison_table,
    "group": details.group_table,
    "files": details.file_table,
    "problems": details.problem_tables,
    "method": lambda e, s, w: {"method": method(e, s, w)},
    "metrics": details.metric_table,
    "provenance": details.provenance_table,
}
PARTS = tuple(_PARTS)


def part(
    name: str, evaluation: Evaluation, summary: Summary, language: str = "en", **options: object
) -> str:
    """One part of a report as HTML, empty if there is nothing to show.

    Args:
        name: one of PARTS.
        evaluation, summary: what it is about.
        language: "en" or "zh".
        options: of "group": `grouping`, a key of `summary.groups`, and `metrics`, if not the
            headline ones.
    """
    words = Words(language)
    shown = _PARTS[name](evaluation, summary, words, **options)
    return _render(f"{name}.html.j2", words, **shown)


def listening_part(listened: Listened, evaluation: Evaluation, language: str = "en") -> str:
    """The part about a listening test as HTML."""
    words = Words(language)
    return _render("heard.html.j2", words, **listening_section(listened, evaluation, words))


def html_text(
    evaluation: Evaluation,
    summary: Summary,
    language: str = "en",
    *,
    cleaner: Cleaner | None = None,
    listened: Listened | None = None,
) -> str:
    """The whole page; opens offline, follows dark mode and prints on A4.

    Args:
        evaluation, summary: what it is about.
        language: "en" or "zh".
        cleaner: makes again what our own network made, where no file of it was kept.
        listened: what a listening test of it has come to.
    """
    words = Words(language)
    parts = {name: part(name, evaluation, summary, language) for name in PARTS if name != "group"}
    groups = {
        grouping: part("group", evaluation, summary, language, grouping=grouping)
        for grouping in summary.groups
    }
    if listened is not None:
        parts["heard"] = listening_part(listened, evaluation, language)
    head = {
        "facts": _facts(evaluation, words),
        "style": _resource("page.css"),
        "colours": colour_css(":root"),
        "dark_colours": colour_css(":root", dark=True),
        "script": _resource("plays.js"),
    }
    page = _render("page.html.j2", words, parts=parts, groups=groups, listen="", **head)
    left = MAX_BYTES - len(page.encode()) - 50_000  # for the cards' own markup
    heard = plays(evaluation, words, left, cleaner)
    if not heard["cards"] and not heard["left_out"]:
        return page
    listen = _render("listen.html.j2", words, mib=MAX_BYTES // 2**20, **heard)
    return _render("page.html.j2", words, parts=parts, groups=groups, listen=listen, **head)


def _facts(evaluation: Evaluation, words: Words) -> list[str]:
    systems = [system for system in evaluation.systems if system != NOISY]
    return [
        words("against", systems=words("list").join(systems)) if systems else words("alone"),
        words("files_counted", count=len(evaluation.rows)),
        evaluation.provenance["date"].replace("T", " ").replace("+00:00", " UTC"),
        f"frcrn_app {evaluation.provenance['versions']['frcrn_app']}",
    ]


def _render(template: str, words: Words, **values: object) -> str:
    return _environment().get_template(template).render(t=words, **values).strip()


def _resource(name: str) -> str:
    return (files("frcrn_app.report") / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("frcrn_app.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
