"""The batch tab: its settings, and which handler answers which event of assets/batch/batch.js."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from frcrn_app.audio import AUDIO_SUFFIXES, LOUDNESS_TARGETS
from frcrn_app.errors import UserError
from frcrn_app.web.batch.batch import MOST_FILES, Batch
from frcrn_app.web.batch.endpoint import build_endpoint
from frcrn_app.web.batch.intake import uploads
from frcrn_app.web.batch.routes import ADDRESS
from frcrn_app.web.batch.settings import Settings, loudness_of
from frcrn_app.web.denoise.downloads import DOWNLOADS
from frcrn_app.web.denoise.weights_menu import empty_menu, present_choices
from frcrn_app.web.denoise.work import BANDS
from frcrn_app.web.drawn import QUIET, drawn, queued
from frcrn_app.web.faults import sentence
from frcrn_app.web.texts import tables, text

if TYPE_CHECKING:
    from gradio.components import Component

    from frcrn_app.web.batch.batches import Batches
    from frcrn_app.web.engine import Engine
    from frcrn_app.web.options import WebOptions

EMPTY = {"rows": [], "total": None}
Values = dict[Any, Any]  # of components, as Gradio hands them to a handler that asks for a set


def build_batch_tab(page: gr.Blocks, options: WebOptions, engine: Engine, batches: Batches) -> None:
    """Lay the tab out and connect it; called inside a `gr.Tab`."""
    with gr.Row(elem_classes="fr-columns"):
        with gr.Column(elem_classes="fr-left"), gr.Column(elem_classes="fr-card"):
            settings = _build_settings()
        with gr.Column(elem_classes="fr-right"), gr.Column(elem_classes="fr-card"):
            table = _build_table(options)
    page.load(
        lambda: gr.update(choices=present_choices(engine)),
        outputs=settings["weights"],
        queue=False,
        **QUIET,
    )
    _connect_cleaning(options, engine, batches, table, settings)
    _connect_table(engine, batches, table)
    build_endpoint(options, engine, batches)


def _build_table(options: WebOptions) -> gr.HTML:
    """The place to drop files, and the table of them; `Batch.follow` gives its values."""
    return drawn(
        "batch/batch.js",
        "fr-batch",
        EMPTY,
        events=["again", "cancel", "discard", "resume", "retry", "send"],
        elem_id="batch",
        texts=tables("batchtab"),
        player_texts=tables("player"),
        address=ADDRESS,
        suffixes=sorted(AUDIO_SUFFIXES),
        max_seconds=options.max_seconds,
        max_bytes=options.max_upload_bytes,
        most_files=MOST_FILES,
    )


def _build_settings() -> dict[str, Component]:
    gr.HTML(text("page.settings_title"))
    targets = [
        (text(f"page.batch_loudness_{-target:g}"), f"{target:g}") for target in LOUDNESS_TARGETS
    ]
    settings: dict[str, Component] = {
        "strength": gr.Slider(
            0, 100, 100, step=5, label=text("page.batch_strength"), elem_id="batch-strength"
        ),
        "weights": empty_menu("batch-weights"),
        "band": gr.Dropdown(
            [(text(f"page.band_{band}"), band) for band in BANDS],
            value=BANDS[0],
            label=text("page.band"),
            filterable=False,
            elem_id="batch-band",
        ),
        "format": gr.Dropdown(
            [(text(f"page.batch_format_{form}"), form) for form in DOWNLOADS],
            value=DOWNLOADS[0],
            label=text("page.batch_format"),
            filterable=False,
            elem_id="batch-format",
        ),
        "loudness": gr.Dropdown(
            [(text("page.batch_loudness_own"), ""), *targets],
            value="",
            label=text("page.batch_loudness"),
            info=text("page.batch_loudness_info"),
            allow_custom_value=True,
            elem_id="batch-loudness",
        ),
    }
    gr.HTML(text("page.batch_private"))
    return settings


class _Follow:
    """What pages show of batches, for the handlers of their events."""

    def __init__(self, engine: Engine, batches: Batches):
        self._engine, self._batches = engine, batches

    def __call__(
        self, event: gr.EventData, request: gr.Request, find: Callable[[dict], Batch]
    ) -> Iterator[dict]:
        """The batch that the wish of a page finds, or why there is none."""
        wish = _wish(event)
        try:
            yield from self.batch(find(wish), request)
        except UserError as error:
            try:
                shown = self._batches.find(str(wish.get("ticket"))).shown()
            except UserError:
                shown = EMPTY
            yield shown | {"problem": sentence(error), "at": time.monotonic()}

    def batch(self, batch: Batch, request: gr.Request) -> Iterator[dict]:
        yield from batch.follow(self._engine.guard.abandoned(), str(request.session_hash))


def _connect_cleaning(
    options: WebOptions,
    engine: Engine,
    batches: Batches,
    table: gr.HTML,
    fields: dict[str, Component],
) -> None:
    """What goes by the settings: files that were sent, and all of them once more."""
    follow = _Follow(engine, batches)

    def chosen(values: Values) -> Settings:
        given = {name: values[field] for name, field in fields.items()}
        given["strength"] = given["strength"] / 100
        given["loudness"] = loudness_of(given["loudness"])
        return Settings(**given)

    def send(values: Values, event: gr.EventData, request: gr.Request) -> Iterator[dict]:
        def find(wish: dict) -> Batch:
            settings = chosen(values)
            if wish.get("ticket"):
                batch = batches.find(str(wish["ticket"]))
                batch.settings = settings
            else:
                batch = Batch(engine, settings, options.max_seconds)
                batches.keep(batch)
            batch.add(uploads(wish.get("files")))
            return batch

        yield from follow(event, request, find)

    def again(values: Values, event: gr.EventData, request: gr.Request) -> Iterator[dict]:
        def find(wish: dict) -> Batch:
            batch = batches.find(str(wish.get("ticket")))
            batch.settings = chosen(values)
            batch.try_again(everything=True)
            return batch

        yield from follow(event, request, find)

    inputs = set(fields.values())
    table.send(send, inputs, table, **queued("batch"))
    table.again(again, inputs, table, **queued("batch"))


def _connect_table(engine: Engine, batches: Batches, table: gr.HTML) -> None:
    """What is done with files that are in the table."""
    follow = _Follow(engine, batches)

    def retry(event: gr.EventData, request: gr.Request) -> Iterator[dict]:
        def find(wish: dict) -> Batch:
            batch = batches.find(str(wish.get("ticket")))
            batch.try_again(_number(wish))
            return batch

        yield from follow(event, request, find)

    def resume(event: gr.EventData, request: gr.Request) -> Iterator[dict]:
        """What a page that is loaded again was following; nothing where it has been deleted."""
        try:
            batch = batches.find(str(_wish(event).get("ticket")))
        except UserError:
            yield EMPTY
            return
        yield from follow.batch(batch, request)

    def cancel(event: gr.EventData) -> None:
        wish = _wish(event)
        batches.find(str(wish.get("ticket"))).cancel(_number(wish))

    def discard(event: gr.EventData) -> dict:
        batches.delete(str(_wish(event).get("ticket")))
        return EMPTY

    table.retry(retry, None, table, **queued("batch"))
    table.resume(resume, None, table, **queued("batch"))
    table.cancel(cancel, queue=False, **QUIET)
    table.discard(discard, None, table, queue=False, **QUIET)


def _wish(event: gr.EventData) -> dict:
    """What a page asks for, as its JavaScript said it."""
    wish = event._data
    return wish if isinstance(wish, dict) else {}


def _number(wish: dict) -> int | None:
    """The number of a row; None for all of them."""
    number = wish.get("number")
    return number if isinstance(number, int) else None
