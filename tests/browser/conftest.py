"""The demo in a real Chromium: one server and one browser for all tests, a fresh page for each."""

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from frcrn_app.audio import load_audio, save_audio
from paths import ROOT

CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome") or ""
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)
WIDE = {"width": 1360, "height": 960}
# A page that is left or loaded again ends what is on its way, such as its event streams.
ENDED_BY_THE_PAGE = (
    "net::ERR_ABORTED",
    "AbortError: signal is aborted",
    "Unexpected error Connection errored out",
)


@pytest.fixture(scope="session")
def address(tmp_path_factory) -> Iterator[str]:
    """A demo of its own process, as people start it; visitors may evaluate examples/pairs."""
    log = (tmp_path_factory.mktemp("demo") / "log.txt").open("w+")
    command = [sys.executable, "-u", str(ROOT / "app.py")]
    command += ["--local-folders", str(ROOT / "examples" / "pairs"), "--max-seconds", "200"]
    command += ["--allow-sharing"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("FRCRN_", "GRADIO_"))}
    demo = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT, env=environment
    )
    printed = []
    for line in demo.stdout:
        printed.append(line)
        if "http://" in line:
            break
    else:
        log.seek(0)
        pytest.fail(f"the demo did not start:\n{''.join(printed)}{log.read()}")
    yield next(word for word in line.split() if word.startswith("http://"))
    demo.terminate()
    demo.wait(timeout=20)
    log.seek(0)
    assert "Traceback" not in log.read()
    log.close()


@pytest.fixture(scope="session")
def at_the_microphone(example_pairs) -> tuple[Path, Path]:
    """What Chromium's fake microphone picks up, over and over: (noisy, clean) of a street."""
    return next(pair for pair in example_pairs if pair[0].stem == "french_street")


@pytest.fixture(scope="session")
def spoken_into_microphone(at_the_microphone, tmp_path_factory) -> Path:
    """The noisy one as the WAV file that Chromium asks for."""
    noisy, _ = at_the_microphone
    path = tmp_path_factory.mktemp("microphone") / "noisy.wav"
    return save_audio(path, load_audio(noisy), format="wav16")


@pytest.fixture(scope="package")
def chromium(spoken_into_microphone):
    """A Chromium without a window.

    It ends with this folder's tests, because as long as it runs, its thread has an event loop and
    tests elsewhere could run none of their own.
    """
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("the browser tests need Debian's package chromium")
    flags = [*FLAGS, f"--use-file-for-fake-audio-capture={spoken_into_microphone}"]
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=flags, headless=True)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def idle() -> defaultdict[str, list]:
    """Contexts that nobody uses, by their settings: the page's files need not come once more."""
    return defaultdict(list)


def forget(context, address: str) -> None:
    """Leaves of a visitor only what the browser keeps of the demo's files."""
    first, *others = context.pages
    for page in others:
        page.close()
    session = context.new_cdp_session(first)
    kinds = {"storageTypes": "cookies,local_storage,indexeddb,cache_storage,service_workers"}
    session.send("Storage.clearDataForOrigin", {"origin": address.rstrip("/")} | kinds)
    context.clear_permissions()
    first.close()


@pytest.fixture
def open_page(chromium, address, idle) -> Iterator[Callable]:
    """A function that opens the demo for a visitor of its own; keywords are Playwright's.

    After the test, no page may have asked another host for anything, logged an error or missed a
    file.
    """
    used = []
    problems = []

    def watch(page) -> None:
        def on_request(request) -> None:
            if not request.url.startswith((address, "data:", "blob:")):
                problems.append(f"outside request: {request.url}")

        def on_failure(request) -> None:
            if request.failure not in ENDED_BY_THE_PAGE:
                problems.append(f"failed request: {request.url} {request.failure}")

        def on_console(message) -> None:
            if message.type == "error" and not message.text.startswith(ENDED_BY_THE_PAGE):
                problems.append(f"console: {message.text}")

        page.on("request", on_request)
        page.on("requestfailed", on_failure)
        page.on("console", on_console)
        page.on("pageerror", lambda error: problems.append(f"script: {error}"))

    def open_page(path: str = "", **settings):
        usual = {"viewport": WIDE, "locale": "en-US", "reduced_motion": "reduce"}
        alike = idle[json.dumps(usual | settings, sort_keys=True)]
        context = alike.pop() if alike else chromium.new_context(**usual | settings)
        used.append((context, alike))
        page = context.new_page()
        page.set_default_timeout(60_000)
        watch(page)
        page.goto(address + path)
        page.wait_for_selector("#result .fr-empty")
        page.wait_for_selector("#weights")
        return page

    yield open_page
    for context, alike in used:
        if context.pages:  # not closed by the test
            forget(context, address)
            alike.append(context)
    assert problems == []


@pytest.fixture
def page(open_page):
    """The demo, opened wide and in English."""
    return open_page()
