"""The denoise tab: its layout, and which handler answers which event.

The handlers only carry values between the page, the engine and the files that are served; the
page's own behaviour is in assets/denoise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from frcrn_app.errors import AudioError, UserError
from frcrn_app.web.denoise import source
from frcrn_app.web.denoise.cleaning import EMPTY, Cleaning
from frcrn_app.web.denoise.downloads import check_track
from frcrn_app.web.denoise.endpoint import build_endpoint
from frcrn_app.web.denoise.source import EXAMPLES_FOLDER
from frcrn_app.web.denoise.weights_menu import build_weights_menu
from frcrn_app.web.denoise.work import BANDS
from frcrn_app.web.drawn import QUIET, drawn, queued
from frcrn_app.web.faults import sentence
from frcrn_app.web.texts import tables, text

if TYPE_CHECKING:
    from frcrn_app.web.denoise.results import Results
    from frcrn_app.web.engine import Engine
    from frcrn_app.web.options import WebOptions

__all__ = ["EXAMPLES_FOLDER", "build_denoise_tab"]


def build_denoise_tab(
    page: gr.Blocks, options: WebOptions, engine: Engine, results: Results
) -> None:
    """Lay the tab out and connect it; called inside a `gr.Tab`."""
    with gr.Row(elem_classes="fr-columns"):
        with gr.Column(elem_classes="fr-left"):
            with gr.Column(elem_classes="fr-card"):
                gr.HTML(text("page.source_title"))
                recording = source.build_source(options)
                _build_microphone_hint()
            with gr.Column(elem_classes="fr-card"):
                weights, band, again = _build_settings(page, options, engine)
        with gr.Column(elem_classes="fr-right"), gr.Column(elem_classes="fr-card"):
            result = _build_result(options)
    do = _Handlers(recording, again, result, options, engine, results)
    shown = [result, again]
    for when in (recording.submit, again.click, result.again):
        when(do.clean, [recording, weights, band], shown, **queued("denoise"))
    result.resume(do.resume, None, [*shown, recording], **queued("denoise"))
    result.cancel(do.cancel, queue=False, **QUIET)
    result.publish(do.publish, queue=False, **QUIET)
    for setting, name in ((weights, "weights"), (band, "band")):
        setting.change(
            None,
            setting,
            js=f"(detail) => {{ dispatchEvent(new CustomEvent('frcrn-{name}', {{ detail }})); }}",
            **QUIET,
        )
    page.unload(do.leave)
    build_endpoint(options, engine)


@dataclass(frozen=True, repr=False)
class _Handlers:
    """What answers the tab's events, with the components that it fills."""

    recording: gr.HTML
    again: gr.Button
    result: gr.HTML
    options: WebOptions
    engine: Engine
    results: Results

    def clean(
        self, value: dict | None, weights: str, band: str, request: gr.Request
    ) -> Iterator[dict]:
        """A recording that was chosen, or is to be cleaned once more."""
        session = str(request.session_hash)
        try:
            path = source.path_of(value, self.results)
        except UserError as error:
            yield {self.result: _failed(error)}
            return
        if path is None:
            self.results.cancel(session)
            yield {self.result: EMPTY, self.again: gr.update(interactive=False)}
            return
        cleaning = Cleaning(self.engine, str(path), weights, self.options.max_seconds, band)
        self.results.follow(session, cleaning)
        for number, shown_value in enumerate(cleaning.follow()):
            update = {self.result: shown_value}
            yield update | ({self.again: gr.update(interactive=True)} if number == 0 else {})

    def resume(self, request: gr.Request, event: gr.EventData) -> Iterator[dict]:
        """What a page that is loaded again, or opened by a shared link, was following.

        Or another track of it.
        """
        wish = event._data or {}
        try:
            track = check_track(wish.get("track", 0))
            if "shared" in wish:
                if not self.options.allow_sharing:
                    raise AudioError("web.sharing_off")
                cleaning = self.results.shared(str(wish["shared"]))
            else:
                cleaning = self.results.find(str(wish.get("ticket")))
        except UserError as error:
            yield {self.result: _failed(error) if "shared" in wish else EMPTY}
            return
        self.results.follow(str(request.session_hash), cleaning)
        for number, shown_value in enumerate(cleaning.follow(track)):
            update: dict[Any, object] = {self.result: shown_value}
            if number == 0:
                update[self.again] = gr.update(interactive=True)
                update[self.recording] = source.value_of(cleaning.ticket, cleaning.path)
            yield update

    def cancel(self, request: gr.Request) -> None:
        self.results.cancel(str(request.session_hash))

    def publish(self, event: gr.EventData) -> None:
        if self.options.allow_sharing:
            self.results.share(str((event._data or {}).get("ticket")))

    def leave(self, request: gr.Request) -> None:
        self.results.leave(str(request.session_hash))


def _build_microphone_hint() -> None:
    with gr.Accordion(text("page.microphone_title"), open=False, elem_classes="fr-details"):
        raw = gr.Checkbox(True, label=text("page.raw_microphone"), elem_id="raw")
        gr.HTML(text("page.microphone_hint"))
    raw.change(None, raw, js="(on) => { window.frcrnPage.rawMicrophone = on; }")


def _build_settings(
    page: gr.Blocks, options: WebOptions, engine: Engine
) -> tuple[gr.Dropdown, gr.Radio, gr.Button]:
    gr.HTML(text("page.settings_title"))
    weights = build_weights_menu(page, options, engine)
    band = gr.Radio(
        [(text(f"page.band_{name}"), name) for name in BANDS],
        value=BANDS[0],
        label=text("page.band"),
        info=text("page.band_info"),
        elem_id="band",
    )
    again = gr.Button(text("page.again"), variant="primary", elem_id="again", interactive=False)
    gr.HTML(text("page.private"))
    return weights, band, again


def _build_result(options: WebOptions) -> gr.HTML:
    """The component that shows and plays a result; `Cleaning.follow` gives its values."""
    return drawn(
        "denoise/result.js",
        "fr-result",
        EMPTY,
        events=["again", "cancel", "publish", "resume"],
        elem_id="result",
        texts=tables("player"),
        sharing=options.allow_sharing,
    )


def _failed(error: UserError) -> dict:
    return {"state": "failed", "message": sentence(error)}
