"""The page: its head, its tabs, and the server that shows it."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frcrn_app.web.surroundings import import_gradio

if TYPE_CHECKING:
    import gradio as gr

    from frcrn_app.web.options import WebOptions
    from frcrn_app.web.page import Page

CACHE_SWEEP_SECONDS = 600  # between two looks for old files
CACHE_AGE_SECONDS = 7200  # after which a visitor's files are deleted; the page says two hours
CLICKS_AT_ONCE = 8  # of everything that has no limit of its own
WAITING_LIMIT = 256  # requests that may wait; the next one is told to come back


def build_app(options: WebOptions) -> Page:
    """The whole page, not yet served. Its engine is `app.engine`; `launch` serves it.

    Raises:
        PairError: a folder that was named as a listening test holds none.
    """
    import_gradio()
    import gradio as gr

    from frcrn_app.i18n import text as sentence
    from frcrn_app.web.header import HEADER
    from frcrn_app.web.page import Page
    from frcrn_app.web.static_files import mount_module
    from frcrn_app.web.texts import tables, text

    app = Page(
        title=sentence("page.title"),
        analytics_enabled=False,
        delete_cache=(CACHE_SWEEP_SECONDS, CACHE_AGE_SECONDS),
    )
    _furnish(app, options)
    with app:
        header = gr.HTML(
            html_template=HEADER,
            js_on_load=mount_module("common/header.js", ["switched"]),
            label=text("page.language"),
            apply_default_css=False,
            texts=tables("header"),
        )
        gr.HTML(text("page.hero"), elem_classes="fr-hero", apply_default_css=False)
        _translate_names(header, _build_tabs(app, options))
    app.queue(default_concurrency_limit=CLICKS_AT_ONCE, max_size=WAITING_LIMIT)
    app.engine.guard.attach(app)
    return app


def _furnish(app: Page, options: WebOptions) -> None:
    """Give the page what outlives every request."""
    from frcrn_app.web.batch import Batches
    from frcrn_app.web.denoise import Results
    from frcrn_app.web.engine import Engine
    from frcrn_app.web.listen import Shelf
    from frcrn_app.web.live import Live, StreamsProcesses, live_weights, processes_for

    app.engine = Engine(options)
    guard = app.engine.guard
    app.results, app.batches = Results(CACHE_AGE_SECONDS), Batches(CACHE_AGE_SECONDS)
    app.listening = Shelf(guard, shared=options.allow_sharing, studies=options.study)
    app.live = None
    if weights := live_weights(options.live_weights):
        seats = options.live_visitors
        streams = partial(StreamsProcesses, weights, processes_for(seats))
        app.live = Live(guard, streams, options.live_minutes, seats)


def _build_tabs(app: Page, options: WebOptions) -> dict[str, gr.Tab]:
    """The tabs that there are, by name."""
    import gradio as gr

    from frcrn_app.web.batch import build_batch_tab
    from frcrn_app.web.denoise import build_denoise_tab
    from frcrn_app.web.evaluate import build_evaluate_tab
    from frcrn_app.web.live import build_live_tab
    from frcrn_app.web.texts import text

    tabs = {}
    with gr.Tabs():
        with gr.Tab(text("page.tab_denoise"), id="denoise") as tabs["denoise"]:
            build_denoise_tab(app, options, app.engine, app.results)
        with gr.Tab(text("page.tab_batch"), id="batch") as tabs["batch"]:
            build_batch_tab(app, options, app.engine, app.batches)
        if app.live:
            with gr.Tab(text("page.tab_live"), id="live") as tabs["live"]:
                build_live_tab(options)
        with gr.Tab(text("page.tab_evaluate"), id="evaluate") as tabs["evaluate"]:
            build_evaluate_tab(options, app.engine, app.listening)
    return tabs


def _translate_names(header: gr.HTML, tabs: dict[str, gr.Tab]) -> None:
    """Gradio translates the name of a tab once, when the page is opened; the header does it."""
    from frcrn_app.web.drawn import QUIET
    from frcrn_app.web.texts import tables

    names = {lang: [words[f"tab_{tab}"] for tab in tabs] for lang, words in tables("page").items()}
    header.switched(
        None,
        header,
        list(tabs.values()),
        js=f"(language) => ({json.dumps(names)})[language].map("
        "(label) => ({ label, __type__: 'update' }))",
        **QUIET,
    )


def launch(app: Page, options: WebOptions) -> str:
    """Serve the page in the background and start to warm the network; returns its address.

    Raises:
        OSError: the port is taken, or the host is not one of this machine.
    """
    from frcrn_app.web import static_files
    from frcrn_app.web.denoise import EXAMPLES_FOLDER
    from frcrn_app.web.evaluate import evaluate_css
    from frcrn_app.web.guard import bound_connections
    from frcrn_app.web.live import LARGEST_BYTES, live_css
    from frcrn_app.web.texts import build_i18n
    from frcrn_app.web.theme import build_theme

    # The server that Gradio starts reads them from here alone.
    os.environ["FORWARDED_ALLOW_IPS"] = ",".join(options.trusted_proxies)
    _, address, share_address = app.launch(
        server_name=options.host,
        server_port=options.port,
        share=options.share,
        auth=list(options.auth) or None,
        ssl_certfile=_text(options.ssl_certfile),
        ssl_keyfile=_text(options.ssl_keyfile),
        ssl_verify=False,  # of Gradio's own look at itself: certificates name other hosts
        max_file_size=options.max_upload_bytes,
        allowed_paths=[str(EXAMPLES_FOLDER)],
        theme=build_theme(),
        css=static_files.css() + evaluate_css() + live_css(),
        head=static_files.head(),
        favicon_path=str(static_files.ASSETS / "favicon.png"),
        i18n=build_i18n(),
        footer_links=["api", "gradio"],
        mcp_server=options.mcp,
        run_history=False,  # would keep recordings in the browser
        enable_monitoring=False,
        ssr_mode=False,
        show_error=False,  # unknown faults name a reference, never a trace
        inline=False,
        quiet=True,
        prevent_thread_lock=True,
        root_path=options.root_path or None,
        app_kwargs=_app_kwargs(app, options),
    )
    # uvicorn looks at both when a WebSocket is opened; noise cannot be compressed.
    app.server.config.ws_max_size, app.server.config.ws_per_message_deflate = LARGEST_BYTES, False
    bound_connections(app.server.config, public=options.public, trusted=options.trusted_proxies)
    app.engine.warm_up(then=app.live.start if app.live else lambda: None)
    return share_address or address


def _app_kwargs(app: Page, options: WebOptions) -> dict[str, Any]:
    """What FastAPI is made with: the guard around all, and the addresses that are the demo's."""
    from frcrn_app.web import static_files
    from frcrn_app.web.batch import batch_routes
    from frcrn_app.web.denoise.routes import result_routes
    from frcrn_app.web.listen import listening_routes

    return app.engine.guard.app_kwargs(
        app.engine.works,
        log_in=bool(options.auth),
        further_routes=[
            *static_files.routes(),
            *result_routes(app.results),
            *batch_routes(app.batches, app.engine, options.max_seconds),
            *(app.live.routes() if app.live else []),
            *listening_routes(app.listening),
        ],
        open_folders=[f"/{static_files.PREFIX}/assets/"],
    )


def close(app: Page) -> bool:
    """Stop serving: free the port, cancel what runs. Whether all of it has ended."""
    app.close(verbose=False)
    app.results.close()
    app.batches.close()
    app.listening.close()
    if app.live:
        app.live.close()
    return app.engine.close()


def _text(path: Path | None) -> str | None:
    return str(path) if path else None
