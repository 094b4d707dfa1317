"""The report as a file that somebody was sent: it plays, switches and prints, and asks nobody."""

import pytest

from axe import violations
from frcrn_app.evaluation import NOISY, Evaluation, Pair, Row, SoundScores, provenance, summarise
from frcrn_app.report import write_reports

PLAYED = "parseFloat(document.querySelector('.play output').textContent) > {seconds}"


@pytest.fixture(scope="module")
def report(example_pairs, tmp_path_factory):
    """A report on three example pairs, and a system whose output is the clean recording."""
    rows = [
        Row(
            Pair(noisy.stem, noisy, clean, systems={"oracle": clean}),
            {NOISY: SoundScores({"si_sdr": 5.0}), "oracle": SoundScores({"si_sdr": 20.0 + place})},
            duration=7.0,
            input_snr=5.0,
        )
        for place, (noisy, clean) in enumerate(example_pairs[:3])
    ]
    evaluation = Evaluation(
        rows=rows,
        systems=[NOISY, "oracle"],
        metrics=["si_sdr"],
        unpaired=[],
        total=3,
        cancelled=False,
        settings={"align": False, "seed": 0, "workers": 1, "strength": None},
        provenance=provenance(None),
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_reports(evaluation, summarise(evaluation), html=path)
    return path


@pytest.fixture
def page(chromium, report):
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.on(
        "request",
        lambda asked: None if asked.url.startswith(("file:", "data:")) else problems.append(asked),
    )
    page.goto(report.as_uri())
    yield page
    page.close()
    assert problems == []


def test_versions_switch_at_the_same_position_and_one_card_plays_at_a_time(page):
    cards = page.locator(".play")
    assert cards.count() == 3
    first, second = cards.nth(0), cards.nth(1)
    first.get_by_role("button", name="Play").click()
    page.wait_for_function(PLAYED.format(seconds=0.5))
    first.get_by_label("original").check()
    page.wait_for_function(PLAYED.format(seconds=1.0))  # goes on, not from the start
    first.get_by_role("slider").fill("4")
    page.wait_for_function(PLAYED.format(seconds=4.2))
    second.get_by_role("button", name="Play").click()
    second.get_by_role("button", name="Pause").wait_for()
    first.get_by_role("button", name="Play").wait_for()
    second.get_by_role("button", name="Pause").click()


def test_nothing_is_wider_than_a_phone(page):
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_it_prints_without_players_and_follows_dark_mode(page):
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator(".play button").first.is_visible()
    assert page.locator("figure svg").first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(20, 33, 31)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page, scheme):
    page.emulate_media(color_scheme=scheme)
    for width in (390, 1360):
        page.set_viewport_size({"width": width, "height": 844})
        assert violations(page) == []
