"""Components that are ours: ES modules of assets/ draw them, inside Gradio's `gr.HTML`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from frcrn_app.web.static_files import mount_module
from frcrn_app.web.texts import text

# How their events are handled: no bar of Gradio's, no place among the endpoints.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
REQUESTS_AT_ONCE = 16  # that may follow one kind of work; more wait in Gradio's queue


def queued(kind: str) -> dict[str, Any]:
    """The same for events that are answered as long as some work goes on, each of many."""
    return {
        "trigger_mode": "multiple",
        "concurrency_limit": REQUESTS_AT_ONCE,
        "concurrency_id": kind,
        **QUIET,
    }


def drawn(
    module: str,
    section: str,
    value: Any = None,
    *,
    events: Sequence[str] = (),
    elem_id: str,
    **props: Any,
) -> gr.HTML:
    """A component that a module draws.

    Args:
        module: such as "batch/batch.js".
        section: class of the element that it draws into.
        value: what it shows at first.
        events: that it triggers.
        elem_id: of the component.
        props: what it reads beside its value.
    """
    return gr.HTML(
        value,
        # Not shown: the label is what Gradio translates, so it tells the page's language.
        label=text("page.language"),
        html_template=f'<section class="{section}"></section>',
        js_on_load=mount_module(module, events),
        apply_default_css=False,
        elem_id=elem_id,
        **props,
    )
