"""Scores against the clean recording are those of their definitions, however long it is."""

import math

import numpy as np
import pytest

from frcrn_app import metrics
from frcrn_app.errors import MetricError
from frcrn_app.metrics import SAMPLE_RATE as RATE
from frcrn_app.metrics import score


def tone(frequency: float, seconds: float = 1.0, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)


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


@pytest.mark.parametrize(("snr", "code"), [(101, "equal"), (-101, "unrelated")])
def test_si_sdr_beyond_rounding_is_no_number(snr, code):
    target, noise = tone(200), tone(700)
    metrics.si_sdr(target, target + noise * 10 ** (-0.98 * snr / 20))
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


def test_a_constant_has_no_si_sdr():
    with pytest.raises(MetricError) as refused:
        metrics.si_sdr(np.full(RATE, 0.5), tone(200))
    assert refused.value.code == "metrics.constant"


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


def test_a_long_sound_of_which_no_piece_can_be_scored(clean, noisy):
    speech, silence = np.resize(noisy, 16 * RATE), np.zeros(16 * RATE)
    with pytest.raises(MetricError) as refused:
        metrics.pesq_score(np.append(speech, silence), np.append(silence, speech))
    assert refused.value.code == "metrics.silent"


def test_a_pause_has_no_pesq(clean, noisy):
    pause = slice(7 * RATE // 4, 2 * RATE)
    with pytest.raises(MetricError) as refused:
        metrics.pesq_score(clean[pause], noisy[pause])
    assert refused.value.code == "metrics.pesq_no_speech"


def test_half_a_second_with_too_little_speech_is_no_sentinel(clean, noisy):
    """pystoi drops silent frames first, then returns 1e-5 for what is left."""
    part = slice(2 * RATE, 3 * RATE)
    quiet = clean[part].copy()
    quiet[2000:] *= 1e-5
    scores, reasons = score(quiet, noisy[part], ["stoi"])
    assert math.isnan(scores["stoi"])
    assert reasons["stoi"].code == "metrics.stoi_short"


def test_a_sound_that_shares_nothing_has_no_si_sdr():
    with pytest.raises(MetricError) as refused:
        metrics.si_sdr(tone(200), tone(700))
    assert refused.value.code == "metrics.unrelated"
