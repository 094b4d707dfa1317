"""axe-core finds nothing on the denoise tab: in any state, in both themes, wide and narrow."""

import numpy as np
import pytest

from axe import violations
from frcrn_app.audio import load_audio, save_audio
from steps import EMPTY, FAILED, open_result, upload


def violations_in(page, where: str) -> list[str]:
    page.locator("p.loading").first.wait_for(state="detached")  # Gradio's own, of its icons
    return [f"{where}: {violation}" for violation in violations(page)]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 390])
def test_no_state_has_a_violation(open_page, theme, width, example_pairs, tmp_path):
    page = open_page(
        "?__theme=" + theme, color_scheme=theme, viewport={"width": width, "height": 900}
    )
    found = violations_in(page, "empty")
    noisy = load_audio(example_pairs[0][0])
    long = noisy.with_samples(np.tile(noisy.samples, (1, 24)))
    upload(page, save_audio(tmp_path / "long.wav", long, format="wav16"))
    page.wait_for_selector("#result .fr-working")
    found += violations_in(page, "working")
    page.click("#result .fr-cancel")
    page.wait_for_selector(EMPTY)
    (tmp_path / "empty.wav").write_bytes(b"")
    upload(page, tmp_path / "empty.wav")
    page.wait_for_selector(FAILED)
    found += violations_in(page, "failed")
    open_result(page, example_pairs[0][0])
    page.wait_for_selector("#result .fr-quality table")
    page.evaluate("dispatchEvent(new CustomEvent('frcrn-weights', { detail: 'others' }))")
    page.get_by_role("button", name="Share").click()
    page.get_by_text("What browsers do to microphones").click()
    found += violations_in(page, "done")
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_role("meter").wait_for()
    found += violations_in(page, "recording")
    page.get_by_role("button", name="Discard").click()
    page.click("#weights input")
    found += violations_in(page, "menu open")
    assert found == []
