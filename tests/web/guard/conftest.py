"""A tiny page behind the guard, served from this process."""

import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import httpx
import pytest

from frcrn_app.web import static_files
from frcrn_app.web.guard import Guard, GuardOptions


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """A context manager that serves a page with a slow and a quick function; see `Served`."""

    @contextmanager
    def served(*, auth=None, healthy=lambda: True, waiting=64, **options):
        import gradio as gr

        monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
        monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        guard = Guard(replace(GuardOptions(), **options), tmp_path / "gradio")
        seen = SimpleNamespace(order=[], gone=[], hold=threading.Event())

        def slow(name: str, seconds: float) -> str:
            seen.order.append(name)
            abandoned, began = guard.abandoned(), time.monotonic()
            while time.monotonic() - began < seconds and not seen.hold.is_set():
                if abandoned():
                    seen.gone.append((name, time.monotonic()))
                    return "gone"
                time.sleep(0.02)
            return name

        with gr.Blocks(analytics_enabled=False) as blocks:
            texts, number = gr.Textbox(), gr.Number()
            gr.Button().click(slow, [texts, number], texts, api_name="slow", concurrency_limit=1)
        blocks.queue(max_size=waiting)
        guard.attach(blocks)
        _, address, _ = blocks.launch(
            app_kwargs=guard.app_kwargs(
                healthy, log_in=bool(auth), further_routes=static_files.routes()
            ),
            auth=auth,
            max_file_size=guard.options.upload_bytes,
            root_path=guard.options.root_path or None,
            ssr_mode=False,
            quiet=True,
            inline=False,
            prevent_thread_lock=True,
        )
        try:
            with httpx.Client(base_url=address, timeout=30) as client:
                yield SimpleNamespace(
                    address=address.rstrip("/"), client=client, guard=guard, seen=seen,
                    folder=tmp_path / "gradio", blocks=blocks,
                )  # fmt: skip
        finally:
            blocks.close(verbose=False)

    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)  # loopback is trusted by default
    return served
