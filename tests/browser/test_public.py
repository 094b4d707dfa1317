"""Visitors as they come: without a microphone, with two tabs open, without a mouse."""

from pathlib import Path

import numpy as np
import pytest

from frcrn_app.audio import load_audio
from frcrn_app.metrics import si_sdr
from steps import (
    DONE,
    download,
    open_again,
    open_result,
    set_strength,
    upload,
    wait_for_state,
)

MOST_TABS = 80  # key presses from one end of the page to the other
# Chromium's own dialogue, which the tests' browser does not show, would answer so.
DENYING = """MediaDevices.prototype.getUserMedia = () =>
  Promise.reject(new DOMException("Permission denied", "NotAllowedError"));"""
NO_MICROPHONE = {
    "en-US": "No microphone: it is missing, in use, or not allowed for this page.",
    "zh-CN": "无法使用麦克风：没有麦克风、正被占用，或本页未获许可。",
}


def go_to(page, selector: str) -> None:
    """Press Tab until what the selector means has the focus."""
    for _ in range(MOST_TABS):
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the Tab key never came to {selector}")


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_who_denies_the_microphone_reads_one_sentence_and_sends_a_file(
    open_page, locale, example_clips
):
    page = open_page(locale=locale)
    page.add_init_script(DENYING)
    page.reload()
    page.wait_for_selector("#weights")
    page.click("#sound .fr-record")
    alert = page.locator("#sound [role=alert]")
    alert.filter(has_text=NO_MICROPHONE[locale]).wait_for()
    assert alert.inner_text() == NO_MICROPHONE[locale]
    assert page.locator("#sound .fr-record").is_visible()  # to try once more
    open_result(page, example_clips[0])
    assert alert.inner_text() == ""


def test_two_tabs_at_once_each_have_their_own_recording(page, example_pairs, tmp_path):
    tabs = [page, open_again(page)]
    for tab, (noisy, _) in zip(tabs, example_pairs, strict=False):
        upload(tab, noisy)
    for number, (tab, paths) in enumerate(zip(tabs, example_pairs, strict=False)):
        tab.wait_for_selector(f"{DONE} h2:has-text('{paths[0].name}')")
        wait_for_state(tab, "ready", "true")
        noisy, clean = map(load_audio, paths)
        cleaned = load_audio(download(tab, tmp_path / f"cleaned {number}"))
        before, after = (si_sdr(clean.samples[0], x.samples[0]) for x in (noisy, cleaned))
        assert after > before + 3
        set_strength(tab, 0)
        original = load_audio(download(tab, tmp_path / f"original {number}"))
        assert np.array_equal(original.samples, noisy.samples)
    for tab, (noisy, _) in zip(tabs, example_pairs, strict=False):
        tab.reload()
        tab.wait_for_selector(f"{DONE} h2:has-text('{noisy.name}')")


def test_a_recording_is_cleaned_heard_and_taken_away_by_keys_alone(
    page, example_clips, tmp_path: Path
):
    go_to(page, "#sound .fr-choose")
    upload(page, example_clips[0])  # what follows Enter is the system's own dialogue
    page.wait_for_selector(DONE)
    wait_for_state(page, "ready", "true")
    go_to(page, "#result .fr-play")
    page.keyboard.press("Space")
    wait_for_state(page, "playing", "true")
    page.keyboard.press("a")
    wait_for_state(page, "active", "original")
    go_to(page, "#result .fr-play")
    page.keyboard.press("Space")
    wait_for_state(page, "playing", "false")
    go_to(page, "#result .fr-download")
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    taken = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(taken)
    assert load_audio(taken).duration == pytest.approx(load_audio(example_clips[0]).duration)


def test_the_page_itself_is_small_on_its_way(page):
    sizes = page.evaluate(
        "(({ encodedBodySize, decodedBodySize }) => [encodedBodySize, decodedBodySize])"
        "(performance.getEntriesByType('navigation')[0])"
    )
    assert 0 < sizes[0] < 80_000 < sizes[1]
