"""What is settled before Gradio is imported, and how it is imported."""

from __future__ import annotations

import atexit
import inspect
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FOLDER_PREFIX = "frcrn-demo-"


def import_gradio() -> None:
    """Import Gradio, with a folder for visitors' files that `clean_up` removes."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    for variable in ("NO_PROXY", "no_proxy"):
        # Gradio asks its own server whether it has started; a proxy would not find it.
        hosts = [host for host in os.environ.get(variable, "").split(",") if host]
        local = [host for host in ("127.0.0.1", "localhost", "::1") if host not in hosts]
        os.environ[variable] = ",".join(hosts + local)
    if "GRADIO_TEMP_DIR" not in os.environ:
        folder = tempfile.mkdtemp(prefix=_FOLDER_PREFIX)
        os.environ["GRADIO_TEMP_DIR"] = folder
        atexit.register(clean_up)
    # Gradio's client library logs every one of its own requests.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with _without_stubs():
        import gradio  # noqa: F401


def clean_up() -> None:
    """Remove every file of the visitors."""
    folder = Path(os.environ.get("GRADIO_TEMP_DIR", ""))
    if folder.name.startswith(_FOLDER_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


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
