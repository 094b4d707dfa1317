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
    noisy = np.where(np.arange(noisy.size) % RATE < RATE // 4, 0, noisy)  # where dither decides
    scores, reasons = score(clean, noisy, ["pesq", "stoi", "estoi"], seed=5)
    assert reasons == {}
    assert scores["pesq_wb"] == pytest.approx(pesq.pesq(RATE, clean, noisy, "wb"), abs=1e-6)
    assert scores["pesq_nb"] == pytest.approx(pesq.pesq(RATE, clean, noisy, "nb"), abs=1e-6)
    expected = pystoi.stoi(clean.astype(float), noisy.astype(float), RATE)
    assert scores["stoi"] == pytest.approx(expected, abs=1e-9)
    np.random.seed(5)
    extended = pystoi.stoi(clean.astype(float), noisy.astype(float), RATE, extended=True)
    assert scores["estoi"] == pytest.approx(extended, abs=1e-9)
    assert metrics.stoi_score(clean, noisy, extended=True, seed=6) != scores["estoi"]


# What speechmos 0.0.1.1 itself says, with librosa 0.11 for its mel spectrogram: of two recordings
# that are repeated to the windows' length, and of 17.5 s, whose eighth window it leaves out.
SPEECHMOS = {
    "clean": {"SIG": 3.489252, "BAK": 4.030439, "OVRL": 3.20314, "P808": 3.919028},
    "short": {"SIG": 1.261348, "BAK": 1.174492, "OVRL": 1.079036, "P808": 2.130385},
    "long": {"SIG": 1.253111, "BAK": 1.146686, "OVRL": 1.111115, "P808": 2.203331},
}


@pytest.mark.parametrize("sound", SPEECHMOS)
def test_dnsmos_is_that_of_speechmos(sound, clean, noisy, example_pairs):
    sounds = {
        "clean": lambda: clean[RATE : 6 * RATE],
        "short": lambda: noisy[: RATE * 6 // 5],
        "long": lambda: np.concatenate([noisy, load_audio(example_pairs[1][0]).samples[0], noisy])[
            : RATE * 35 // 2
        ],
    }
    assert metrics.dnsmos(sounds[sound]()) == pytest.approx(SPEECHMOS[sound], abs=5e-5)


@pytest.mark.parametrize("snr", [-5.0, 0.0, 20.0])
def test_si_sdr_of_orthogonal_tones_is_their_ratio(snr):
    target, noise = tone(200), tone(700) * 10 ** (-snr / 20)
    assert metrics.si_sdr(target, target + noise) == pytest.approx(snr, abs=1e-6)


def test_si_sdr_hears_neither_level_nor_offset(clean, noisy):
    plain = metrics.si_sdr(clean, noisy)
    assert metrics.si_sdr(clean, 0.1 * noisy + 0.2) == pytest.approx(plain, abs=1e-4)
    assert metrics.si_sdr(clean, -noisy) == pytest.approx(plain, abs=1e-4)


def test_a_score_does_not_depend_on_the_type_of_numbers(clean, noisy):
    pair = clean[:RATE], noisy[:RATE]
    assert metrics.si_sdr(*(list(map(float, part)) for part in pair)) == metrics.si_sdr(*pair)


@pytest.mark.parametrize(("snr", "code"), [(105, "equal"), (-105, "unrelated")])
def test_si_sdr_beyond_rounding_is_no_number(snr, code):
    target, noise = tone(200), tone(700)
    metrics.si_sdr(target, target + noise * 10 ** (-0.9 * snr / 20))
    with pytest.raises(MetricError) as refused:
        metrics.si_sdr(
            target, target * 10 ** (min(snr, 0) / 20) + noise * 10 ** (-max(snr, 0) / 20)
        )
    assert refused.value.code == f"metrics.{code}"


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


def test_lsd_frame_by_frame(clean, noisy):
    """Gray and Markel's definition, of 32 ms every 16 ms, with 80 dB below the highest bin."""
    clean, noisy = clean[: 2 * RATE + 100], noisy[: 2 * RATE + 100]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    frames = [slice(start, start + 512) for start in range(0, clean.size - 511, 256)]
    power = np.array([
        [np.abs(np.fft.rfft(samples[frame] * window)) ** 2 for frame in frames]
        for samples in (clean, noisy)
    ])  # fmt: skip
    decibel = 10 * np.log10(np.maximum(power, 1e-8 * power[0].max()))
    distances = [math.sqrt(np.mean(difference**2)) for difference in decibel[0] - decibel[1]]
    found = metrics.log_spectral_distance(clean, noisy)
    assert found == pytest.approx(np.mean(distances), abs=1e-9)


def test_lsd_needs_one_frame(clean, noisy):
    part = slice(2 * RATE, 2 * RATE + 512)
    assert metrics.log_spectral_distance(clean[part], noisy[part]) > 0
    with pytest.raises(MetricError) as refused:
        metrics.log_spectral_distance(clean[part][1:], noisy[part][1:])
    assert str(refused.value) == "LSD needs at least 0.032 s of audio."


def test_extended_stoi_repeats_and_leaves_numpys_generator_alone(clean, noisy):
    np.random.seed(1)
    first = metrics.stoi_score(clean, noisy, extended=True)
    after = np.random.random()
    np.random.seed(1)
    assert np.random.random() == after
    np.random.seed(99)
    assert metrics.stoi_score(clean, noisy, extended=True) == first


def test_a_long_sound_scores_like_the_piece_that_it_repeats(clean, noisy):
    """In pieces of at most 30 s; P.862.3 advises against longer ones."""
    pair = [np.resize(samples, 31 * RATE // 2) for samples in (clean, noisy)]
    twice = metrics.pesq_score(*(np.tile(samples, 2) for samples in pair))
    assert twice == pytest.approx(metrics.pesq_score(*pair), abs=1e-6)


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
    silence = np.zeros(16 * RATE)
    part = (np.resize(clean, 16 * RATE), np.resize(noisy, 16 * RATE))
    with_silence = [np.concatenate([sound, silence]) for sound in part]
    expected = metrics.pesq_score(*part)
    assert metrics.pesq_score(*with_silence) == pytest.approx(expected, abs=1e-6)


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
