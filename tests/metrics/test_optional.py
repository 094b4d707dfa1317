"""Scores that need optional packages."""

import os
import subprocess
import sys
from importlib import util

import numpy as np
import pytest

from frcrn_app import metrics
from frcrn_app.errors import MetricError
from paths import ROOT


def test_distillmos_prefers_the_clean_file(speech, noisy_speech, capsys):
    if util.find_spec("distillmos") is None:
        pytest.skip("distillmos is not installed")
    clean, noisy = (audio.samples[0] for audio in (speech, noisy_speech))
    assert metrics.distillmos_score(clean) > 4 > 2 > metrics.distillmos_score(noisy)
    assert capsys.readouterr().out == ""
    # What stands in for torchaudio while distillmos is imported is gone again.
    assert getattr(sys.modules.get("torchaudio"), "__file__", "none") is not None


def test_words_as_a_recogniser_hears_them(speech):
    pytest.importorskip("jiwer")
    pytest.importorskip("pocketsphinx")
    said = "Congratulations. You have successfully INSTALLED and executed the asterisk"
    rate = metrics.word_error_rate(speech.samples[0], f"{said} open source PBX!", "pocketsphinx")
    assert rate == pytest.approx(25)  # it spells: three letters in place of one word
    added = metrics.word_error_rate(speech.samples[0], said, "pocketsphinx")
    assert added == pytest.approx(100 * 5 / 9)


@pytest.mark.parametrize(
    ("text", "recogniser", "code"),
    [
        ("...", "pocketsphinx", "no_words"),
        ("请打开灯", "pocketsphinx", "english_only"),
        ("hello", "telepathy", "no_recogniser"),
    ],
)
def test_what_no_recogniser_can_compare_is_said(speech, text, recogniser, code):
    pytest.importorskip("jiwer")
    with pytest.raises(MetricError) as refused:
        metrics.word_error_rate(speech.samples[0], text, recogniser)
    assert refused.value.code == f"metrics.{code}"


def test_a_recogniser_without_its_model_is_one_sentence(tmp_path):
    pytest.importorskip("jiwer")
    pytest.importorskip("faster_whisper")
    script = """
import numpy as np
from frcrn_app import metrics
noise = np.random.default_rng(0).uniform(-.1, .1, 16_000)
print(metrics.score(None, noise, ["wer"], text="hello")[1]["wer"])
"""
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    heard = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=offline, cwd=ROOT
    )
    assert "could not be fetched" in heard.stdout, heard.stderr
    assert heard.stdout.count("\n") == 1


def test_words_are_scored_where_a_text_is_given():
    pytest.importorskip("jiwer")
    for text, codes in ((None, []), ("hello", ["metrics.silent"])):
        scores, reasons = metrics.score(None, np.zeros(16_000), ["wer"], text=text)
        assert np.isnan(scores["wer"])
        assert [reason.code for reason in reasons.values()] == codes
