"""The HTML page shows the figures of the JSON, can be read anywhere, and tells no secrets."""

import json
import math
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from evaluations import EVIL, KEYS, SETTINGS
from frcrn_app.errors import PairError
from frcrn_app.evaluation import NOISY, Evaluation, Row, provenance, summarise
from frcrn_app.metrics import METRICS
from frcrn_app.report import LANGUAGES, csv_text, html_text, json_text, part, write_reports


class TextOf(HTMLParser):
    """The text of a page without its style, and the tags in it."""

    def __init__(self, page: str):
        super().__init__()
        self.text, self.tags, self.attributes = "", set(), []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes += attributes

    def handle_data(self, data):
        self.text += data + " "


@pytest.fixture(scope="module")
def pages(evaluation, summary) -> dict[str, str]:
    return {language: html_text(evaluation, summary, language) for language in LANGUAGES}


def test_the_page_shows_the_figures_of_the_json(evaluation, summary, pages):
    text = TextOf(pages["en"]).text
    for score in json.loads(json_text(evaluation, summary))["summary"]:
        decimals = METRICS[score["metric"]].decimals
        for value in (score["mean"], score["median"], *score["interval"]):
            assert f"{value:.{decimals}f}".replace("-", "−") in text
        if "gain" in score:
            assert f"{score['gain']:+.{decimals}f}".replace("-", "−") in text
    assert "39 of 40 files" in text
    assert "40 of 41 pairs" in text
    assert "lonely.wav" in text
    assert "ab" * 32 in text


def test_the_page_needs_nothing_from_elsewhere(pages):
    parsed = TextOf(pages["en"])
    assert parsed.tags.isdisjoint({"link", "img", "iframe", "object", "base"})
    addresses = [value for name, value in parsed.attributes if name in ("src", "href")]
    assert all(address.startswith("#") for address in addresses)
    assert not [name for name, _ in parsed.attributes if name.startswith("on")]
    assert "@import" not in pages["en"]
    assert set(re.findall(r"url\((.)", pages["en"])) <= {"#"}
    assert len(pages["en"]) < 400_000


def test_names_are_text_and_never_markup(pages):
    assert "<script>alert" not in pages["en"]
    assert EVIL in TextOf(pages["en"]).text


def test_no_path_user_or_host_is_told(evaluation, summary, pages):
    told = json_text(evaluation, summary) + pages["en"] + csv_text(evaluation)
    assert "secret" not in told
    assert os.uname().nodename not in re.findall(r"[\w.-]+", told)
    assert str(Path.cwd()) not in told


def test_the_page_repeats(evaluation, summary, pages):
    assert html_text(evaluation, summarise(evaluation)) == pages["en"]


def test_the_chinese_page_has_the_same_figures(pages):
    numbers = {
        language: sorted(re.findall(r">([+−]?\d+\.\d{3,4})<", page))
        for language, page in pages.items()
    }
    assert numbers["zh"] == numbers["en"]
    assert "排名" in pages["zh"]
    assert 'lang="zh-CN"' in pages["zh"]
    # The file without a partner, and what it would have been.
    assert '<th scope="row">lonely.wav</th><td>clean</td>' in pages["en"]
    assert '<th scope="row">lonely.wav</th><td>干净</td>' in pages["zh"]


def test_the_verdict_comes_first_and_the_method_last(pages):
    text = TextOf(pages["en"]).text
    order = ["is best", "Ranking", "Pictures", "Summary", "Files", "Method"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_pictures_say_what_they_rest_on_and_name_each_file(evaluation, pages):
    figures = re.findall(r"<figure>.*?</figure>", pages["en"], flags=re.DOTALL)
    assert len(figures) == 8  # four metrics, two gains, two groupings
    assert "<title>file_00: " in figures[0]
    assert re.search(r"n = \d+<", figures[4])
    groups = "".join(figures[6:])
    assert "a (n = 20)" in groups


def test_one_file_alone_and_no_system(evaluation):
    row = evaluation.rows[0]
    alone = Evaluation(
        rows=[Row(row.pair, {NOISY: row.sounds[NOISY]}, duration=2.0)],
        systems=[NOISY],
        metrics=KEYS,
        unpaired=[],
        total=1,
        cancelled=False,
        settings=SETTINGS,
        provenance=provenance(None),
    )
    text = TextOf(html_text(alone, summarise(alone))).text
    assert "Systems side by side" not in text
    assert "Ranking" not in text
    assert "Only the noisy recordings were scored" in text
    assert f"{row.sounds[NOISY].scores['pesq_wb']:.3f}" in text
    assert json.loads(json_text(alone, summarise(alone)))["comparisons"] == []


def test_reports_are_written_whole_or_refused(evaluation, summary, tmp_path):
    paths = write_reports(
        evaluation,
        summary,
        csv=tmp_path / "a/r.csv",
        json=tmp_path / "r.json",
        html=tmp_path / "r.html",
        markdown=tmp_path / "r.md",
        latex=tmp_path / "r.tex",
    )
    assert [path.name for path in paths] == ["r.csv", "r.json", "r.html", "r.md", "r.tex"]
    assert (tmp_path / "a/r.csv").read_text(encoding="utf-8-sig") == csv_text(evaluation)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["a", "r.html", "r.json", "r.md", "r.tex"]
    with pytest.raises(PairError) as raised:
        write_reports(evaluation, summary, csv=tmp_path / "r.json" / "r.csv")
    assert raised.value.code == "report.cannot_write"
    assert raised.value.fields["path"].name == "r.csv"


def test_an_interval_stays_on_its_scale(make_evaluation):
    """Student's t knows no scale: of these it reaches 1.05."""
    values = [0.99, 0.98, 1.0, 0.7, 0.99, 0.99]
    evaluation = make_evaluation({NOISY: {"stoi": values}})
    assert summarise(evaluation).scores[0].score.high > 1
    assert ", 1.0000]" in part("summary", evaluation, summarise(evaluation))


def test_a_group_counts_the_files_that_were_scored(make_evaluation):
    """Before, a bar said how many files there are, whether they have a score or not."""
    scores = {NOISY: {"stoi": [0.5] * 8}, "A": {"stoi": [0.6, math.nan, *[0.6] * 6]}}
    evaluation = make_evaluation(scores)
    html = part("pictures", evaluation, summarise(evaluation))
    assert "0 to 5 dB (n = 4–5)" in html
    assert "5 to 10 dB (n = 3)" in html
