"""Loudness as ITU-R BS.1770 measures it, and recordings brought to one."""

import sys

import numpy as np
import pyloudnorm
import pytest

from frcrn_app.audio import Audio, check_loudness, load_audio, loudness, to_loudness, true_peak
from frcrn_app.errors import AudioError


def test_a_recording_measures_as_pyloudnorm_measures_it_whole(example_clips):
    for path in example_clips:
        audio = load_audio(path)
        samples = np.tile(audio.samples, (1, 12))  # of several pieces
        whole = pyloudnorm.Meter(audio.sample_rate).integrated_loudness(samples.T)
        assert loudness(samples, audio.sample_rate) == pytest.approx(whole, abs=0.01)


def test_channels_of_low_frequencies_do_not_count(make_tone):
    tone = make_tone(channels=2, sample_rate=48_000).samples
    quiet = np.zeros_like(tone[:1])
    surround = np.concatenate([tone, quiet, 3 * tone[:1], quiet, quiet])
    assert loudness(surround, 48_000) == pytest.approx(loudness(tone, 48_000), abs=0.01)


def test_peaks_between_samples_are_found():
    time = np.arange(48_000) / 48_000
    between = 0.5 * np.sin(2 * np.pi * 12_000 * time + np.pi / 4)  # samples at .354 alone
    assert true_peak(between) == pytest.approx(-6.02, abs=0.2)
    assert true_peak(np.zeros(100)) == -np.inf


@pytest.mark.parametrize("target", [-16.0, -19.0, -23.0])
def test_recordings_get_the_loudness_that_was_asked_for_or_a_note(example_clips, target):
    for path in example_clips:
        audio = load_audio(path)
        louder = to_loudness(audio, target)
        reached = loudness(louder.samples, audio.sample_rate)
        assert true_peak(louder.samples) <= -1 + 1e-4
        noted = [note for note in louder.notes if note.code == "audio.note.loudness_limited"]
        if noted:
            assert noted[0].fields["reached"] == pytest.approx(reached, abs=0.05)
            assert true_peak(louder.samples) == pytest.approx(-1, abs=0.01)
            assert f"not {target:g}" in noted[0].sentence()
        else:
            assert reached == pytest.approx(target, abs=0.1)


def test_silence_stays_silent_and_is_told():
    silent = to_loudness(Audio(np.zeros((1, 16_000), np.float32), 16_000), -16)
    assert not silent.samples.any()
    assert [note.code for note in silent.notes] == ["audio.note.loudness_silent"]


@pytest.mark.parametrize("target", [0.0, -100.0, float("nan")])
def test_a_loudness_that_cannot_be_is_refused(speech, target):
    with pytest.raises(AudioError) as refused:
        to_loudness(speech, target)
    assert refused.value.code == "audio.loudness_target"


def test_a_missing_package_is_told_before_there_is_audio(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyloudnorm", None)
    assert check_loudness(None) is None
    with pytest.raises(AudioError) as refused:
        check_loudness(-16.0)
    assert refused.value.code == "audio.loudness_missing"
