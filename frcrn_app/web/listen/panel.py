"""The card of the evaluate tab on which a listening test is made and followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from frcrn_app.errors import PairError
from frcrn_app.evaluation import NOISY
from frcrn_app.listening import MAX_FILES
from frcrn_app.report import Words
from frcrn_app.web.drawn import QUIET, drawn
from frcrn_app.web.faults import sentence
from frcrn_app.web.listen.shelf import Shelf, Wish
from frcrn_app.web.texts import tables

if TYPE_CHECKING:
    from frcrn_app.web.engine import Engine
    from frcrn_app.web.evaluate.job import EvaluationJob, Pages

MADE_AT_ONCE = 2


def build_panel() -> gr.HTML:
    """The component; `panel_value` gives its values."""
    return drawn(
        "listen/panel.js",
        "fr-listening",
        events=["make", "voted"],
        elem_id="evaluate-listening",
        texts=_texts(),
    )


def panel_value(job: EvaluationJob) -> dict[str, Any]:
    """What a test can be made of, and the one that there is."""
    evaluation = job.outcome().evaluation
    return {
        "systems": evaluation.systems,
        "clean": any(row.pair.clean is not None for row in evaluation.rows),
        "files": min(MAX_FILES, len(evaluation.rows)),
        "owner": job.listening,
        "texts": _texts(),
    }


def _texts() -> dict[str, dict[str, str]]:
    """The panel's words; listeners, who have the same ones, must not read what they may hear."""
    return {
        language: words | {"noisy": Words(language).system(NOISY)}
        for language, words in tables("listen").items()
    }


def connect_panel(panel: gr.HTML, pages: Pages, engine: Engine, shelf: Shelf) -> None:
    """Make a test when the page asks for one."""

    def make(request: gr.Request, event: gr.EventData) -> dict[str, Any] | None:
        job = pages.get(str(request.session_hash))
        try:
            if job is None or job.result is None:
                raise PairError("evaluate.gone")
            result, wish = job.outcome(), event._data or {}
            with engine.guard.job("listening"):
                job.listening = shelf.make(
                    result.evaluation, result.summary, _wish(wish), engine.guard.abandoned()
                )
            return panel_value(job)
        except Exception as error:
            value = panel_value(job) if job is not None and job.result is not None else {}
            return value | {"message": sentence(error)}

    panel.make(
        make,
        None,
        panel,
        trigger_mode="once",
        concurrency_limit=MADE_AT_ONCE,
        concurrency_id="listening",
        **QUIET,
    )


def _wish(given: dict[str, Any]) -> Wish:
    """What the page sent; anything may come."""
    systems = given.get("systems")
    files = given.get("files")
    return Wish(
        method=str(given.get("method")),
        systems=tuple(map(str, systems)) if isinstance(systems, list) else (),
        files=files if isinstance(files, int) else 0,
    )
