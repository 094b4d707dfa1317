"""The three reports say the same, can be read by anyone, and tell nothing that they should not."""

import csv
import io
import json
import math
import os
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from frcrn_app.errors import PairError
from frcrn_app.evaluation import NOISY, Evaluation, Pair, Row, Summary, Unpaired, summarise
from frcrn_app.evaluation.provenance import provenance
from frcrn_app.evaluation.worker import SoundScores
from frcrn_app.metrics import METRICS
from frcrn_app.report import LANGUAGES, as_json, csv_text, html_text, json_text, write_reports
from frcrn_app.report.charts import nice_ticks
from frcrn_app.report.texts import EN, ZH

KEYS = ["pesq_wb", "stoi", "si_sdr", "lsd"]
EVIL = '<script>alert("1")</script> & 测试, "quoted"'


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    """Two systems on 40 files with real-looking scores, some missing, some names odd."""
    generator = np.random.default_rng(0)
    rows = []
    for number in range(40):
        snr = generator.uniform(-5, 20)
        sounds = {}
        for place, system in enumerate((NOISY, "net", EVIL)):
            scores = {
                "pesq_wb": 1.5 + 0.05 * snr + 0.6 * place + generator.normal(0, 0.2),
                "stoi": min(0.99, 0.8 + 0.005 * snr + 0.03 * place),
                "si_sdr": snr + 5 * place + generator.normal(),
                "lsd": 12 - 2 * place + generator.normal(),
            }
            sounds[system] = SoundScores(scores=scores, elapsed=0.5 if system == "net" else None)
        if number == 7:
            sounds["net"] = SoundScores(
                scores=dict.fromkeys(KEYS, math.nan), error="The net sound is silent."
            )
        name = EVIL if number == 3 else f"file_{number:02d}"
        pair = Pair(
            name, Path("/secret/noisy.wav"), Path("/secret/clean.wav"), group="ab"[number % 2]
        )
        rows.append(Row(pair, sounds, duration=generator.uniform(1, 12), input_snr=snr))
    facts = provenance(None) | {
        "weights": {
            "name": "net", "sha256": "ab" * 32, "licence": "Apache-2.0", "parameters": 1234567,
            "config": {}, "device": "cpu", "precision": "float32",
        }
    }  # fmt: skip
    return Evaluation(
        rows=rows,
        systems=[NOISY, "net", EVIL],
        metrics=KEYS,
        unpaired=[Unpaired("lonely.wav", "clean", "no noisy file goes with it")],
        total=41,
        cancelled=True,
        settings={
            "metrics": KEYS, "align": False, "seed": 0, "workers": 2, "denoise": True,
            "strength": 1.0,
        },
        provenance=facts,
        own_system="net",
        elapsed=12.3,
    )  # fmt: skip


@pytest.fixture(scope="module")
def summary(evaluation) -> Summary:
    return summarise(evaluation)


def read_csv(evaluation: Evaluation) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text(evaluation))))


def test_csv_json_and_rows_agree(evaluation, summary):
    lines = read_csv(evaluation)
    files = json.loads(json_text(evaluation, summary))["files"]
    assert len(lines) == len(files) == 40
    for line, file, row in zip(lines, files, evaluation.rows, strict=True):
        assert line["name"] == file["name"] == row.name
        for system in evaluation.systems:
            for key in KEYS:
                value = row.sounds[system].scores[key]
                if math.isnan(value):
                    assert line[f"{system}.{key}"] == ""
                    assert file["scores"][system][key] is None
                    continue
                assert float(line[f"{system}.{key}"]) == file["scores"][system][key]
                assert file["scores"][system][key] == pytest.approx(value, abs=1e-6)
                if system != NOISY:
                    gain = value - row.sounds[NOISY].scores[key]
                    assert float(line[f"{system}.{key}.gain"]) == pytest.approx(gain, abs=1e-6)


def test_the_means_of_the_json_are_those_of_the_csv(evaluation, summary):
    lines = read_csv(evaluation)
    for score in json.loads(json_text(evaluation, summary))["summary"]:
        column = [line[f"{score['system']}.{score['metric']}"] for line in lines]
        values = [float(cell) for cell in column if cell]
        assert score["n"] == len(values)
        assert score["files"] == 40
        assert score["mean"] == pytest.approx(np.mean(values), abs=2e-6)
        assert score["median"] == pytest.approx(np.median(values), abs=2e-6)
        low, high = score["interval"]
        assert low < score["mean"] < high


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


def test_the_page_shows_the_figures_of_the_json(evaluation, summary):
    text = TextOf(html_text(evaluation, summary)).text
    for score in json.loads(json_text(evaluation, summary))["summary"]:
        decimals = METRICS[score["metric"]].decimals
        for value in (score["mean"], score["median"], *score["interval"]):
            assert f"{value:.{decimals}f}".replace("-", "−") in text
        if "gain" in score:
            assert f"{score['gain']:+.{decimals}f}".replace("-", "−") in text
    assert "39 of 40 files" in text
    assert "The net sound is silent." in text
    assert "40 of 41 pairs" in text
    assert "lonely.wav" in text
    assert "ab" * 32 in text


