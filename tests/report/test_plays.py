"""The report plays: the telling files of each system, in one file that stays small."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from frcrn_app.audio import load_audio
from frcrn_app.evaluation import load_scored, summarise
from frcrn_app.report import Words, html_text
from frcrn_app.report.plays import choices, plays

EN = Words("en")


def decoded(address: str) -> np.ndarray:
    """Samples of a data address at 16 kHz."""
    kind, data = address.split(",", 1)
    assert kind == "data:audio/ogg;base64"
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(data)), dtype="float32")
    assert rate == 16_000
    return samples


def test_best_worst_and_median_of_a_system_are_chosen(real_evaluation):
    told = {choice.row.name: choice.told for choice in choices(real_evaluation)}
    names = [row.name for row in real_evaluation.rows]  # in order of their gain
    assert told[names[-1]] == [("oracle", "best")]
    assert told[names[0]] == [("oracle", "worst")]
    assert told[names[2]] == [("oracle", "median")]


def test_versions_of_a_file_lie_on_top_of_each_other_at_their_own_loudness(real_evaluation):
    cards = plays(real_evaluation, EN, 2**23)["cards"]
    assert len(cards) == 3
    for card in cards:
        row = next(row for row in real_evaluation.rows if row.name == card["name"])
        paths = [row.pair.noisy, row.pair.systems["oracle"], row.pair.clean]
        assert [v["name"] for v in card["versions"]] == ["original", "cleaned", "clean"]
        for version, path in zip(card["versions"], paths, strict=True):
            heard, wanted = decoded(version["address"]), load_scored(path)
            assert heard.size == wanted.size
            snr = 10 * np.log10(np.mean(wanted**2) / np.mean((heard - wanted) ** 2))
            assert snr > 8  # a lossy codec, in place to the sample
            assert np.std(heard) == pytest.approx(np.std(wanted), rel=0.05)


def test_what_does_not_fit_stays_out_with_a_word(real_evaluation):
    everything = plays(real_evaluation, EN, 2**23)
    sizes = [sum(len(v["address"]) for v in card["versions"]) for card in everything["cards"]]
    some = plays(real_evaluation, EN, sizes[0] + 100)
    assert len(some["cards"]) >= 1
    assert some["left_out"] == 3 - len(some["cards"]) > 0
    page = html_text(real_evaluation, summarise(real_evaluation))
    assert len(page.encode()) < 8 * 2**20
    assert len(re.findall(r'src="data:audio/ogg', page)) == 9


def test_files_that_are_gone_are_passed_over(evaluation, summary):
    assert plays(evaluation, EN, 2**23) == {"cards": [], "left_out": 0, "metric": "PESQ-WB"}
    assert "<audio" not in html_text(evaluation, summary)


def test_what_our_network_made_is_made_again_where_it_was_not_kept(real_evaluation):
    cleaned = []

    def cleaner(audio):
        cleaned.append(audio.samples.shape)
        return audio

    for row in real_evaluation.rows:
        row.pair = replace(row.pair, systems={})
    real_evaluation.own_system = "oracle"
    cards = plays(real_evaluation, EN, 2**23, cleaner)["cards"]
    assert len(cards) == len(cleaned) == 3
    first = next(row for row in real_evaluation.rows if row.name == cards[0]["name"])
    assert load_audio(first.pair.noisy).samples.shape == cleaned[0]
    assert cards[0]["versions"][0]["address"] == cards[0]["versions"][1]["address"]
