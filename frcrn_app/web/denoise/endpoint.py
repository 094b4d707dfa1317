"""POST /denoise: the same cleaning for programs. docs/api.md shows how it is called."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from gradio.utils import get_upload_folder

from frcrn_app.errors import AudioError
from frcrn_app.web.denoise.downloads import (
    DOWNLOADS,
    FILM,
    check_format,
    check_strength,
    check_track,
    save_cleaned,
)
from frcrn_app.web.denoise.recording import read_tracks
from frcrn_app.web.denoise.work import (
    BANDS,
    POLL_SECONDS,
    Work,
    check_band,
    described,
    notes_of,
)
from frcrn_app.web.faults import guarded

if TYPE_CHECKING:
    from frcrn_app.web.engine import Engine
    from frcrn_app.web.options import WebOptions

REQUESTS_AT_ONCE = 16  # that may wait in the engine's queue; more wait in Gradio's


def build_endpoint(options: WebOptions, engine: Engine) -> None:
    """The endpoint, and the hidden components that describe its parameters."""

    @guarded
    def denoise(
        audio: str,
        strength: float = 1.0,
        weights: str = "auto",
        output_format: str = "same",
        band: str = "full",
        track: int = 0,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (Gradio reads the default)
    ) -> tuple[str, dict]:
        """Remove the noise from a recording.

        Returns the cleaned file, as long and as loud as the recording, and how it was made.
        """
        if audio is None:
            raise AudioError("web.no_audio")
        guard = engine.guard
        gone = guard.abandoned()
        path = Path(audio)
        with guard.job("program", name=path.name) as facts:
            strength, output_format = check_strength(strength), check_format(output_format)
            band, track = check_band(band), check_track(track)
            found = read_tracks(path, options.max_seconds, guard, gone, track or None)
            if output_format == FILM and not found.has_picture:
                raise AudioError("web.no_film", name=path)
            facts |= described(found.audio)
            work = Work(engine, found.audio, strength, weights, band, abandoned=gone)
            while not work.wait(POLL_SECONDS):
                if gone():
                    work.cancel()
                ahead = work.ahead
                progress(work.fraction, desc=f"queued, {ahead} ahead" if ahead else "cleaning")
            folder = Path(get_upload_folder()) / secrets.token_hex(16)
            written = save_cleaned(path, work.results(), output_format, folder)
            facts["work"] = round(work.seconds, 4)
            return str(written.path), {
                **described(found.audio),
                "notes": notes_of(found.audio, *written.notes),
                **work.facts(),
            }

    with gr.Row(visible=False):
        fields = [
            gr.Audio(type="filepath", label="recording"),
            gr.Number(1.0, label="strength, 0 (untouched) to 1"),
            gr.Textbox("auto", label="weights: a name, or auto"),
            gr.Textbox("same", label=f"format: {', '.join(DOWNLOADS)}"),
            gr.Textbox("full", label=f"band: {', '.join(BANDS)}"),
            gr.Number(0, precision=0, label="track: its number, 0 for all"),
        ]
        outputs = [gr.File(label="cleaned"), gr.JSON(label="facts")]
        gr.Button().click(
            denoise,
            fields,
            outputs,
            api_name="denoise",
            concurrency_limit=REQUESTS_AT_ONCE,
            concurrency_id="denoise",
        )
