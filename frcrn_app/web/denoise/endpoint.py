"""POST /denoise: the same cleaning for programs. docs/api.md shows how it is called."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from gradio.utils import get_upload_folder

from frcrn_app.audio import FORMATS
from frcrn_app.errors import AudioError
from frcrn_app.web.denoise.cleaning import POLL_SECONDS, described, facts_of, notes_of
from frcrn_app.web.denoise.downloads import check_format, check_strength, save_cleaned
from frcrn_app.web.denoise.recording import load_recording
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
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (Gradio reads the default)
    ) -> tuple[str, dict]:
        """Remove the noise from a recording.

        Returns the cleaned file, as long and as loud as the recording, and how it was made.
        """
        if audio is None:
            raise AudioError("web.no_audio")
        guard = engine.guard
        gone = guard.abandoned()
        with guard.job("program", name=Path(audio).name) as facts:
            strength, output_format = check_strength(strength), check_format(output_format)
            recording = load_recording(audio, options.max_seconds, guard, gone)
            facts |= described(recording)
            job = engine.submit(recording, strength, weights, abandoned=gone)
            while not job.wait(POLL_SECONDS):
                if gone():
                    job.cancel()
                progress(job.fraction, desc="queued" if engine.ahead_of(job) else "cleaning")
            folder = Path(get_upload_folder()) / secrets.token_hex(16)
            file = save_cleaned(Path(audio).name, job.result(), output_format, folder)
            facts["work"] = round(job.seconds, 4)
            return str(file), {
                **described(recording),
                "notes": notes_of(recording),
                **facts_of(job),
            }

    with gr.Row(visible=False):
        fields = [
            gr.Audio(type="filepath", label="recording"),
            gr.Number(1.0, label="strength, 0 (untouched) to 1"),
            gr.Textbox("auto", label="weights: a name, or auto"),
            gr.Textbox("same", label=f"format: {', '.join(FORMATS)}"),
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
