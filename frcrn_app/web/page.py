"""The page as Gradio holds it, with what its handlers work with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

if TYPE_CHECKING:
    from frcrn_app.web.denoise import Results
    from frcrn_app.web.engine import Engine


class Page(gr.Blocks):
    """`gr.Blocks` and the two that outlive every request: the networks and the results."""

    engine: Engine
    results: Results
