"""The evaluate tab as a visitor uses it, and the endpoint as a program does."""

import csv
import json
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from axe import violations
from frcrn_app import metrics
from frcrn_app.audio import load_audio

RUN = "#evaluate-run"
RESULT = "#evaluate-status .fr-evaluated"
FAILED = "#evaluate-status .fr-failed"
TABLE = "#evaluate-table"
SLOW = 200_000  # ms; scoring on a busy machine


def open_tab(page):
    page.locator("[role=tab][data-tab-id=evaluate]").click()
    page.wait_for_selector(RUN)
    return page


def keep_metrics(page, *wanted: str) -> None:
    """Switch the others off: each costs time."""
    for box in page.locator("#evaluate-metrics label").all():
        box.locator("input").set_checked(box.inner_text().strip() in wanted)


def column(page, place: int) -> list[str]:
    """What the table shows in a column, from the top."""
    cells = page.locator(f'{TABLE} [role=gridcell][data-col="{place}"]').all()
    shown = sorted((cell.bounding_box()["y"], cell.inner_text().strip()) for cell in cells)
    return [text for _, text in shown]


def colours(page, place: int) -> list[str]:
    """Backgrounds of a column's cells, from the top."""
    cells = page.locator(f'{TABLE} [role=gridcell][data-col="{place}"]').all()
    background = "cell => getComputedStyle(cell).backgroundColor"
    shown = sorted((cell.bounding_box()["y"], cell.evaluate(background)) for cell in cells)
    return [colour for _, colour in shown]


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def heading(page, title: str):
    return page.locator(f'{TABLE} .header-table [role=columnheader][title="{title}"]')


