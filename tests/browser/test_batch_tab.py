"""The batch tab as a visitor uses it: drop many files, listen, take them away in one archive."""

import base64
import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from axe import violations
from frcrn_app.audio import Audio, load_audio, save_audio
from frcrn_app.web.options import WebOptions
from recordings import RATE, noise, write_by_av

ROWS = ".fr-batch tbody tr"
ENDED = '.fr-batch[data-state="ended"]'
PATIENCE = 250_000  # ms
SOUND = Audio(noise(RATE), RATE)
CODECS = {  # by ending: FFmpeg's encoder
    ".mp3": "libmp3lame",
    ".m4a": "aac",
    ".webm": "libopus",
    ".mka": "flac",
    ".opus": "libopus",
}
DROP = """(files) => {
  const transfer = new DataTransfer();
  for (const { name, content } of files) {
    transfer.items.add(new File([Uint8Array.fromBase64?.(content)
      ?? Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
  }
  for (const type of ["dragover", "drop"]) {
    document.dispatchEvent(
      new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }),
    );
  }
}"""


@pytest.fixture(scope="module")
def address(small_weights) -> Iterator[str]:
    """A demo whose network costs next to nothing."""
    from frcrn_app.web.app import build_app, close, launch

    options = WebOptions(weights=str(small_weights), max_seconds=5400, allow_fetch=False)
    app = build_app(options)
    yield launch(app, options)
    assert close(app)


def recording(path: Path) -> Path:
    """A second of noise in the format of the ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in CODECS:
        return write_by_av(path, noise(48_000), 48_000, codec=CODECS[path.suffix])
    return save_audio(path, SOUND)


@pytest.fixture(scope="module")
def season(tmp_path_factory) -> Path:
    """A folder with folders, a broken file and a note."""
    folder = tmp_path_factory.mktemp("season")
    recording(folder / "one" / "第一集.wav")
    recording(folder / "two" / "a recording with a rather long name that has no end.flac")
    (folder / "two" / "broken.wav").write_bytes(b"RIFF\x10\0\0\0WAVE")
    (folder / "notes.txt").write_text("not audio")
    return folder


def download(page, name: str, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("link", name=name, exact=True).click()
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    return target


def test_twenty_files_of_eight_formats_come_back_in_one_archive(page, tmp_path):
    endings = [".wav", ".flac", ".ogg", *CODECS]
    files = [recording(tmp_path / f"talk {n}{endings[n % 8]}") for n in range(20)]
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF\x10\0\0\0WAVE")
    sent = [
        {"name": path.name, "content": base64.b64encode(path.read_bytes()).decode()}
        for path in [*files, broken]
    ]
    page.evaluate(DROP, sent)  # in the first tab
    page.wait_for_selector(f"{ROWS} >> nth=20")  # which hands them to the batch
    page.wait_for_selector(ENDED, timeout=PATIENCE)
    assert page.locator(f'{ROWS}[data-state="done"]').count() == 20
    problem = page.locator(f'{ROWS}[data-state="failed"]').inner_text()
    assert "broken.wav" in problem
    assert page.locator(".fr-batch-summary").inner_text() == "20 of 21 done · 1 failed"
    with zipfile.ZipFile(download(page, "Download all as zip", tmp_path)) as opened:
        opened.extractall(tmp_path / "back")
    for path in files:
        back = load_audio(tmp_path / "back" / path.name)
        came = load_audio(path)
        assert back.samples.shape == came.samples.shape
        assert (back.sample_rate, back.container) == (came.sample_rate, came.container)
    table = (tmp_path / "back" / "scores.csv").read_text(encoding="utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(table)))
    assert len(lines) == 21
    assert sum(line["status"] == "done" for line in lines) == 20


def test_a_folder_is_played_found_after_a_reload_and_deleted(page, season):
    page.get_by_role("tab", name="Batch").click()
    page.locator(".fr-batch", has_text="up to 1.5 hours each").wait_for()
    page.set_input_files(".fr-batch input[webkitdirectory]", str(season))
    page.wait_for_selector(ENDED, timeout=PATIENCE)
    names = page.locator(".fr-batch-file").all_inner_texts()
    assert len(names) == 3  # the note is left out
    assert any("one/" in name and "第一集.wav" in name for name in names)
    assert violations(page) == []
    play = page.get_by_role("button", name="第一集.wav")
    play.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector('.fr-batch-player .fr-player[data-ready="true"]')
    assert violations(page) == []
    page.get_by_role("button", name="Close the player").click()
    page.reload()
    page.wait_for_selector(f"{ROWS} >> nth=2")
    assert page.get_by_role("tab", name="Batch").get_attribute("aria-selected") == "true"
    page.get_by_role("button", name="Delete all").click()
    page.wait_for_selector('.fr-batch[data-state="empty"]')
    assert page.locator(ROWS).count() == 0


def test_the_tab_fits_a_phone_in_chinese(open_page, season):
    page = open_page("?lang=zh", viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.get_by_role("tab", name="批量处理").click()
    page.set_input_files(".fr-batch input[webkitdirectory]", str(season))
    page.wait_for_selector(ENDED, timeout=PATIENCE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert "已完成 2/3 · 1 个失败" in page.locator(".fr-batch-summary").inner_text()
    small = page.evaluate(
        """() => [...document.querySelectorAll(".fr-batch button, .fr-batch a")]
          .filter((one) => one.offsetParent)
          .filter((one) => Math.min(...["width", "height"].map(
            (side) => one.getBoundingClientRect()[side])) < 24)
          .map((one) => one.outerHTML.slice(0, 90))"""
    )
    assert small == []
    assert violations(page) == []