def test_the_page_needs_nothing_from_elsewhere(evaluation, summary):
    page = html_text(evaluation, summary)
    parsed = TextOf(page)
    assert parsed.tags.isdisjoint({"script", "link", "img", "iframe", "object", "base"})
    assert not [value for name, value in parsed.attributes if name in ("src", "href")]
    assert not [name for name, _ in parsed.attributes if name.startswith("on")]
    assert "url(" not in page
    assert "@import" not in page
    assert len(page) < 400_000


def test_names_are_text_and_never_markup(evaluation, summary):
    page = html_text(evaluation, summary)
    assert "<script" not in page
    assert EVIL in TextOf(page).text
    assert read_csv(evaluation)[3]["name"] == EVIL


def test_no_path_user_or_host_is_told(evaluation, summary):
    told = json_text(evaluation, summary) + html_text(evaluation, summary) + csv_text(evaluation)
    assert "secret" not in told
    assert os.uname().nodename not in re.findall(r"[\w.-]+", told)
    assert str(Path.cwd()) not in told


def test_json_says_with_what_it_was_made(evaluation, summary):
    content = json.loads(json_text(evaluation, summary))
    assert {"frcrn_app", "python", "pesq", "pystoi", "speechmos"} <= content["versions"].keys()
    assert content["weights"]["sha256"] == "ab" * 32
    assert content["settings"]["seed"] == content["settings"]["summary_seed"] == 0
    assert content["machine"]["cores"] == os.cpu_count()
    assert content["metrics"]["lsd"]["direction"] == "lower is better"
    assert content["cancelled"] is True
    assert "NaN" not in json_text(evaluation, summary)


def test_reports_repeat(evaluation, summary):
    again = summarise(evaluation)
    assert as_json(evaluation, again) == as_json(evaluation, summary)
    assert html_text(evaluation, again) == html_text(evaluation, summary)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_all_words_with_the_same_blanks(language):
    words = {"en": EN, "zh": ZH}[language]
    assert words.keys() == EN.keys()
    for key, text in words.items():
        assert sorted(re.findall(r"{(\w+)}", text)) == sorted(re.findall(r"{(\w+)}", EN[key])), key


def test_the_chinese_page_has_the_same_figures(evaluation, summary):
    pages = {language: html_text(evaluation, summary, language) for language in LANGUAGES}
    numbers = {
        language: sorted(re.findall(r">([+−]?\d+\.\d{3,4})<", page))
        for language, page in pages.items()
    }
    assert numbers["zh"] == numbers["en"]
    assert "总览" in pages["zh"]
    assert 'lang="zh-CN"' in pages["zh"]
    # The file without a partner, and what it would have been.
    assert "<th>lonely.wav</th><td>clean</td>" in pages["en"]
    assert "<th>lonely.wav</th><td>干净</td>" in pages["zh"]


def test_one_file_alone_and_no_system(evaluation):
    row = evaluation.rows[0]
    alone = Evaluation(
        rows=[Row(row.pair, {NOISY: row.sounds[NOISY]}, duration=2.0)],
        systems=[NOISY],
        metrics=KEYS,
        unpaired=[],
        total=1,
        cancelled=False,
        settings=evaluation.settings,
        provenance=provenance(None),
    )
    text = TextOf(html_text(alone, summarise(alone))).text
    assert "Systems side by side" not in text
    assert f"{row.sounds[NOISY].scores['pesq_wb']:.3f}" in text
    assert json.loads(json_text(alone, summarise(alone)))["comparisons"] == []


def test_reports_are_written_whole_or_refused(evaluation, summary, tmp_path):
    paths = write_reports(
        evaluation, summary, csv=tmp_path / "a/r.csv", json=tmp_path / "r.json",
        html=tmp_path / "r.html",
    )  # fmt: skip
    assert [path.name for path in paths] == ["r.csv", "r.json", "r.html"]
    assert (tmp_path / "a/r.csv").read_text(encoding="utf-8") == csv_text(evaluation)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "r.html", "r.json"]
    with pytest.raises(PairError, match="cannot be written"):
        write_reports(evaluation, summary, csv=tmp_path / "r.json" / "r.csv")


@pytest.mark.parametrize(("low", "high"), [(1.02, 3.4), (-5, 20), (0, 0), (0.91, 0.9123), (-3, -1)])
def test_ticks_are_round_and_enclose(low, high):
    ticks = nice_ticks(low, high, 6)
    assert ticks[0] <= low <= high <= ticks[-1]
    assert 2 <= len(ticks) <= 9
    assert len({round(b - a, 9) for a, b in pairwise(ticks)}) == 1
