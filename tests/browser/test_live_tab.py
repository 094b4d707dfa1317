"""The live tab with a microphone that plays a noisy recording.

Its network here makes everything half as loud, so that what should be heard is known. What the
embedded network does to noise is tested without a clock, and benchmarks/live_page.py measures both
together.
"""

import base64
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from browser.test_accessibility import violations_in
from frcrn_app.audio import load_audio
from load.load import served
from networks import save_halving
from steps import leave_focus

RUNNING = ".fr-live-tab[data-state=running]"
OVER = ".fr-live-tab[data-state=over]"
PHONE = {"width": 390, "height": 844}
TAP = (Path(__file__).parent / "live_tap.js").read_text()
REFUSING = """() => {
  MediaDevices.prototype.getUserMedia = () =>
    Promise.reject(new DOMException("Permission denied", "NotAllowedError"));
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A demo for one live visitor at a time."""
    weights = save_halving(tmp_path_factory.mktemp("live") / "halving.safetensors")
    with served("--live-weights", weights, "--live-visitors", "1") as server:
        yield server.address


def open_tab(page, name: str = "Live") -> None:
    page.get_by_role("tab", name=name).click()
    page.wait_for_selector(".fr-live-tab .fr-go")


def start(page) -> None:
    page.click(".fr-live-tab .fr-go")
    page.wait_for_selector(RUNNING)


def hear(page, seconds: float) -> None:
    """Wait until so much has been heard since the session began."""
    clocks = "document.querySelector('.fr-keep .fr-small').textContent.match(/(\\d+):(\\d+)/)"
    page.wait_for_function(f"(() => {{ const [, m, s] = {clocks} ?? [0, 0, 0]; "
                           f"return 60 * m + +s >= {seconds}; }})()")  # fmt: skip


def saved(page, name: str, folder) -> np.ndarray:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name).click()
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    return load_audio(target).samples[0]


@contextmanager
def tapped(page):
    """The page, listened in on; yields a function that gives (microphone, sound device, Hz)."""

    def take() -> tuple[np.ndarray, np.ndarray, int]:
        texts, rate = page.evaluate("[takeTapped(), tappedRate]")
        sounds = [np.frombuffer(base64.b64decode(text), np.float32) for text in texts]
        count = min(map(len, sounds))
        return sounds[0][:count], sounds[1][:count], rate

    yield take


def delay_between(first: np.ndarray, second: np.ndarray) -> int:
    """Samples by which the second is later."""
    size = 2 * len(first)
    product = np.conj(np.fft.rfft(first, size)) * np.fft.rfft(second, size)
    return int(np.argmax(np.fft.irfft(product)[: len(first)]))


def came_in_time(cleaned: np.ndarray) -> np.ndarray:
    """Which samples are not those of a frame that came too late, and was played as silence.

    How many frames do is the machine's affair, which benchmarks/live.py measures.
    """
    silent = np.convolve(np.abs(cleaned) < 1e-6, np.ones(160), "same") > 80
    return np.convolve(silent, np.ones(640), "same") == 0


def test_both_versions_are_heard_and_kept_sample_for_sample(open_page, tmp_path):
    page = open_page()
    open_tab(page)
    start(page)
    hear(page, 4)
    page.click(".fr-live-tab .fr-go")
    page.wait_for_selector(OVER)
    original, cleaned = (
        saved(page, name, tmp_path) for name in ("Original as WAV", "Cleaned as WAV")
    )
    assert len(original) == len(cleaned) >= 4 * 16_000
    assert np.abs(original).max() > 0.05
    # But for moments at which nothing came in time, each sample is half of the one beside it.
    in_time = came_in_time(cleaned)
    assert in_time.any()
    assert np.mean(np.abs(cleaned - original / 2)[in_time] < 2e-4) > 0.9


