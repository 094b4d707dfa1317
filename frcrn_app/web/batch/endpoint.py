"""POST /batch: many recordings for programs. docs/api.md shows how it is called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from frcrn_app.errors import AudioError, Cancelled
from frcrn_app.web.batch.batch import Batch
from frcrn_app.web.batch.export import named_results, write_archive
from frcrn_app.web.batch.intake import uploads
from frcrn_app.web.batch.row import ENDED
from frcrn_app.web.batch.settings import Settings, loudness_of
from frcrn_app.web.denoise.downloads import DOWNLOADS
from frcrn_app.web.denoise.work import BANDS
from frcrn_app.web.faults import guarded

if TYPE_CHECKING:
    from frcrn_app.web.batch.batches import Batches
    from frcrn_app.web.engine import Engine
    from frcrn_app.web.options import WebOptions

REQUESTS_AT_ONCE = 16

Answer = tuple[dict, str | None, str | None]


def build_endpoint(options: WebOptions, engine: Engine, batches: Batches) -> None:
    """The endpoint, and the hidden components that describe its parameters."""

    @guarded
    def batch(
        files: list[str],
        strength: float = 1.0,
        weights: str = "auto",
        output_format: str = "same",
        band: str = "full",
        loudness: str = "",
    ) -> Iterator[Answer]:
        """Remove the noise from many recordings, or from zip archives of them.

        Answers file by file, in the order in which they are finished: what became of it, and the
        cleaned file. The last answer counts them, and brings all of them in one zip archive.
        """
        if not files:
            raise AudioError("web.no_audio")
        settings = Settings(strength, weights, band, output_format, loudness_of(loudness))
        whole = Batch(engine, settings, options.max_seconds)
        sent = [{"path": file, "name": Path(file).name} for file in files]
        whole.add(uploads(sent))
        batches.keep(whole)
        told: set[int] = set()
        gone = engine.guard.abandoned()
        shown = whole.shown()
        for shown in whole.follow(gone):
            for row in shown["rows"]:
                if row["state"] in ENDED and row["number"] not in told:
                    told.add(row["number"])
                    yield _answer(whole, row)
        if gone():
            raise Cancelled
        yield shown["total"], None, str(write_archive(whole, engine.guard))

    with gr.Row(visible=False):
        fields = [
            gr.File(label="recordings, or zip archives of them", file_count="multiple"),
            gr.Number(1.0, label="strength, 0 (untouched) to 1"),
            gr.Textbox("auto", label="weights: a name, or auto"),
            gr.Textbox("same", label=f"format: {', '.join(DOWNLOADS)}"),
            gr.Textbox("full", label=f"band: {', '.join(BANDS)}"),
            gr.Textbox("", label="loudness in LUFS, such as -16; nothing: each keeps its own"),
        ]
        outputs = [
            gr.JSON(label="a file, or at the end how many there were"),
            gr.File(label="the cleaned file"),
            gr.File(label="at the end: all of them, with their scores, as a zip archive"),
        ]
        gr.Button().click(
            batch,
            fields,
            outputs,
            api_name="batch",
            concurrency_limit=REQUESTS_AT_ONCE,
            concurrency_id="batch",
        )


def _answer(whole: Batch, shown: dict) -> Answer:
    row = whole.row(shown["number"])
    name = named_results(whole).get(row)
    facts = {key: shown[key] for key in ("name", "state", "seconds", "message", "notes", "scores")}
    return facts | {"result": name and name.as_posix()}, row.result and str(row.result), None
