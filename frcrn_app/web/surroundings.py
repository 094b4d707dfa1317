"""What is settled before Gradio is imported, and how it is imported."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from frcrn_app.scratch import Scratch

_visitors_files: Scratch | None = None


def import_gradio() -> None:
    """Import Gradio, with a folder for visitors' files that goes with the process."""
    global _visitors_files
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    for variable in ("NO_PROXY", "no_proxy"):
        # Gradio asks its own server whether it has started; a proxy would not find it.
        hosts = [host for host in os.environ.get(variable, "").split(",") if host]
        local = [host for host in ("127.0.0.1", "localhost", "::1") if host not in hosts]
        os.environ[variable] = ",".join(hosts + local)
    if "GRADIO_TEMP_DIR" not in os.environ:
        _visitors_files = Scratch("demo")
        os.environ["GRADIO_TEMP_DIR"] = str(_visitors_files.folder)
    # Gradio's client library logs every one of its own requests.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with _without_stubs():
        import gradio  # noqa: F401


@contextmanager
def _without_stubs() -> Iterator[None]:
    """Let Gradio's components have no file to be found.

    Whenever it is imported, it parses each of them for the stubs that it keeps for editors, which
    takes a quarter of the demo's start. It leaves those out that are defined in no file.
    """
    getfile = inspect.getfile

    def none_of_gradio(thing) -> str:
        if getattr(thing, "__module__", "").startswith("gradio."):
            raise OSError("no file is needed")
        return getfile(thing)

    inspect.getfile = none_of_gradio
    try:
        yield
    finally:
        inspect.getfile = getfile