def test_keys_and_buttons_choose_what_is_heard(open_page):
    page = open_page()
    open_tab(page)
    start(page)
    leave_focus(page)
    chosen = "() => document.querySelector('#live [aria-checked=true]').dataset.version"
    assert page.evaluate(chosen) == "cleaned"
    page.keyboard.press("s")
    assert page.evaluate(chosen) == "original"
    page.keyboard.press("b")
    assert page.evaluate(chosen) == "cleaned"
    page.click("#live [data-version=original]")
    assert page.evaluate(chosen) == "original"
    mute = page.get_by_role("button", name="Mute")
    page.locator("#live h2").click()
    leave_focus(page)
    page.keyboard.press("Space")
    assert mute.get_attribute("aria-pressed") == "true"
    mute.click()
    assert mute.get_attribute("aria-pressed") == "false"
    page.get_by_role("slider", name="Strength").fill("40")
    assert "40 %" in page.inner_text("#live .fr-strength")
    box = page.get_by_label("Let the browser process")
    box.check()  # and all goes on
    assert box.evaluate("(node) => getComputedStyle(node).appearance") != "none"  # its mark is seen
    hear(page, 2)
    page.wait_for_function("() => document.querySelector('#live .fr-fact small').textContent")
    page.click(".fr-live-tab .fr-go")
    page.wait_for_selector(OVER)
    assert "Stopped" in page.inner_text(".fr-live-status")


def test_what_is_shown_as_delay_is_the_delay(open_page):
    page = open_page()
    page.add_init_script(TAP)
    page.reload()
    page.wait_for_selector("#weights")
    open_tab(page)
    with tapped(page) as take:
        start(page)
        page.get_by_role("radio", name="Original").click()
        hear(page, 3)
        take()
        shown = []
        for _ in range(12):
            page.wait_for_timeout(250)
            shown.append(int(page.get_attribute(".fr-live-tab", "data-delay")))
        microphone, device, rate = take()
    measured = 1000 * delay_between(microphone, device) / rate
    assert min(shown) - 12 <= measured <= max(shown) + 12  # ms


def test_the_second_visitor_waits_and_then_starts_by_itself(open_page):
    first, second = open_page(), open_page(locale="zh-CN")
    open_tab(first)
    start(first)
    open_tab(second, "实时")
    second.click(".fr-live-tab .fr-go")
    second.wait_for_selector(".fr-live-tab[data-state=waiting]")
    assert "您排在第 1 位" in second.inner_text(".fr-live-status")
    first.context.close()  # closing the page frees its place
    second.wait_for_selector(RUNNING)


def test_what_was_heard_goes_to_the_denoise_tab(open_page):
    page = open_page()
    open_tab(page)
    start(page)
    hear(page, 1)
    page.click(".fr-live-tab .fr-go")
    page.wait_for_selector(OVER)
    page.get_by_role("button", name="Original to the Denoise tab").click()
    page.wait_for_selector("#result .fr-done")
    assert "original.wav" in page.inner_text("#sound .fr-held-name")


def test_without_a_microphone_one_sentence_says_so(open_page):
    page = open_page()
    page.evaluate(REFUSING)
    open_tab(page)
    page.click(".fr-live-tab .fr-go")
    page.wait_for_selector(OVER)
    assert page.inner_text(".fr-live-status") == (
        "No microphone: it is missing, in use, or not allowed for this page."
    )
    assert page.inner_text("#live [role=status]") == page.inner_text(".fr-live-status")


@pytest.mark.parametrize(("locale", "name"), [("en-US", "Live"), ("zh-CN", "实时")])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_state_is_accessible_on_a_phone(open_page, locale, name, theme):
    page = open_page("?__theme=" + theme, color_scheme=theme, viewport=PHONE, locale=locale)
    open_tab(page, name)
    found = violations_in(page, "idle")
    start(page)
    hear(page, 1)
    found += violations_in(page, "running")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    small = page.evaluate(
        """() => [...document.querySelectorAll("#live button, #live input")]
          .filter((one) => one.offsetParent)
          .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
          .filter(([, box]) => box.width < 24 || box.height < 24)
          .map(([html]) => html)"""
    )
    assert small == []
    page.click(".fr-live-tab .fr-go")
    page.wait_for_selector(OVER)
    found += violations_in(page, "over")
    assert found == []
