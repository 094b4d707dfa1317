"""Scores agree with their packages and with arithmetic, and never with a sentinel."""

import math

import numpy as np
import pesq
import pystoi
import pytest

from frcrn_app import metrics
from frcrn_app.audio import load_audio
from frcrn_app.errors import MetricError
from frcrn_app.metrics import SAMPLE_RATE, score

RATE = SAMPLE_RATE
AGAINST_CLEAN = [key for key, metric in metrics.METRICS.items() if metric.needs_clean]


@pytest.fixture(scope="module")
def clean(speech) -> np.ndarray:
    return speech.samples[0]


@pytest.fixture(scope="module")
def noisy(noisy_speech) -> np.ndarray:
    return noisy_speech.samples[0]


def tone(frequency: float, seconds: float = 1.0, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)


def test_scores_are_those_of_the_packages(clean, noisy):
    scores, reasons = score(clean, noisy, ["pesq", "stoi"])
    assert reasons == {}
    assert scores["pesq_wb"] == pytest.approx(pesq.pesq(RATE, clean, noisy, "wb"), abs=1e-6)
    assert scores["pesq_nb"] == pytest.approx(pesq.pesq(RATE, clean, noisy, "nb"), abs=1e-6)
    expected = pystoi.stoi(clean.astype(float), noisy.astype(float), RATE)
    assert scores["stoi"] == pytest.approx(expected, abs=1e-9)


# What speechmos 0.0.1.1 itself says, with librosa 0.11 for its mel spectrogram: of a sound that is
# repeated to the windows' length, of one with several windows, and of one second.
SPEECHMOS = {
    "clean": {"SIG": 3.617102, "BAK": 4.147951, "OVRL": 3.384317, "P808": 4.059756},
    "two": {"SIG": 1.224944, "BAK": 1.131157, "OVRL": 1.102726, "P808": 2.201182},
    "second": {"SIG": 1.181036, "BAK": 1.144900, "OVRL": 1.062665, "P808": 2.076544},
}


@pytest.mark.parametrize("sound", SPEECHMOS)
def test_dnsmos_is_that_of_speechmos(sound, clean, noisy, example_pairs):
    sounds = {
        "clean": lambda: clean,
        "two": lambda: np.concatenate([noisy, load_audio(example_pairs[1][0]).samples[0]]),
        "second": lambda: noisy[:RATE],
    }
    assert metrics.dnsmos(sounds[sound]()) == pytest.approx(SPEECHMOS[sound], abs=2e-4)


@pytest.mark.parametrize("snr", [-5.0, 0.0, 20.0])
def test_si_sdr_of_orthogonal_tones_is_their_ratio(snr):
    target, noise = tone(200), tone(700) * 10 ** (-snr / 20)
    assert metrics.si_sdr(target, target + noise) == pytest.approx(snr, abs=1e-6)


def test_si_sdr_hears_neither_level_nor_offset(clean, noisy):
    plain = metrics.si_sdr(clean, noisy)
    assert metrics.si_sdr(clean, 0.1 * noisy + 0.2) == pytest.approx(plain, abs=1e-4)
    assert metrics.si_sdr(clean, -noisy) == pytest.approx(plain, abs=1e-4)


def test_input_snr_is_what_was_mixed_whatever_the_gain(clean):
    noise = np.random.default_rng(0).normal(size=clean.size)
    noise *= np.sqrt(np.mean(clean**2) / np.mean(noise**2)) * 10 ** (-5 / 20)
    assert metrics.input_snr(clean, clean + noise) == pytest.approx(5.0, abs=0.1)
    assert metrics.input_snr(clean, 0.3 * (clean + noise)) == pytest.approx(5.0, abs=0.1)


def test_lsd_of_a_gain_is_the_gain():
    noise = np.random.default_rng(0).normal(scale=0.1, size=RATE)
    assert metrics.log_spectral_distance(noise, noise) == 0
    doubled = metrics.log_spectral_distance(noise, 2 * noise)
    assert doubled == pytest.approx(20 * math.log10(2), abs=1e-6)


def test_extended_stoi_repeats_and_leaves_numpys_generator_alone(clean, noisy):
    np.random.seed(1)
    first = metrics.stoi_score(clean, noisy, extended=True)
    after = np.random.random()
    np.random.seed(1)
    assert np.random.random() == after
    np.random.seed(99)
    assert metrics.stoi_score(clean, noisy, extended=True) == first


def test_a_long_sound_scores_like_the_piece_that_it_repeats(clean, noisy):
    def repeated(samples, seconds):
        return np.resize(samples, seconds * RATE)

    once = metrics.pesq_score(repeated(clean, 30), repeated(noisy, 30))
    thrice = metrics.pesq_score(np.tile(repeated(clean, 30), 3), np.tile(repeated(noisy, 30), 3))
    assert thrice == pytest.approx(once, abs=1e-6)


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


def test_more_utterances_than_pesq_has_room_for(clean, noisy):
    """pesq alone crashes the process on this: 100 utterances."""
    word, gap = slice(RATE, RATE + 9600), np.zeros(RATE)
    clean_words = np.concatenate([np.append(clean[word], gap)] * 100)
    noisy_words = np.concatenate([np.append(noisy[word], gap)] * 100)
    noisy_words += np.random.default_rng(0).normal(scale=1e-3, size=noisy_words.size)
    assert 1.0 <= metrics.pesq_score(clean_words, noisy_words) <= 4.65


