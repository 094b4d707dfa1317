"""The live tab: one component, which assets/live/live.js draws and runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

from frcrn_app.web.figures import palette
from frcrn_app.web.live.live import ADDRESS
from frcrn_app.web.static_files import mount_module, source
from frcrn_app.web.texts import tables, text

if TYPE_CHECKING:
    from frcrn_app.web.options import WebOptions


def live_css() -> str:
    """The tab's style sheet, for the page's head."""
    return source("live/live.css")


def build_live_tab(options: WebOptions) -> None:
    """Lay the tab out; called inside a `gr.Tab`."""
    with gr.Column(elem_classes="fr-card"):
        gr.HTML(
            # Not shown: the label is what Gradio translates, so it tells the page's language.
            label=text("page.language"),
            html_template='<section class="fr-live-tab"></section>',
            js_on_load=mount_module("live/live.js"),
            apply_default_css=False,
            elem_id="live",
            texts={lang: words | tables("live")[lang] for lang, words in tables("player").items()},
            palette=palette(),
            address=ADDRESS,
            minutes=options.live_minutes,
        )
