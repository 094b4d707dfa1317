"""The page as Gradio holds it, with what its handlers work with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

if TYPE_CHECKING:
    from frcrn_app.web.batch import Batches
    from frcrn_app.web.denoise import Results
    from frcrn_app.web.engine import Engine
    from frcrn_app.web.listen import Shelf
    from frcrn_app.web.live import Live


class Page(gr.Blocks):
    """`gr.Blocks` and what outlives every request: networks, results, live sessions."""

    engine: Engine
    results: Results
    batches: Batches
    listening: Shelf
    live: Live | None  # None: there are no weights for it
