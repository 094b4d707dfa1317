"""The pages of listeners and owners: a frame with the site's head line, drawn by a module."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from frcrn_app.i18n import text
from frcrn_app.report import colour_css
from frcrn_app.web.header import HEADER
from frcrn_app.web.static_files import asset
from frcrn_app.web.texts import tables

if TYPE_CHECKING:
    from jinja2 import Environment

_STYLES = (
    "styles/page.css",
    "styles/layout.css",
    "styles/player.css",
    "evaluate/evaluate.css",
    "listen/listen.css",
)


def page_html(kind: str, language: str, facts: dict[str, object]) -> str:
    """A page of its own, outside of Gradio's.

    Args:
        kind: "listener", "owner" or "failed".
        language: "en" or "zh", at first; the head line switches it.
        facts: for the module; nothing that listeners must not know.
    """
    data = {
        "kind": kind,
        "facts": facts,
        "texts": tables("listen"),
        "header": tables("header"),
    }
    # One level up is the demo's own folder of addresses, wherever a proxy shows it.
    up = "../../"
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            language=language,
            lang="zh-CN" if language == "zh" else "en",
            title=text("listen.title", language),
            header=HEADER,
            styles=[up + asset(name) for name in _STYLES],
            module=up + asset("listen/main.js"),
            icon=up + asset("favicon.png"),
            colours=colour_css(":root"),
            dark_colours=colour_css(".dark", dark=True),
            data=json.dumps(data, ensure_ascii=False).replace("<", "\\u003c"),
        )
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("frcrn_app.web.listen")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
