"""The live tab: one component, which assets/live/live.js draws and runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from frcrn_app.web.live.live import ADDRESS
from frcrn_app.web.static_files import mount_module, source
from frcrn_app.web.texts import tables, text

if TYPE_CHECKING:
    from frcrn_app.web.options import WebOptions


def live_css() -> str:
    """The tab's style sheet, for the page's head."""
    return source("live/live.css")


def build_live_tab(options: WebOptions, tabs: gr.Tabs, denoise: str) -> None:
    """Lay the tab out; called inside a `gr.Tab`.

    Args:
        options: of the page.
        tabs: all tabs, of which that with the id `denoise` takes recordings over.
    """
    live = gr.HTML(
        # Not shown: the label is what Gradio translates, so it tells the page's language.
        label=text("page.language"),
        html_template='<section class="fr-live-tab"></section>',
        js_on_load=mount_module("live/live.js", ["denoise"]),
        apply_default_css=False,
        elem_id="live",
        texts=tables("live"),
        address=ADDRESS,
        minutes=options.live_minutes,
    )
    select: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    live.denoise(
        None, live, tabs, js=f"() => ({{ selected: '{denoise}', __type__: 'update' }})", **select
    )
