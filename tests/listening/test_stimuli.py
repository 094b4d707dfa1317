"""Sounds of a test: as loud, as long and as anonymous as each other."""

import io

import numpy as np
import pytest
import soundfile

from frcrn_app.audio import load_audio, loudness, save_audio
from frcrn_app.listening import MAX_SECONDS, make_stimuli, plan, signals, stimulus_wav
from frcrn_app.listening.stimuli import low_pass
from listenings import sources

RATE = 16_000


def decoded(wav: bytes) -> np.ndarray:
    return soundfile.read(io.BytesIO(wav))[0]


def test_all_signals_are_equally_loud_and_equally_large(evaluation, tmp_path):
    design = plan(evaluation, "mushra", files=1)
    target = tmp_path / "0.npy"
    seconds = make_stimuli(sources(evaluation, design, 0), target)
    names = signals(design)
    assert names == ("reference", "anchor35", "noisy", "oracle")
    wavs = [stimulus_wav(target, place, bytes([place])) for place in range(len(names))]
    assert len({len(wav) for wav in wavs}) == 1
    assert len({wav[:44] for wav in wavs}) == 1
    levels = [loudness(decoded(wav), RATE) for wav in wavs]
    assert max(levels) - min(levels) < 0.5
    assert seconds == pytest.approx(decoded(wavs[0]).size / RATE)
    # The oracle is the clean recording: heard alike, but no file tells.
    assert wavs[0] != wavs[3]
    assert np.abs(decoded(wavs[0]) - decoded(wavs[3])).max() < 4 / 32768


def test_the_anchor_is_as_dull_as_the_recommendation_asks():
    impulse = np.zeros(RATE)
    impulse[RATE // 2] = 1
    response = low_pass(impulse)
    assert np.argmax(np.abs(response)) == RATE // 2
    decibels = 20 * np.log10(np.abs(np.fft.rfft(response)) + 1e-12)  # [Hz]
    assert np.abs(decibels[:3500]).max() < 0.1
    assert decibels[4000:].max() < -25
    assert decibels[4500:].max() < -50


def test_a_known_lag_is_taken_out_and_long_files_are_cut(example_pairs, tmp_path):
    clean = load_audio(example_pairs[0][1])
    long = np.tile(clean.samples, (1, 3))
    late = np.pad(long, ((0, 0), (480, 0)))
    paths = {}
    for name, samples in {"on_time": long, "late": late}.items():
        audio = clean.with_samples(samples)
        paths[name] = save_audio(tmp_path / f"{name}.wav", audio, format="wav-float")
    target = tmp_path / "0.npy"
    assert make_stimuli(paths, target, {"late": 480 / RATE}) == MAX_SECONDS
    first, second = np.load(target)
    np.testing.assert_allclose(first, second, atol=1e-4)


def test_silence_stays_silence(example_pairs, tmp_path):
    clean = load_audio(example_pairs[0][1])
    silent = save_audio(tmp_path / "silent.wav", clean.with_samples(0 * clean.samples))
    make_stimuli({"clean": example_pairs[0][1], "silent": silent}, tmp_path / "0.npy")
    heard, nothing = np.load(tmp_path / "0.npy")
    assert heard.any()
    assert not nothing.any()
