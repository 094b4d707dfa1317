"""POST /evaluate: the same evaluation without the page. docs/evaluation.md shows how."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr
from gradio.components import Component

from frcrn_app.i18n import language_of, text
from frcrn_app.report import as_json
from frcrn_app.web.evaluate.job import EvaluationJob, Settings
from frcrn_app.web.evaluate.test_set import TestSet
from frcrn_app.web.faults import guarded

if TYPE_CHECKING:
    from frcrn_app.web.engine import Engine
    from frcrn_app.web.options import WebOptions

POLL_SECONDS = 0.25
REQUESTS_AT_ONCE = 16


def build_endpoint(options: WebOptions, engine: Engine) -> None:
    """The endpoint, on components that are not shown."""

    @guarded
    def evaluate(
        archive: str | None = None,
        noisy: list[str] | None = None,
        clean: list[str] | None = None,
        system: list[str] | None = None,
        system_name: str = "other",
        manifest: str | None = None,
        denoise: bool = True,
        weights: str = "auto",
        metrics: str = "",
        align: bool = False,
        language: str = "en",
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[dict, str, str, str]:
        """Score noisy recordings, and what systems made of them, against the clean ones.

        Give a zip archive; or noisy files with clean ones, and those of a system; or a CSV file
        with the files that it names as `noisy`. With none of them, the examples are scored.
        Returns everything as JSON, then the CSV, JSON and HTML files.
        """
        given = {"manifest": manifest, "zip": archive, "files": noisy, "examples": True}
        test_set = TestSet(
            source=next(source for source, what in given.items() if what),
            archive=archive,
            noisy=noisy or [],
            clean=clean or [],
            system=system or [],
            system_name=system_name,
            manifest=manifest,
            manifest_sounds=[*(noisy or []), *(clean or []), *(system or [])],
        )
        wanted = tuple(part for part in metrics.split(",") if part.strip())
        job = EvaluationJob(options, engine, test_set, Settings(denoise, weights, wanted, align))
        try:
            while not job.wait(POLL_SECONDS):
                fraction = job.done / job.total if job.total else 0.0
                progress(fraction, desc=text(f"evaluate.{job.phase}"))
            result = job.outcome()
        finally:
            job.cancel()  # if the caller has gone
        paths = job.write_reports(language_of(language))
        job.discard_audio()
        content = as_json(result.evaluation, result.summary)
        return content, str(paths["csv"]), str(paths["json"]), str(paths["html"])

    with gr.Row(visible=False):
        fields, outputs = _components()
        gr.Button().click(
            evaluate,
            fields,
            outputs,
            api_name="evaluate",
            concurrency_limit=REQUESTS_AT_ONCE,
            concurrency_id="evaluate",
        )


def _components() -> tuple[list[Component], list[Component]]:
    """What describes the arguments and the answer to programs that ask for a description."""
    fields = [
        gr.File(label="zip archive with noisy/, clean/ and folders of other systems"),
        gr.File(label="noisy files", file_count="multiple"),
        gr.File(label="clean files", file_count="multiple"),
        gr.File(label="files that a system made of the noisy ones", file_count="multiple"),
        gr.Textbox("other", label="name of that system"),
        gr.File(label="CSV file with columns noisy, clean, group, and one for each system"),
        gr.Checkbox(True, label="clean the noisy files here, and score that too"),
        gr.Textbox("auto", label="weights: a name, or auto"),
        gr.Textbox("", label="metrics, separated by commas; all; or nothing for the usual ones"),
        gr.Checkbox(False, label="shift recordings by up to 100 ms onto the clean ones"),
        gr.Textbox("en", label="language of the HTML report: en or zh"),
    ]
    outputs = [
        gr.JSON(label="result"),
        gr.File(label="CSV"),
        gr.File(label="JSON"),
        gr.File(label="HTML"),
    ]
    return fields, outputs
