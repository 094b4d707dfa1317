"""Where a recording comes in: chosen, dropped, recorded, or one of the examples.

The component itself is assets/denoise/source.js; here is what it is told, and which file the value
that it sends stands for. Gradio's own audio input is not used: it records at one fixed rate, takes
no second file while it holds one, and has parts without a name for screen readers.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gradio.utils import get_upload_folder

from frcrn_app.audio import AUDIO_SUFFIXES
from frcrn_app.errors import AudioError
from frcrn_app.resources import data_folder
from frcrn_app.web.drawn import drawn
from frcrn_app.web.texts import tables

if TYPE_CHECKING:
    import gradio as gr

    from frcrn_app.web.denoise.results import Results
    from frcrn_app.web.options import WebOptions

EXAMPLES_FOLDER = data_folder("examples") / "noisy"


def build_source(options: WebOptions) -> gr.HTML:
    """The component, empty. Its one event is `submit`: there is another recording, or none."""
    return drawn(
        "denoise/source.js",
        "fr-source",
        events=["submit"],
        elem_id="sound",
        texts=tables("source"),
        examples=[path.name for path in _examples()],
        max_seconds=options.max_seconds,
        max_bytes=options.max_upload_bytes,
    )


def value_of(ticket: str, path: Path) -> dict:
    """The component's value for a recording that the server has already."""
    return {"ticket": ticket, "name": path.name}


def path_of(value: object, results: Results) -> Path | None:
    """The file that a value stands for; None where there is no recording.

    Raises:
        AudioError: it is none that this visitor has sent, or was deleted.
    """
    if value is None:
        return None
    if isinstance(value, dict):
        for example in _examples():
            if value.get("example") == example.name:
                return example
        if isinstance(value.get("ticket"), str):
            return results.find(value["ticket"]).path
        if isinstance(value.get("path"), str):
            # The value comes from the browser: whatever it says, only uploads are read.
            path = Path(value["path"]).resolve()
            if path.is_relative_to(Path(get_upload_folder()).resolve()):
                return path
    raise AudioError("web.no_audio")


def _examples() -> list[Path]:
    """The noisy clips that come with the project."""
    return sorted(path for path in EXAMPLES_FOLDER.glob("*") if path.suffix in AUDIO_SUFFIXES)
