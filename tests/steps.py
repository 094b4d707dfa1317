"""What visitors do on the denoise tab, for the tests in a browser."""

from pathlib import Path

FILE_INPUT = "#sound input[type=file]"
DONE = "#result .fr-done"
FAILED = "#result .fr-failed"
EMPTY = "#result .fr-empty"


def upload(page, path: Path) -> None:
    page.set_input_files(FILE_INPUT, str(path))


def open_result(page, path: Path) -> None:
    upload(page, path)
    page.wait_for_selector(DONE)
    wait_for_state(page, "ready", "true")


def open_again(page):
    """The demo in a second tab of the same browser."""
    later = page.context.new_page()
    later.goto(page.url)
    later.wait_for_selector(EMPTY)
    return later


def download(page, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.click("#result .fr-download")
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    return target


def set_strength(page, percent: int) -> None:
    page.locator("#result .fr-strength input").fill(str(percent))


def position(page) -> float:
    return float(page.get_attribute("#result .fr-waveform", "aria-valuenow"))


def player_state(page, name: str) -> str:
    return page.get_attribute("#result .fr-player", f"data-{name}")


def wait_for_state(page, name: str, value: str) -> None:
    page.wait_for_selector(f'#result .fr-player[data-{name}="{value}"]')


def leave_focus(page) -> None:
    page.evaluate("document.activeElement.blur()")


def focused(page) -> str:
    """Classes of the element that has the focus."""
    return page.evaluate("document.activeElement.className")
