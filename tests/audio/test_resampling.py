"""Sample rates: tones stay tones, nothing folds back, nothing shifts."""

import numpy as np
import pytest

from frcrn_app.audio import (
    resample,
    resampling,
    rms_dbfs,
)
from recordings import RATE, noise, snr_db

RATES = [8_000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000, 44_101, 11_127]
TOLERANCE_DB = -100  # of what is not the tone, below the tone


def sine(frequency, rate, count):
    return np.sin(2 * np.pi * frequency * np.arange(count) / rate)[None].astype(np.float32)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_tone_stays_the_same_tone(rate, direction):
    orig, new = (rate, RATE) if direction == "in" else (RATE, rate)
    count = orig // 2 + 7
    frequency = 0.4 * min(orig, new)  # 0.8 of the lower Nyquist frequency
    resampled = resample(sine(frequency, orig, count), orig, new)
    assert resampled.shape == (1, -(-count * new // orig))
    assert resampled.dtype == np.float32
    expected = sine(frequency, new, resampled.shape[1])
    inner = slice(new // 10, -new // 10)  # the ends see the silence beyond them
    assert snr_db(expected[:, inner], resampled[:, inner]) > -TOLERANCE_DB


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate > RATE])
@pytest.mark.parametrize("above", [1.001, 1.2, 1.35])
def test_nothing_above_the_new_band_folds_back(rate, above):
    frequency = above * RATE / 2
    if frequency > rate / 2:
        pytest.skip("not in the original band")
    resampled = resample(sine(frequency, rate, rate // 2), rate, RATE)
    inner = slice(RATE // 10, -RATE // 10)
    assert rms_dbfs(resampled[:, inner]) < TOLERANCE_DB


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_there_and_back_keeps_length_place_and_speech(speech, rate):
    """What the denoiser does with a recording, but for the network."""
    there = resample(speech.samples, RATE, rate)
    back = resample(there, rate, RATE)[:, : speech.samples.shape[1]]
    assert back.shape == speech.samples.shape
    assert snr_db(speech.samples, back) > 40


@pytest.mark.parametrize(("orig", "new"), [(44_100, 16_000), (16_000, 48_000), (44_101, 16_000)])
def test_chunks_give_what_the_whole_gives(monkeypatch, orig, new):
    samples = noise(count=orig, channels=2)
    whole = resample(samples, orig, new)
    monkeypatch.setattr(resampling, "_CHUNK_SAMPLES", 3_000)
    np.testing.assert_allclose(resample(samples, orig, new), whole, atol=1e-6)


def test_channels_are_resampled_as_they_are_alone():
    samples = noise(count=5_001, channels=3)
    together = resample(samples, 44_100, RATE)
    for channel in range(3):
        alone = resample(samples[channel], 44_100, RATE)
        np.testing.assert_allclose(together[channel], alone, atol=1e-6)


@pytest.mark.parametrize("count", [0, 1, 2, 441])
def test_short_sounds_have_the_right_length_too(count):
    for orig, new in ((44_100, 16_000), (16_000, 44_100), (44_101, 16_000)):
        assert resample(noise(count), orig, new).shape == (1, -(-count * new // orig))


def test_long_sounds_have_the_right_length():
    """Single precision cannot count the samples of half an hour."""
    count = 8_000 * 60 * 40 + 1
    assert resample(np.zeros((1, count), np.float32), 8_000, 11_025).shape[1] == -(
        -count * 11_025 // 8_000
    )


def test_the_same_rate_is_no_work():
    samples = noise()
    assert resample(samples, RATE, RATE) is samples
