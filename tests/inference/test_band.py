"""What lies above the network's band follows what the network does, and nothing below changes."""

from functools import partial

import numpy as np
import pytest
from scipy import signal

from frcrn_app.audio import Audio, resample
from frcrn_app.inference import Denoiser

RATE = 48_000


@pytest.fixture(scope="module")
def denoisers():
    """With and without the band above: one that is told so at each call."""
    denoiser = Denoiser()
    return denoiser, partial(denoiser, full_band=False)


@pytest.fixture(scope="module")
def wide_speech(speech) -> np.ndarray:
    """Four seconds at 48 kHz whose fricatives go on above 8 kHz, [samples]."""
    low = resample(speech.samples[:, : 4 * 16_000], 16_000, RATE)[0]
    top = signal.sosfilt(signal.butter(6, (5_000, 7_500), "band", fs=RATE, output="sos"), low)
    envelope = np.sqrt(np.convolve(top**2, np.hanning(960) / np.hanning(960).sum(), "same"))
    hiss = high(np.random.default_rng(0).standard_normal(len(low)))
    return (low + envelope * hiss / hiss.std()).astype(np.float32)


def high(samples: np.ndarray) -> np.ndarray:
    return signal.sosfiltfilt(signal.butter(8, 8_500, "high", fs=RATE, output="sos"), samples)


def level(samples: np.ndarray) -> float:
    """dBFS."""
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-20)


def test_fricatives_keep_what_they_have_above_8_khz(denoisers, wide_speech):
    full, speech_band = (d(Audio(wide_speech, RATE)).samples[0] for d in denoisers)
    assert abs(level(high(full)) - level(high(wide_speech))) < 3
    assert level(high(speech_band)) < level(high(wide_speech)) - 20


def test_noise_in_pauses_does_not_stay(denoisers):
    noise = (0.02 * np.random.default_rng(1).standard_normal(3 * RATE)).astype(np.float32)
    enhanced = denoisers[0](Audio(noise, RATE)).samples[0]
    assert level(high(enhanced)) < level(high(noise)) - 20


def test_nothing_below_changes(denoisers, wide_speech):
    noise = 0.01 * np.random.default_rng(2).standard_normal(len(wide_speech))
    noisy = Audio((wide_speech + noise).astype(np.float32), RATE)
    full, speech_band = (d(noisy).samples[0] for d in denoisers)
    low_pass = signal.butter(8, 7_000, "low", fs=RATE, output="sos")
    difference = signal.sosfiltfilt(low_pass, full - speech_band)
    # A gain that moves spreads what it is applied to, out of hearing.
    assert level(difference) < level(speech_band) - 55


@pytest.mark.parametrize("rate", [44_100, 44_101, 22_050])
def test_every_rate_keeps_its_length(denoisers, noisy_speech, rate):
    noisy = resample(noisy_speech.samples[:, :32_000], 16_000, rate)[:, :-7]
    assert denoisers[0](Audio(noisy, rate)).samples.shape == noisy.shape


def test_parts_of_a_long_recording_meet_without_a_step():
    from frcrn_app.inference.band import restore_band

    hiss = high(np.random.default_rng(3).standard_normal(45 * RATE)).astype(np.float32)[None]
    low = resample(hiss, RATE, 16_000)
    low = low + 0.1 * np.random.default_rng(4).standard_normal(low.shape).astype(np.float32)
    enhanced = np.zeros_like(hiss)
    restore_band(enhanced, hiss, RATE, low, low)
    kept = high(enhanced[0])[RATE:-RATE]
    assert level(kept - high(hiss[0])[RATE:-RATE]) < level(kept) - 40


def test_at_16_khz_there_is_no_band_above(denoisers, noisy_speech):
    both = [d(noisy_speech).samples for d in denoisers]
    np.testing.assert_array_equal(*both)
