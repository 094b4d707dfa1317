"""The page's own files: where they lie, how the browser gets them, how Gradio's parts start them.

JavaScript is ES modules, which import one another by relative addresses. They are served under an
address that names their content, so that browsers keep them and never mix two versions.
"""

import hashlib
import json
import mimetypes
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

ASSETS = Path(str(files("frcrn_app.web"))) / "assets"
PREFIX = "frcrn"  # of every address that is the demo's own rather than Gradio's

_AT_ONCE = ("common", "player", "denoise")  # folders of modules that the first tab needs

_STYLES = ("page", "layout", "source", "result", "player", "batch", "narrow")  # later ones win


class _Kept(StaticFiles):
    """Static files that browsers may keep for good: other content has another address."""

    def file_response(self, *args, **kwargs) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def routes() -> list[Mount]:
    """What serves the files, and those of Gradio's whose names hold a digest of their content.

    Gradio's own route says nothing of how long its files may be kept, and sends them again to
    browsers that ask whether theirs are still good.
    """
    mimetypes.add_type("text/javascript", ".js")  # some systems call it text/plain
    return [
        Mount(f"/{_folder()}", _Kept(directory=ASSETS)),
        Mount("/assets", _Kept(directory=_gradio_assets())),
    ]


def asset(name: str) -> str:
    """Address of a file, relative to the page."""
    return f"{_folder()}/{name}"


def source(name: str) -> str:
    """The text of a file."""
    return (ASSETS / name).read_text(encoding="utf-8")


def css() -> str:
    """The page's style sheet."""
    return "\n".join(source(f"styles/{name}.css") for name in _STYLES)


def mount_module(name: str, events: Sequence[str] = ()) -> str:
    """The `js_on_load` of a `gr.HTML` that an ES module draws: it calls the module's `mount`.

    Args:
        name: such as "header.js".
        events: that the module triggers. Gradio offers those whose names stand in the code.
    """
    return (
        f"const events = {json.dumps(list(events))};\n"
        f"import(new URL({json.dumps(f'{_folder()}/{name}')}, document.baseURI).href).then(\n"
        "  (module) => module.mount({ element, trigger, props, watch, upload, events }),\n"
        ");"
    )


def head() -> str:
    """The page's <head>: what must run before Gradio draws, and modules to fetch meanwhile."""
    preloads = [
        f'<link rel="modulepreload" href="{_folder()}/{path.relative_to(ASSETS).as_posix()}">'
        for folder in _AT_ONCE
        for path in sorted((ASSETS / folder).glob("*.js"))
    ]
    core = f"<script>window.frcrnGradioCore = {json.dumps(gradio_core())};</script>"
    page = f"<script>{source('inline/page.js')}</script>"
    return "\n".join([core, page, *preloads])


@cache
def gradio_core() -> str:
    """Address of the module of Gradio's that exports `changeLocale`, relative to the page.

    Gradio has no option that changes the language of an open page: its own settings dialogue calls
    this function.
    """
    names = [path.name for path in _gradio_assets().glob("core-*.js")]
    if len(names) != 1:
        raise RuntimeError(f"this version of Gradio has {len(names)} core modules instead of one")
    return f"assets/{names[0]}"


def _gradio_assets() -> Path:
    return Path(str(files("gradio"))) / "templates" / "frontend" / "assets"


@cache
def _folder() -> str:
    """The address of the files, without a slash at its ends."""
    digest = hashlib.sha256()
    for path in sorted(path for path in ASSETS.rglob("*") if path.is_file()):
        digest.update(path.relative_to(ASSETS).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{PREFIX}/assets/{digest.hexdigest()[:12]}"
