"""Files that Gradio serves, as values of its components."""

import json
from pathlib import Path

import gradio as gr


def file_of(path: Path, **more: object) -> dict:
    """A file to be served, as Gradio finds and completes it inside any value."""
    served = gr.FileData(path=str(path), orig_name=path.name, size=path.stat().st_size)
    return {**json.loads(served.model_dump_json()), **more}
