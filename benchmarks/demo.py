"""How long people wait at the demo: for the page, for the first sound, and for one another.

    python benchmarks/demo.py

Starts `python app.py` anew for each round, opens it in Chromium, uploads five seconds of noisy
speech and waits until the cleaned sound plays. Then two users clean ten seconds each, one after the
other and at once, over the demo's own interface. Needs Chromium and requirements-dev.txt, and a
machine that does nothing else: all figures are wall time.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from gradio_client import Client, handle_file
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from frcrn_app.audio import Audio, load_audio, save_audio  # noqa: E402

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "chromium"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
FLAGS += ["--autoplay-policy=no-user-gesture-required"]
UPLOAD_SECONDS, SHARED_SECONDS = 5, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    rows: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for _ in range(args.rounds):
            for name, figure in measure_round(browser, Path(folder)).items():
                rows.setdefault(name, []).append(figure)
        browser.close()
    print("| | median |\n|---|---|")
    for name, figures in rows.items():
        print(f"| {name} | {statistics.median(figures):.2f} |")


def measure_round(browser, folder: Path) -> dict[str, float]:
    short, longer = speech(folder, UPLOAD_SECONDS), speech(folder, SHARED_SECONDS)
    began = time.monotonic()
    with demo() as address:
        page = opened(browser, address)
        figures = {"start to page, s": time.monotonic() - began}
        for name in ("first", "later"):
            figures[f"{name} upload to sound, s"] = upload_to_sound(page, short)
            page.close()
            page = opened(browser, address)
        page.close()
        client = Client(address, verbose=False)
        client.predict(handle_file(longer), api_name="/denoise")
        one_after_the_other = min(in_turn(client, longer) for _ in range(5))
        at_once = min(together(client, longer) for _ in range(5))
        figures["two users at once, times one after the other"] = at_once / one_after_the_other
    return figures


@contextmanager
def demo() -> Iterator[str]:
    """The demo in a process of its own, as people start it; gives its address."""
    command = [sys.executable, "-u", str(ROOT / "app.py")]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("FRCRN_", "GRADIO_"))}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    )
    try:
        for line in process.stdout:
            if "http://" in line:
                yield next(word for word in line.split() if word.startswith("http://"))
                break
    finally:
        process.terminate()
        process.wait(timeout=30)


def speech(folder: Path, seconds: int) -> Path:
    """A recording of that length, from the noisy examples."""
    sounds = [
        load_audio(path).samples[0] for path in sorted((ROOT / "examples/pairs/noisy").iterdir())
    ]
    samples = np.concatenate(sounds)[None, : seconds * 16_000]
    return save_audio(folder / f"{seconds}.wav", Audio(samples, 16_000), format="wav16")


def opened(browser, address: str):
    """The page, ready for an upload."""
    page = browser.new_page()
    page.goto(address)
    appeared(page, "#result .fr-empty")
    appeared(page, "#weights")
    return page


def appeared(page, selector: str) -> None:
    """Wait for it, looking at each frame; Playwright's own waiting looks twice a second."""
    page.wait_for_function("(selector) => document.querySelector(selector)", arg=selector)


def upload_to_sound(page, path: Path) -> float:
    """Seconds from choosing a file until its cleaned sound can be played."""
    began = time.monotonic()
    page.set_input_files("#sound input[type=file]", str(path))
    appeared(page, '#result .fr-player[data-ready="true"]')
    return time.monotonic() - began


def in_turn(client: Client, path: Path) -> float:
    began = time.monotonic()
    for _ in range(2):
        client.predict(handle_file(path), api_name="/denoise")
    return time.monotonic() - began


def together(client: Client, path: Path) -> float:
    began = time.monotonic()
    jobs = [client.submit(handle_file(path), api_name="/denoise") for _ in range(2)]
    for job in jobs:
        job.result(timeout=60)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
