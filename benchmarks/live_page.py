"""What the live tab gives: SI-SDR of what is heard, gaps and delay, in Chromium.

    python benchmarks/live_page.py --seconds 60

starts the demo, opens its live tab with a microphone that plays a noisy example over and over, and
compares both versions that the page keeps with the clean recording. Needs Chromium and
requirements-dev.txt, and a machine that does nothing else: a browser, the server and the network
share its cores.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright
from scipy import signal

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "tests")]

from demo import CHROMIUM, FLAGS  # noqa: E402

from frcrn_app.audio import load_audio, save_audio  # noqa: E402
from frcrn_app.metrics import si_sdr  # noqa: E402
from load.load import served  # noqa: E402

PAIRS = ROOT / "examples" / "pairs"
RATE = 16_000
PART = (
    RATE  # samples that are compared at a time: after a gap the place in the recording is another
)
ALIKE = 0.95  # of the original and the recording it is a part of; less is a gap
LOOK_SECONDS = 0.25  # between two looks at the delay


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--example", default="french_street", help="name of a pair in examples/")
    options = parser.parse_args()
    noisy_path = PAIRS / "noisy" / f"{options.example}.flac"
    noisy, clean = (load_audio(PAIRS / part / noisy_path.name) for part in ("noisy", "clean"))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        microphone = save_audio(Path(folder, "microphone.wav"), noisy, format="wav16")
        fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
        fake.append(f"--use-file-for-fake-audio-capture={microphone}")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *fake])
        with served("--live-visitors", "1") as server:
            server.start_live()
            page = browser.new_page()
            page.goto(server.address)
            delays, gaps = listen(page, options.seconds)
            kept = [saved(page, name, Path(folder)) for name in ("Original", "Cleaned")]
        browser.close()
    spoken, heard, given = compared(*kept, noisy.samples[0], clean.samples[0])
    print("| | |\n|---|---|")
    print(f"| listened, s | {options.seconds:g} |")
    print(f"| compared, s | {len(spoken) / RATE:g} |")
    print(f"| SI-SDR of the original, dB | {si_sdr(spoken, heard):.2f} |")
    print(f"| SI-SDR of the cleaned version, dB | {si_sdr(spoken, given):.2f} |")
    print(f"| gaps | {gaps} |")
    print(f"| delay, median, ms | {statistics.median(delays):.0f} |")


def listen(page: Page, seconds: float) -> tuple[list[int], int]:
    """A session of that length: the delays that were shown, in ms, and the gaps."""
    page.wait_for_selector("#weights")
    page.get_by_role("tab", name="Live").click()
    page.click(".fr-live-tab .fr-go")
    page.wait_for_selector(".fr-live-tab[data-state=running]", timeout=120_000)
    delays = []
    for _ in range(round(seconds / LOOK_SECONDS)):
        page.wait_for_timeout(1000 * LOOK_SECONDS)
        delays.append(int(page.get_attribute(".fr-live-tab", "data-delay") or 0))
    fact = page.locator(".fr-live-tab .fr-fact", has_text="Gaps").locator("dd > span")
    gaps = int(fact.inner_text())
    page.click(".fr-live-tab .fr-go")
    page.wait_for_selector(".fr-live-tab[data-state=over]")
    return [delay for delay in delays if delay], gaps


def saved(page: Page, version: str, folder: Path) -> np.ndarray:
    """What the page keeps of a version, [samples] at 16 kHz."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=f"{version} as WAV").click()
    waiting.value.save_as(folder / f"{version}.wav")
    return load_audio(folder / f"{version}.wav").samples[0]


def compared(
    original: np.ndarray, cleaned: np.ndarray, noisy: np.ndarray, clean: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The clean version of what was said, and both that were heard, where there was no gap.

    Args:
        original, cleaned: what the page kept, [samples], sample-aligned.
        noisy, clean: the recording that the microphone repeats, [samples].
    """
    repeated = np.concatenate((noisy, noisy[:PART]))
    parts = []
    for first in range(0, len(original) - PART, PART):
        part = original[first : first + PART]
        products = signal.correlate(repeated, part, "valid")
        place = int(np.argmax(products))
        there = repeated[place : place + PART]
        norms = np.linalg.norm(there) * np.linalg.norm(part)
        if products[place] > ALIKE * norms:
            spoken = np.resize(np.roll(clean, -place), PART)
            parts.append((spoken, part, cleaned[first : first + PART]))
    if not parts:
        sys.exit("no second without a gap: this machine is too busy")
    spoken, heard, given = (np.concatenate(versions) for versions in zip(*parts, strict=True))
    return spoken, heard, given


if __name__ == "__main__":
    main()