def download(page, kind: str, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.click(f"#evaluate-{kind}")
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    assert target.suffix == f".{kind}"
    return target


def tile(page, title: str) -> float:
    """The large figure of a headline metric."""
    box = page.locator(".tiles > div", has=page.get_by_text(title, exact=True))
    return float(box.locator("b").inner_text())


def wait_until_played(page, sound: int) -> None:
    line = f".fr-listen figure:nth-of-type({sound + 1}) .fr-listen-line"
    page.wait_for_function(f"parseFloat(document.querySelector('{line}').style.left) > 1")


def test_examples_from_one_click_to_three_reports_that_agree(page, tmp_path, example_pairs):
    open_tab(page)
    page.wait_for_selector("#evaluate-status .fr-empty-evaluation")
    keep_metrics(page, "PESQ-WB", "STOI", "SI-SDR (SI-SNR)")
    page.click(RUN)
    page.wait_for_selector("#evaluate-status .fr-progress")
    page.wait_for_selector(RESULT, timeout=SLOW)
    names = sorted(clean.stem for _, clean in example_pairs)
    assert column(page, 0) == names

    assert violations(page) == []

    # Sorting goes by number, and each gain keeps its colour.
    title = "Δ SI-SDR (SI-SNR)"
    place = int(heading(page, title).get_attribute("data-heading"))
    unsorted = column(page, place)
    heading(page, title).hover()
    heading(page, title).locator(".cell-menu-button").click()
    page.get_by_role("menuitem", name="Sort descending").click()
    wanted = sorted(unsorted, key=float, reverse=True)
    wait_for(lambda: column(page, place) == wanted)
    assert heading(page, title).get_attribute("aria-sort") == "descending"
    assert violations(page) == []
    assert sorted(column(page, 0)) == names
    strengths = [float(re.findall(r"[\d.]+", colour)[-1]) for colour in colours(page, place)]
    assert strengths == sorted(strengths, reverse=True)

    # A row of the sorted table plays its own sounds.
    chosen = column(page, 0)[0]
    page.locator(f'{TABLE} [role=gridcell][data-col="0"]', has_text=chosen).first.click()
    page.wait_for_selector(".fr-listen figure")
    assert page.inner_text(".fr-listen h4") == chosen
    shown = [caption.inner_text() for caption in page.locator(".fr-listen figcaption b").all()]
    assert shown[0] == "noisy"
    assert shown[-1] == "clean"
    assert len(shown) == 3
    page.wait_for_function(
        "[...document.querySelectorAll('.fr-listen img')].every((i) => i.naturalWidth > 100)"
    )
    buttons = page.locator(".fr-listen-play")
    buttons.nth(0).click()
    wait_until_played(page, 0)
    buttons.nth(2).click()  # goes on where the other was
    wait_until_played(page, 2)
    assert page.locator(".fr-playing").count() == 1
    buttons.nth(2).click()

    # A listening test is made of it, taken, and deleted; the downloads follow.
    card = page.locator("#evaluate-listening")
    card.get_by_text("MUSHRA").click()
    card.get_by_label("Files").select_option("1")
    card.get_by_role("button", name="Make the test").click()
    card.get_by_text("Nobody has listened yet").wait_for(timeout=SLOW)
    invitation = card.get_by_role("link", name="Open").get_attribute("href")
    assert "Rate how close" in page.request.get(invitation).text()
    listener = page.request.post(f"{invitation}/listeners").json()["listener"]
    (trial,) = page.request.get(f"{invitation}/{listener}").json()["trials"]
    said = {"ratings": dict.fromkeys(trial["stimuli"], 100), "seconds": 1}
    page.request.post(f"{invitation}/{listener}/{trial['token']}", data=said)
    wait_for(lambda: "listening" in json.loads(download(page, "json", tmp_path).read_text("utf-8")))
    page.once("dialog", lambda dialog: dialog.accept())
    card.get_by_role("button", name="Delete").click()
    card.get_by_role("button", name="Make the test").wait_for()
    assert page.request.get(invitation).status == 404

    # Three reports, one set of figures.
    reports = {kind: download(page, kind, tmp_path) for kind in ("csv", "json", "html")}
    content = json.loads(reports["json"].read_text(encoding="utf-8"))
    with reports["csv"].open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    text = re.sub(
        r"<style>.*?</style>|<[^>]+>", " ", reports["html"].read_text("utf-8"), flags=re.S
    )
    own = content["own_system"]
    assert shown[1] == own
    assert [line["name"] for line in lines] == names
    assert {score["system"] for score in content["summary"]} == {"noisy", own}
    for score in content["summary"]:
        key = score["metric"]
        cells = [float(line[f"{score['system']}.{key}"]) for line in lines]
        assert score["mean"] == pytest.approx(sum(cells) / 6, abs=2e-6)
        shown_mean = f"{score['mean']:.{metrics.METRICS[key].decimals}f}".replace("-", "−")
        assert shown_mean in text
        if score["system"] == own:
            title = {"si_sdr": "SI-SDR (SI-SNR), dB"}.get(key, metrics.METRICS[key].title)
            assert tile(page, title) == pytest.approx(score["mean"], abs=0.006)
    noisy, clean = example_pairs[0]
    expected = metrics.si_sdr(load_audio(clean).samples[0], load_audio(noisy).samples[0])
    line = next(line for line in lines if line["name"] == noisy.stem)
    assert float(line["noisy.si_sdr"]) == pytest.approx(expected, abs=1e-4)


@pytest.fixture
def archive(example_pairs, tmp_path) -> Path:
    """Two pairs and a lonely noisy file; one of the other system's files is no sound."""
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for noisy, clean in example_pairs[:2]:
            opened.write(noisy, f"my set/noisy/{noisy.name}")
            opened.write(clean, f"my set/clean/{clean.name}")
        opened.write(example_pairs[0][0], f"my set/mine/{example_pairs[0][0].name}")
        opened.writestr(f"my set/mine/{example_pairs[1][0].name}", "no sound")
        opened.writestr("my set/noisy/lonely.wav", "no partner")
    return path


def test_an_archive_with_faults_in_it_in_chinese_on_a_phone(open_page, archive):
    page = open_tab(open_page("?lang=zh", viewport={"width": 390, "height": 844}))
    page.locator("#evaluate-source label").nth(1).click()
    page.set_input_files("#evaluate-zip input[type=file]", str(archive))
    page.wait_for_selector("#evaluate-zip .file-preview")
    page.locator("#evaluate-denoise input").uncheck()
    keep_metrics(page, "STOI", "SI-SDR (SI-SNR)")
    page.click(RUN)
    page.wait_for_selector(RESULT, timeout=SLOW)
    report = page.inner_text(".fr-report >> nth=0")
    assert "未评分" in report
    assert "lonely.wav" in report
    assert "没有与之对应的文件" in report
    assert "无法作为音频读取" in report
    assert "1/2 个文件" in report
    assert column(page, 0) == ["english_fan", "french_street"]
    assert heading(page, "文件").count() == 1
    # The name stays in sight while the table moves, and the page itself does not move sideways.
    cell = page.locator(f'{TABLE} [role=gridcell][data-col="0"]').first
    before = cell.bounding_box()["x"]
    page.evaluate(f"document.querySelector('{TABLE} .virtual-table-viewport').scrollLeft = 500")
    assert cell.bounding_box()["x"] == pytest.approx(before, abs=1)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    # The words follow the page's language, the figures stay.
    figures = page.locator(".tiles b").all_inner_texts()
    page.click('[data-language="en"]')
    heading(page, "File").wait_for()
    assert "Not scored" in page.inner_text(".fr-report >> nth=0")
    assert page.locator(".tiles b").all_inner_texts() == figures


def test_what_cannot_be_evaluated_is_told_in_a_sentence(page, tmp_path):
    open_tab(page)
    page.locator("#evaluate-source label").nth(1).click()
    page.click(RUN)
    page.wait_for_selector(FAILED)
    assert "upload a zip" in page.inner_text(FAILED)
    page.locator("#evaluate-source label").nth(4).click()
    page.get_by_label("Folder with the noisy files").fill("../../frcrn_app")
    page.click(RUN)
    page.wait_for_function(
        "document.querySelector('#evaluate-status').innerText.includes('may read')"
    )


def test_stopping_gives_the_page_back(page):
    open_tab(page)
    page.click(RUN)
    page.wait_for_selector("#evaluate-status .fr-progress")
    page.click("#evaluate-stop")
    page.wait_for_selector(f"{RESULT}, #evaluate-status .fr-empty-evaluation", timeout=SLOW)
    page.wait_for_selector(f"{RUN}:not([disabled])")
    assert not page.locator("#evaluate-stop").is_visible()


def test_the_endpoint_scores_and_explains(address, example_pairs):
    client_library = pytest.importorskip("gradio_client")
    client = client_library.Client(address, verbose=False)
    noisy, clean = example_pairs[0]
    files = {
        "noisy": [client_library.handle_file(str(noisy))],
        "clean": [client_library.handle_file(str(clean))],
    }
    result, table, page, html = client.predict(
        **files, metrics="si_sdr", weights="frcrn-small", api_name="/evaluate"
    )
    scores = {score["system"]: score["mean"] for score in result["summary"]}
    expected = metrics.si_sdr(load_audio(clean).samples[0], load_audio(noisy).samples[0])
    assert scores["noisy"] == pytest.approx(expected, abs=1e-4)
    assert scores["frcrn-small"] > scores["noisy"]
    assert json.loads(Path(page).read_text(encoding="utf-8")) == result
    assert "frcrn-small.si_sdr" in Path(table).read_text(encoding="utf-8")
    assert Path(html).read_text(encoding="utf-8").startswith("<!doctype html>")
    with pytest.raises(Exception, match="no metric called"):
        client.predict(**files, metrics="loudness", api_name="/evaluate")
