"""The custom component that shows a result: its values, and the component itself.

What it draws and plays is in assets/player.js; here is what it is told. A value is one of the
dictionaries that the functions below make, by its "state": empty, working, failed, cancelled, done.
A "turn" that grows with each use lets the page tell late answers from new ones.
"""

import json
from pathlib import Path

import gradio as gr

from frcrn_app.web.texts import PLAYER, text

_ASSETS = Path(__file__).parent / "assets"

EMPTY = {"state": "empty"}
CANCELLED = {"state": "cancelled"}


def build_player() -> gr.HTML:
    """The component, empty. Its one event is `cancel`, the button beside the progress bar."""
    return gr.HTML(
        EMPTY,
        # Not shown: the label is what Gradio translates, so it tells the page's language.
        label=text("language"),
        html_template='<section class="fr-result"></section>',
        js_on_load=(_ASSETS / "player.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="result",
        texts=PLAYER,
    )


def working(name: str, phase: str, fraction: float = 0.0, ahead: int = 0) -> dict:
    """At work on a file. `phase` is "queued", "loading" or "cleaning"."""
    return {
        "state": "working",
        "name": name,
        "phase": phase,
        "fraction": round(fraction, 3),
        "ahead": ahead,
    }


def failed(message: str) -> dict:
    """One sentence that says what is wrong."""
    return {"state": "failed", "message": message}


def file_of(path: Path, **more: object) -> dict:
    """A file to be served, as Gradio finds and completes it inside any value."""
    served = gr.FileData(path=str(path), orig_name=path.name, size=path.stat().st_size)
    return {**json.loads(served.model_dump_json()), **more}
