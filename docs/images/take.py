"""Take the README's pictures of the demo again: `python docs/images/take.py`.

Needs Chromium and the packages of requirements-dev.txt. Best on a machine that does nothing else:
the pictures show how long the cleaning took.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1]))

from frcrn_app.audio import load_audio, save_audio  # noqa: E402
from frcrn_app.web.app import build_app, close, launch  # noqa: E402
from frcrn_app.web.options import WebOptions  # noqa: E402

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "chromium"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
FLAGS += ["--autoplay-policy=no-user-gesture-required"]
FLAGS += ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
COLOURS = 255  # of a picture: a third of the bytes
EXAMPLE = "Fan, Russian"
MICROPHONE = "pairs/noisy/english_fan.flac"
WIDE = {"viewport": {"width": 1280, "height": 900}}
NARROW = {"viewport": {"width": 390, "height": 1180}, "device_scale_factor": 1.5}


def clean_an_example(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("#weights")
    page.locator(".fr-chip", has_text=EXAMPLE).click()
    page.wait_for_selector("#result .fr-quality table")
    page.focus("#result .fr-waveform")
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.evaluate("document.activeElement.blur()")
    time.sleep(1)  # the pictures fade in


def evaluate_the_examples(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("#weights")
    page.locator("[role=tab][data-tab-id=evaluate]").click()
    page.click("#evaluate-run")
    page.wait_for_selector("#evaluate-status .fr-evaluated", timeout=200_000)
    time.sleep(2)  # the pictures fade in


def clean_a_folder(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("#weights")
    page.get_by_role("tab", name="Batch").click()
    page.set_input_files(
        ".fr-batch input[webkitdirectory]", str(FOLDER.parents[1] / "examples/noisy")
    )
    page.wait_for_selector('.fr-batch[data-state="ended"]', timeout=200_000)


def speak_beside_a_fan(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("#weights")
    page.get_by_role("tab", name="Live").click()
    page.click(".fr-live-tab .fr-go")
    page.wait_for_selector(".fr-live-tab[data-state=running]", timeout=60_000)
    time.sleep(12)  # the spectrograms fill


def save_report(page: Page) -> None:
    """The HTML report of the evaluation that the page shows, as a browser opens it."""
    with page.expect_download() as waiting:
        page.click("#evaluate-html")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / waiting.value.suggested_filename
        waiting.value.save_as(path)
        report = page.context.new_page()
        report.goto(path.as_uri())
        time.sleep(1)
        save(report, "report.png", full_page=False)


def save(page: Page, name: str, full_page: bool) -> None:
    path = FOLDER / name
    page.screenshot(path=path, full_page=full_page)
    # This method keeps the rare colours, such as the small orange squares.
    picture = Image.open(path).convert("RGB")
    picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=2).save(path, optimize=True)
    print(path.name, path.stat().st_size, "bytes")


def main() -> None:
    options = WebOptions()
    app = build_app(options)
    address = launch(app, options)
    app.engine.get().warm_up()
    time.sleep(5)  # until the rest is warm, too
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        speech = save_audio(
            Path(folder) / "speech.wav",
            load_audio(FOLDER.parents[1] / "examples" / MICROPHONE),
            format="wav16",
        )
        flags = [*FLAGS, f"--use-file-for-fake-audio-capture={speech}"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_context(**WIDE).new_page()
        clean_an_example(page, address)
        save(page, "denoise-wide.png", full_page=True)
        page = browser.new_context(**NARROW).new_page()
        clean_an_example(page, address)
        page.evaluate("document.querySelector('#result').closest('.fr-card').scrollIntoView()")
        time.sleep(1)
        save(page, "denoise-narrow.png", full_page=False)
        page = browser.new_context(**WIDE).new_page()
        clean_a_folder(page, address)
        save(page, "batch-wide.png", full_page=True)
        page = browser.new_context(**WIDE).new_page()
        speak_beside_a_fan(page, address)
        save(page, "live-wide.png", full_page=True)
        page.close()
        page = browser.new_context(**WIDE).new_page()
        evaluate_the_examples(page, address)
        page.set_viewport_size({"width": 1280, "height": 1720})
        save(page, "evaluate-wide.png", full_page=False)
        save_report(page)
        browser.close()
    close(app)


if __name__ == "__main__":
    main()
