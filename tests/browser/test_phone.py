"""The page on a phone and on a small tablet."""

import pytest

from steps import FAILED, open_result, upload

PHONE = {"width": 390, "height": 844}
SHIFT = """() => {
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
}"""

COUNT_ALERTS = """() => {
  window.alerts = 0;
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes)
      for (const node of addedNodes) window.alerts += node.matches?.("[role=alert]") ?? false;
  }).observe(document.querySelector("#result"), { childList: true, subtree: true });
}"""


def test_nothing_is_cut_off_and_the_result_comes_into_view(open_page, example_clips):
    page = open_page(viewport=PHONE)
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) <= 390
    open_result(page, example_clips[0])
    page.wait_for_selector("#result .fr-pictures img")
    assert page.evaluate(width) <= 390
    assert page.locator("#result .fr-scale").bounding_box()["height"] < 60  # a line or two of words
    box = page.locator("#result").bounding_box()
    assert -1 <= box["y"] < 500  # neither below the screen nor gone past
    tops = [page.locator(one).bounding_box()["y"] for one in ("#sound", "#result", "#weights")]
    assert tops == sorted(tops)


@pytest.mark.parametrize("size", [PHONE, {"width": 768, "height": 900}])
def test_what_is_wrong_comes_into_view(open_page, size, tmp_path):
    page = open_page(viewport=size)
    page.evaluate(COUNT_ALERTS)
    (tmp_path / "empty.wav").write_bytes(b"")
    upload(page, tmp_path / "empty.wav")
    page.wait_for_selector(FAILED)
    assert 0 <= page.locator(FAILED).bounding_box()["y"] < size["height"] - 100
    page.wait_for_timeout(500)
    assert page.evaluate("window.alerts") == 1  # what reads the page aloud says it once


def test_targets_are_large_enough_for_fingers(open_page, example_clips):
    page = open_page(viewport=PHONE)
    open_result(page, example_clips[0])
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, select, a.fr-download, input")]
          .filter((one) => one.offsetParent && !one.hidden)
          .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
          .filter(([, box]) => box.width && (box.width < 24 || box.height < 24))
          .map(([html]) => html)"""
    )
    assert [html for html in small if "fr-" in html] == []


def test_the_page_does_not_jump_while_it_loads(open_page):
    page = open_page(viewport=PHONE)
    page.evaluate(SHIFT)
    page.wait_for_timeout(1500)
    assert page.evaluate("window.shift") < 0.05