def test_silent_stretches_of_a_long_sound_are_left_out(clean, noisy):
    silence = np.zeros(30 * RATE)
    part = (np.resize(clean, 30 * RATE), np.resize(noisy, 30 * RATE))
    with_silence = [np.concatenate([sound, silence]) for sound in part]
    expected = metrics.pesq_score(*part)
    assert metrics.pesq_score(*with_silence) == pytest.approx(expected, abs=1e-6)


def silent(samples):
    return np.zeros_like(samples)


def with_nan(samples):
    return np.where(np.arange(samples.size) == 100, np.nan, samples)


BAD_PAIRS = {
    "silent clean": lambda clean, noisy: (silent(clean), noisy),
    "silent scored": lambda clean, noisy: (clean, silent(noisy)),
    "almost silent scored": lambda clean, noisy: (clean, 1e-6 * noisy),
    "NaN in clean": lambda clean, noisy: (with_nan(clean), noisy),
    "infinite scored": lambda clean, noisy: (clean, noisy + np.inf),
    "unequal lengths": lambda clean, noisy: (clean, noisy[:-1]),
    "empty": lambda clean, noisy: (clean[:0], noisy[:0]),
    "two axes": lambda clean, noisy: (clean[None], noisy[None]),
}


@pytest.mark.parametrize("case", BAD_PAIRS)
def test_what_cannot_be_scored_is_nan_with_a_reason(case, clean, noisy):
    scores, reasons = score(*BAD_PAIRS[case](clean, noisy), AGAINST_CLEAN)
    assert all(math.isnan(value) for value in scores.values()), scores
    assert set(reasons) == set(AGAINST_CLEAN)


def test_too_short_for_pesq_and_stoi_is_no_sentinel(clean, noisy):
    start = 2 * RATE
    for length in (160, 3000, 5000):
        part = slice(start, start + length)
        scores, reasons = score(clean[part], noisy[part], ["pesq", "stoi", "estoi", "si_sdr"])
        assert math.isnan(scores["stoi"])
        assert math.isnan(scores["estoi"])
        assert reasons["stoi"].code == "metrics.stoi_short"
        assert math.isfinite(scores["si_sdr"])
        if length < 4000:
            assert math.isnan(scores["pesq_wb"])
            assert reasons["pesq_wb"].code == "metrics.pesq_short"


def test_half_a_second_with_too_little_speech_is_no_sentinel(clean, noisy):
    """pystoi drops silent frames first, then returns 1e-5 for what is left."""
    part = slice(2 * RATE, 3 * RATE)
    quiet = clean[part].copy()
    quiet[2000:] *= 1e-5
    scores, reasons = score(quiet, noisy[part], ["stoi"])
    assert math.isnan(scores["stoi"])
    assert reasons["stoi"].code == "metrics.stoi_short"


def test_a_sound_equal_to_the_clean_one(clean):
    scores, reasons = score(clean, clean, AGAINST_CLEAN)
    assert scores["pesq_wb"] == pytest.approx(4.644, abs=0.001)
    assert scores["stoi"] == pytest.approx(1.0)
    assert scores["lsd"] == 0
    assert math.isnan(scores["si_sdr"])
    assert reasons["si_sdr"].code == "metrics.equal"


def test_a_sound_that_shares_nothing_has_no_si_sdr():
    with pytest.raises(MetricError) as refused:
        metrics.si_sdr(tone(200), tone(700))
    assert refused.value.code == "metrics.unrelated"


def test_without_a_clean_sound_only_dnsmos_is_scored(noisy):
    scores, reasons = score(None, np.resize(noisy, 10 * RATE), ["stoi", "dnsmos"])
    assert math.isnan(scores["stoi"])
    assert reasons == {}
    assert 1 < scores["dnsmos_ovrl"] < 5


def test_dnsmos_of_silence_and_beyond_full_scale(noisy):
    scores, reasons = score(None, np.zeros(RATE), ["dnsmos"])
    assert all(math.isnan(value) for value in scores.values())
    assert reasons["dnsmos_ovrl"].code == "metrics.silent"
    loud = np.resize(noisy, 10 * RATE) * (3 / np.abs(noisy).max())
    assert metrics.dnsmos(loud) == metrics.dnsmos(np.clip(loud, -1, 1))


def test_names_of_metrics():
    assert metrics.metric_keys(["SI-SNR", "pesq"]) == ["pesq_wb", "pesq_nb", "si_sdr"]
    assert metrics.metric_keys(None)[-1] == "dnsmos_p808"
    assert metrics.metric_keys(["composite"]) == ["seg_snr", "csig", "cbak", "covl"]
    assert metrics.metric_keys(["DNSMOS OVRL"]) == ["dnsmos_ovrl"]
    with pytest.raises(MetricError) as unknown:
        metrics.metric_keys(["stoi", "mos_lqo"])
    assert unknown.value.fields["name"] == "mos_lqo"
