"""The evaluate tab: which handler answers which event.

Handlers carry values between the page, the job that scores and the files that are served. What the
server writes itself is in the language that `language` tells: a component without a face, whose
label Gradio translates to "en" or "zh".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import gradio as gr
from gradio.context import Context

from frcrn_app.errors import Cancelled
from frcrn_app.i18n import language_of
from frcrn_app.report import colour_css
from frcrn_app.web.denoise.weights_menu import present_choices
from frcrn_app.web.drawn import QUIET, REQUESTS_AT_ONCE
from frcrn_app.web.evaluate import shown, status
from frcrn_app.web.evaluate.endpoint import build_endpoint
from frcrn_app.web.evaluate.job import EvaluationJob, Pages
from frcrn_app.web.evaluate.layout import (
    SettingsCard,
    SourceCard,
    Values,
    build_settings,
    build_source,
)
from frcrn_app.web.evaluate.result_layout import ResultCards, build_results
from frcrn_app.web.evaluate.shown import Update, View
from frcrn_app.web.evaluate.versions import versions
from frcrn_app.web.faults import guarded, sentence
from frcrn_app.web.listen import connect_panel
from frcrn_app.web.static_files import mount_module, source
from frcrn_app.web.texts import text

if TYPE_CHECKING:
    from frcrn_app.web.engine import Engine
    from frcrn_app.web.listen import Shelf
    from frcrn_app.web.options import WebOptions

POLL_SECONDS = 0.25  # between two looks at a job's progress


def _page() -> gr.Blocks:
    """The page that is being laid out."""
    page = Context.root_block
    assert page is not None
    return page


def evaluate_css() -> str:
    """The tab's style sheet, for the page's head."""
    colours = [colour_css(":root"), colour_css(".dark", dark=True)]
    return "\n".join([*colours, source("evaluate/evaluate.css"), source("listen/listen.css")])


def build_evaluate_tab(options: WebOptions, engine: Engine, listening: Shelf) -> None:
    """Lay the tab out and connect it; called inside a `gr.Tab`."""
    language = gr.HTML(
        "",
        label=text("evaluate.language"),
        html_template="",
        js_on_load=mount_module("evaluate/language.js", ["switched"]),
        apply_default_css=False,
        elem_classes="fr-silent",
    )

    with gr.Row(elem_classes="fr-columns fr-evaluate"):
        with gr.Column(elem_classes="fr-left"):
            with gr.Column(elem_classes="fr-card"):
                test_set = build_source(bool(options.local_folders))
            with gr.Column(elem_classes="fr-card"):
                settings = build_settings()
        with gr.Column(elem_classes="fr-right"):
            cards = build_results()
    pages = Pages()
    test_set.source.change(
        lambda chosen: [gr.update(visible=name == chosen) for name in test_set.groups],
        test_set.source,
        list(test_set.groups.values()),
        queue=False,
        **QUIET,
    )
    _connect_run(options, engine, pages, language, test_set, settings, cards, listening)
    _connect_views(pages, language, cards, listening)
    connect_panel(cards.listening, pages, engine, listening)
    page = _page()
    page.load(
        lambda: gr.update(choices=present_choices(engine)),
        outputs=settings.weights,
        queue=False,
        **QUIET,
    )

    def leave(request: gr.Request) -> None:
        pages.end(str(request.session_hash))

    page.unload(leave)
    build_endpoint(options, engine)


def _connect_run(
    options: WebOptions,
    engine: Engine,
    pages: Pages,
    language: gr.HTML,
    test_set: SourceCard,
    settings: SettingsCard,
    cards: ResultCards,
    listening: Shelf,
) -> None:
    """The buttons that start and stop."""

    def run(values: Values, request: gr.Request) -> Iterator[Update]:
        """Values while an evaluation runs, then its result, then its files."""
        tongue = language_of(values[language])
        running = {
            settings.run: gr.update(interactive=False),
            settings.stop: gr.update(visible=True),
        }
        idle = {settings.run: gr.update(interactive=True), settings.stop: gr.update(visible=False)}
        nothing = shown.cleared(cards)
        job = None
        try:
            wanted = settings.settings(values)
            job = EvaluationJob(options, engine, test_set.test_set(values), wanted)
            pages.begin(str(request.session_hash), job)
            yield running | nothing | {cards.status: status.working(job, tongue)}
            while not job.wait(POLL_SECONDS):
                yield {cards.status: status.working(job, tongue)}
            waiting = {file: gr.update(interactive=False) for file in cards.files.values()}
            yield idle | shown.shown(cards, job, View(tongue)) | waiting
            yield shown.files(cards, job, tongue, listening)
        except Cancelled:
            yield idle | nothing | {cards.status: status.empty(tongue)}
        except Exception as error:
            message = sentence(error, tongue)
            yield idle | nothing | {cards.status: status.failed(message, tongue)}
        finally:
            if job is not None:
                job.cancel()  # if the page was closed meanwhile

    def stop(request: gr.Request) -> None:
        job = pages.get(str(request.session_hash))
        if job is not None:
            job.cancel()

    settings.run.click(
        run,
        {language, *test_set.inputs, *settings.inputs},
        [settings.run, settings.stop, *cards.outputs],
        trigger_mode="once",
        concurrency_limit=REQUESTS_AT_ONCE,
        concurrency_id="evaluate",
        **QUIET,
    )
    settings.stop.click(stop, queue=False, **QUIET)


def _connect_views(pages: Pages, language: gr.HTML, cards: ResultCards, listening: Shelf) -> None:
    """What of a result is looked at, and in which language."""
    inputs = [language, cards.metric, cards.grouping, cards.system]

    def redraw(
        tongue: str, metric: str, grouping: str, system: str, request: gr.Request
    ) -> Iterator[Update]:
        """Everything again, in the language that the page has been switched to."""
        tongue = language_of(tongue)
        job = pages.get(str(request.session_hash))
        if job is None:
            yield {cards.status: status.empty(tongue)}
        elif job.result is None:
            yield {cards.status: status.working(job, tongue)}
        else:
            yield shown.shown(cards, job, View(tongue, metric, grouping, system))
            yield shown.files(cards, job, tongue, listening)

    @guarded
    def draw(tongue: str, metric: str, grouping: str, system: str, request: gr.Request) -> Update:
        result = pages.finished(str(request.session_hash)).outcome()
        return shown.pictures(cards, result, View(language_of(tongue), metric, grouping, system))

    @guarded
    def show_scores(
        tongue: str, metric: str, grouping: str, system: str, request: gr.Request
    ) -> Update:
        result = pages.finished(str(request.session_hash)).outcome()
        return shown.table(cards, result, View(language_of(tongue), metric, grouping, system))

    @guarded
    def open_row(event: gr.SelectData, tongue: str, request: gr.Request) -> dict | None:
        """The versions of the row that was chosen, however the table is sorted."""
        job = pages.finished(str(request.session_hash))
        evaluation = job.outcome().evaluation
        name = event.row_value[0]
        place = next((i for i, row in enumerate(evaluation.rows) if row.name == name), None)
        if place is None:
            return None
        folder = job.folder / "rows" / f"{place:05d}"
        return versions(evaluation, evaluation.rows[place], folder, language_of(tongue))

    @guarded
    def renew(tongue: str, request: gr.Request) -> Update:
        """The downloads, with votes that have come in since they were written."""
        job = pages.finished(str(request.session_hash))
        return shown.files(cards, job, language_of(tongue), listening)

    language.switched(redraw, inputs, cards.outputs, queue=False, **QUIET)
    cards.listening.voted(
        renew, [language], list(cards.files.values()), trigger_mode="always_last", **QUIET
    )
    for chooser in (cards.metric, cards.grouping):
        chooser.input(draw, inputs, cards.pictures, **QUIET)
    cards.system.input(show_scores, inputs, cards.table, **QUIET)
    cards.table.select(open_row, [language], cards.row, **QUIET)
    # At the start the component without a face may speak before anyone listens.
    _page().load(
        redraw,
        inputs,
        cards.outputs,
        js="(language, ...rest) => [window.frcrnPage?.language ?? 'en', ...rest]",
        queue=False,
        **QUIET,
    )
