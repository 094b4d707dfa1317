"""The live tab: one component, which assets/live/live.js draws and runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

from frcrn_app.web.drawn import drawn
from frcrn_app.web.figures import palette
from frcrn_app.web.live.live import ADDRESS
from frcrn_app.web.static_files import source
from frcrn_app.web.texts import tables

if TYPE_CHECKING:
    from frcrn_app.web.options import WebOptions


def live_css() -> str:
    """The tab's style sheet, for the page's head."""
    return source("live/live.css")


def build_live_tab(options: WebOptions) -> None:
    """Lay the tab out; called inside a `gr.Tab`."""
    with gr.Column(elem_classes="fr-card"):
        drawn(
            "live/live.js",
            "fr-live-tab",
            elem_id="live",
            texts={lang: words | tables("live")[lang] for lang, words in tables("player").items()},
            palette=palette(),
            address=ADDRESS,
            minutes=options.live_minutes,
        )
