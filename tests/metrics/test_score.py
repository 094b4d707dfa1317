"""Scores agree with their packages, and what cannot be scored is said, never a sentinel."""

import math

import numpy as np
import pesq
import pystoi
import pytest

from frcrn_app import metrics
from frcrn_app.errors import MetricError
from frcrn_app.metrics import SAMPLE_RATE as RATE
from frcrn_app.metrics import score

AGAINST_CLEAN = [key for key, metric in metrics.METRICS.items() if metric.needs_clean]


def test_scores_are_those_of_the_packages(clean, noisy):
    noisy = np.where(np.arange(noisy.size) // RATE == 3, 0, noisy)  # where dither decides
    scores, reasons = score(clean, noisy, ["pesq", "stoi", "estoi"], seed=5)
    assert reasons == {}
    assert scores["pesq_wb"] == pytest.approx(pesq.pesq(RATE, clean, noisy, "wb"), abs=1e-6)
    assert scores["pesq_nb"] == pytest.approx(pesq.pesq(RATE, clean, noisy, "nb"), abs=1e-6)
    expected = pystoi.stoi(clean.astype(float), noisy.astype(float), RATE)
    assert scores["stoi"] == pytest.approx(expected, abs=1e-9)
    np.random.seed(5)
    extended = pystoi.stoi(clean.astype(float), noisy.astype(float), RATE, extended=True)
    assert scores["estoi"] == pytest.approx(extended, abs=1e-9)
    five, six = (metrics.stoi_score(clean, noisy, extended=True, seed=seed) for seed in (5, 6))
    assert scores["estoi"] == five != six


def test_long_recordings_score_alike_in_however_many_blocks(clean, noisy, monkeypatch):
    """An hour is scored in blocks that fit the memory."""
    from frcrn_app.metrics import composite, reference

    keys = ("lsd", "seg_snr", "csig", "cbak", "covl")
    whole, _ = metrics.score(clean, noisy, keys)
    monkeypatch.setattr(composite, "_BLOCK", 100)
    monkeypatch.setattr(reference, "_LSD_BLOCK", 70)
    assert metrics.score(clean, noisy, keys)[0] == pytest.approx(whole, abs=1e-9)
    stoi = metrics.stoi_score(clean, noisy)
    monkeypatch.setattr(reference, "_MAX_STOI_SECONDS", 2.0)
    assert metrics.stoi_score(clean, noisy) == pytest.approx(stoi, abs=0.02)


def silent(samples):
    return np.zeros_like(samples)


def with_nan(samples):
    return np.where(np.arange(samples.size) == 100, np.nan, samples)


def at(level: float, samples):
    """The same at so many dBFS."""
    return samples * (10 ** (level / 20) / np.sqrt(np.mean(np.square(samples))))


BAD_PAIRS = {
    "The clean audio is silent (below -90 dBFS).": lambda clean, noisy: (silent(clean), noisy),
    "The scored audio is silent (below -90 dBFS).": lambda clean, noisy: (clean, at(-91, noisy)),
    "The clean audio has NaN or infinite samples.": lambda clean, noisy: (with_nan(clean), noisy),
    "The scored audio has NaN or infinite samples.": lambda clean, noisy: (clean, noisy + np.inf),
    "The clean audio has 123520 samples and the scored audio 123519; cut both to the same length "
    "first.": lambda clean, noisy: (clean, noisy[:-1]),
    "The clean audio is empty.": lambda clean, noisy: (clean[:0], noisy[:0]),
    "The scored audio is empty.": lambda clean, noisy: (clean, noisy[:0]),
    "The clean audio has 2 axes; scores need one axis, that is mono.": lambda clean, noisy: (
        clean[None],
        noisy[None],
    ),
}


@pytest.mark.parametrize("sentence", BAD_PAIRS)
def test_what_cannot_be_scored_is_nan_with_a_reason(sentence, clean, noisy):
    scores, reasons = score(*BAD_PAIRS[sentence](clean, noisy), AGAINST_CLEAN)
    assert all(math.isnan(value) for value in scores.values()), scores
    assert set(reasons) == set(AGAINST_CLEAN)
    assert {str(reason) for reason in reasons.values()} == {sentence}


def test_quiet_audio_is_scored(clean, noisy):
    quiet = at(-89, noisy)
    assert metrics.si_sdr(clean, quiet) == pytest.approx(metrics.si_sdr(clean, noisy), abs=1e-6)


def test_a_package_that_fails_costs_its_own_score_only(clean, noisy, monkeypatch):
    def fail(*_):
        raise RuntimeError("out of tables" + "!" * 1000)

    monkeypatch.setattr(pesq, "pesq", fail)
    scores, reasons = score(clean, noisy, ["pesq_wb", "si_sdr"])
    assert math.isfinite(scores["si_sdr"])
    assert list(reasons) == ["pesq_wb"]
    said = str(reasons["pesq_wb"])
    assert said.startswith("PESQ-WB failed (RuntimeError: out of tables!")
    assert len(said) < 400

    def refuse(*_):
        raise pesq.BufferTooShortError("too short")

    monkeypatch.setattr(pesq, "pesq", refuse)
    said = str(score(clean, noisy, ["pesq_wb"])[1]["pesq_wb"])
    assert said == "PESQ could not score the recording (too short)."
    monkeypatch.setattr(pesq, "pesq", lambda *_: math.nan)
    assert str(score(clean, noisy, ["pesq_nb"])[1]["pesq_nb"]) == "PESQ came out as nan."


def test_too_short_for_pesq_and_stoi_is_no_sentinel(clean, noisy):
    """PESQ takes a quarter of a second, STOI 0.41 s."""
    start = 2 * RATE
    for length in (160, 3999, 4000, 6559, 6560):
        part = slice(start, start + length)
        scores, reasons = score(clean[part], noisy[part], ["pesq", "stoi", "estoi", "si_sdr"])
        for key, least in (("pesq_wb", 4000), ("pesq_nb", 4000), ("stoi", 6560), ("estoi", 6560)):
            assert math.isfinite(scores[key]) == (length >= least), (key, length)
        assert math.isfinite(scores["si_sdr"])
        if length < 6560:
            said = "STOI needs at least 0.41 s of audio that is not silent."
            assert str(reasons["stoi"]) == str(reasons["estoi"]) == said
        if length < 4000:
            assert str(reasons["pesq_wb"]) == "PESQ needs at least 0.25 s of audio."


def test_a_sound_equal_to_the_clean_one(clean):
    scores, reasons = score(clean, clean, AGAINST_CLEAN)
    assert scores["pesq_wb"] == pytest.approx(4.644, abs=0.001)
    assert scores["stoi"] == pytest.approx(1.0)
    assert scores["lsd"] == 0
    assert math.isnan(scores["si_sdr"])
    assert reasons["si_sdr"].code == "metrics.equal"


def test_without_a_clean_sound_only_dnsmos_is_scored(noisy):
    scores, reasons = score(None, np.resize(noisy, 10 * RATE), ["stoi", "dnsmos"])
    assert math.isnan(scores["stoi"])
    assert reasons == {}
    assert 1 < scores["dnsmos_ovrl"] < 5


def test_names_of_metrics():
    assert metrics.metric_keys(["SI-SNR", "pesq"]) == ["pesq_wb", "pesq_nb", "si_sdr"]
    assert metrics.metric_keys(None)[-1] == "dnsmos_p808"
    assert metrics.metric_keys(["composite"]) == ["seg_snr", "csig", "cbak", "covl"]
    assert metrics.metric_keys(["DNSMOS OVRL"]) == ["dnsmos_ovrl"]
    with pytest.raises(MetricError) as unknown:
        metrics.metric_keys(["stoi", "mos_lqo"])
    assert unknown.value.fields["name"] == "mos_lqo"
