"""The menu of weights: what is here, what can be fetched, what is at work and under which licence.

Choosing weights that are not here yet fetches them, with a bar, where the person who started the
demo allows it; elsewhere they are not offered and a line tells how they get here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

import gradio as gr

from frcrn_app.errors import Cancelled, CheckpointError, UserError
from frcrn_app.web.drawn import QUIET
from frcrn_app.web.faults import sentence
from frcrn_app.web.options import is_loopback
from frcrn_app.web.texts import text

if TYPE_CHECKING:
    from frcrn_app.web.engine import Engine
    from frcrn_app.web.options import WebOptions
    from frcrn_app.weights import WeightsEntry

POLL_SECONDS = 0.2  # between two looks at how much has been fetched


class Fetch:
    """One download in a thread of its own; it goes on if the visitor leaves."""

    def __init__(self, name: str):
        self.done = 0  # bytes
        self.total = 0
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(name,), daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Whether it has finished within that time."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self, name: str) -> None:
        from frcrn_app.weights import fetch_weights

        try:
            fetch_weights(name, self._report)
        except BaseException as error:  # shown by whoever waits
            self.error = error

    def _report(self, done: int, total: int) -> None:
        self.done, self.total = done, total


def build_weights_menu(page: gr.Blocks, options: WebOptions, engine: Engine) -> gr.Dropdown:
    """The menu and the lines below it; called inside the settings. Its value is a name."""
    menu = empty_menu("weights")
    note = gr.HTML("", elem_id="weights-note")
    hint = gr.HTML(text("page.official_hint"), visible=False)

    def chosen(name: str) -> Iterator[tuple]:
        yield from choose(options, engine, name)

    def refresh(name: str) -> tuple:
        """What can be chosen now: another visitor may have fetched weights meanwhile."""
        offered = choices(options, engine)
        name = name if name in {value for _, value in offered} else "auto"
        hint_update = gr.update(visible=_hint_wanted(options, engine))
        return gr.update(choices=offered, value=name), _note(engine, name), hint_update

    menu.input(
        chosen,
        menu,
        [menu, note],
        trigger_mode="multiple",
        concurrency_limit=None,
        **QUIET,
    )
    page.load(
        refresh,
        menu,
        [menu, note, hint],
        queue=False,
        **QUIET,
    )
    return menu


def empty_menu(elem_id: str) -> gr.Dropdown:
    """A menu of weights, for `choices` or `present_choices` to fill when a page opens.

    To list weights takes torch, for which no start should wait.
    """
    return gr.Dropdown(
        [(text("page.automatic"), "auto")],
        value="auto",
        label=text("page.weights"),
        elem_id=elem_id,
        filterable=False,
    )


def choose(options: WebOptions, engine: Engine, name: str) -> Iterator[tuple]:
    """Updates of the menu and of the line below it, while weights that are missing are fetched."""
    entry = next((entry for entry in engine.weights() if entry.name == name), None)
    if entry is None or entry.present:
        yield gr.skip(), _note(engine, name)
        return
    try:
        if not (options.allow_fetch and entry.fetchable):
            raise CheckpointError("web.weights_not_fetched", name=name)
        fetch = Fetch(name)
        yield gr.skip(), _fetching(entry, 0, entry.size or 0)
        while not fetch.wait(POLL_SECONDS):
            yield gr.skip(), _fetching(entry, fetch.done, fetch.total or entry.size or 0)
        if fetch.error is not None:
            raise fetch.error
    except Cancelled:
        return
    except Exception as error:
        # Who sits at this machine is told where to put a file by hand, others are not.
        words = sentence(error, keep_folders=is_loopback(options.host))
        problem = f'<p class="fr-small fr-problem" role="alert">{escape(words)}</p>'
        yield gr.update(value="auto"), problem + _note(engine, "auto")
        return
    yield gr.update(choices=choices(options, engine), value=name), _note(engine, name)


def choices(options: WebOptions, engine: Engine) -> list[tuple[str, str]]:
    """What is shown and the name that stands for it."""
    return _offered(engine, fetch=options.allow_fetch)


def present_choices(engine: Engine) -> list[tuple[str, str]]:
    """The same, of what need not be fetched."""
    return _offered(engine, fetch=False)


def _offered(engine: Engine, *, fetch: bool) -> list[tuple[str, str]]:
    try:
        entries, at_work = engine.weights(), engine.at_work()
    except UserError:  # shown where the weights are used
        entries, at_work = [], None
    offered = [(f"{text('page.automatic')} · {at_work.name if at_work else '–'}", "auto")]
    for entry in entries:
        if entry.present:
            offered.append((entry.title, entry.name))
        elif entry.fetchable and fetch:
            offered.append(
                (f"{text('page.fetch')} · {entry.title} · {_size(entry.size)}", entry.name)
            )
    return offered


def _note(engine: Engine, name: str) -> str:
    """Which weights the next cleaning uses, their licence and where they come from."""
    try:
        entries = {entry.name: entry for entry in engine.weights()}
        entry = engine.at_work() if name == "auto" else entries.get(name)
    except UserError as error:
        return f'<p class="fr-small fr-problem" role="alert">{escape(sentence(error))}</p>'
    if entry is None:
        return ""
    parts = [f"<b>{escape(entry.name)}</b>", escape(entry.licence)]
    if entry.size:
        parts.append(_size(entry.size))
    if entry.source.startswith(("https://", "http://")):
        host = entry.source.split("/")[2]
        link = f'<a href="{escape(entry.source)}" target="_blank" rel="noreferrer">{host}</a>'
        parts.append(link)
    return f'<p class="fr-small">{text("page.at_work")} {" · ".join(parts)}</p>'


def _fetching(entry: WeightsEntry, done: int, total: int) -> str:
    percent = min(100, round(100 * done / total)) if total else 0
    return (
        f'<p class="fr-small" role="status">{text("page.fetching")} <b>{escape(entry.name)}</b>: '
        f"{_size(done)} / {_size(total)}</p>"
        f'<div class="fr-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}" aria-label="{escape(entry.name)}">'
        f'<i style="width:{percent}%"></i></div>'
    )


def _hint_wanted(options: WebOptions, engine: Engine) -> bool:
    if options.allow_fetch:
        return False
    try:
        return any(entry.fetchable and not entry.present for entry in engine.weights())
    except UserError:
        return False


def _size(count: int | None) -> str:
    if not count:
        return "0 MB"
    return f"{count / 1e6:.1f} MB" if count < 1e7 else f"{count / 1e6:.0f} MB"
