"""Levels, channels and lengths."""

import numpy as np
import pytest

from frcrn_app.audio import (
    AUDIO_SUFFIXES,
    Audio,
    rms_dbfs,
    to_mono,
)
from recordings import RATE, noise


def test_levels_are_relative_to_full_scale(make_tone):
    assert rms_dbfs(np.ones((2, 100), np.float32)) == pytest.approx(0)
    assert rms_dbfs(make_tone(amplitude=1.0).samples) == pytest.approx(-3.01, abs=0.01)
    assert rms_dbfs(np.zeros((1, 100), np.float32)) == -np.inf
    assert rms_dbfs(np.zeros((1, 0), np.float32)) == -np.inf


def test_mono_is_the_mean_of_the_channels():
    samples = noise(channels=2)
    mono = to_mono(Audio(samples, RATE, "WAV", "PCM_16"))
    np.testing.assert_allclose(mono.samples[0], samples.mean(axis=0), atol=1e-7)
    assert (mono.sample_rate, mono.container, mono.subtype) == (RATE, "WAV", "PCM_16")


def test_a_sound_knows_its_length():
    sound = Audio(np.zeros(24_000), RATE)
    assert (sound.channels, sound.duration, sound.samples.dtype) == (1, 1.5, np.float32)


def test_accepted_suffixes_include_what_people_have():
    common = ".wav .flac .ogg .opus .mp3 .m4a .webm .mp4 .mov"
    assert set(common.split()) <= AUDIO_SUFFIXES
