"""A small corpus on disk: voices are vowel-like tones in syllables, noises are filtered hiss."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy import signal

RATE = 16_000


def voice(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """A harmonic tone of wandering pitch, rising and falling in syllables, float64 `[samples]`.

    The wandering makes it fit itself at no other delay than zero.
    """
    time = np.arange(int(seconds * RATE)) / RATE
    pitch = rng.uniform(90, 260) * (1 + 0.3 * np.sin(2 * np.pi * rng.uniform(0.5, 1.5) * time))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = sum(np.sin(k * phase + rng.uniform(0, 6)) / k for k in range(1, 20))
    syllables = np.clip(np.sin(2 * np.pi * rng.uniform(2, 4) * time), 0, None) ** 0.5
    return 0.1 * tone * syllables


def hiss(rng: np.random.Generator, seconds: float) -> np.ndarray:
    low = rng.uniform(100, 3000)
    sos = signal.butter(2, [low, low * 2], "bandpass", fs=RATE, output="sos")
    return 0.3 * signal.sosfilt(sos, rng.standard_normal(int(seconds * RATE)))


@pytest.fixture(scope="session")
def speech_folder(tmp_path_factory) -> Path:
    """Twelve speakers, a subfolder each, with three utterances of 0.8 to 2.5 s."""
    root = tmp_path_factory.mktemp("corpus") / "speech"
    for speaker in range(12):
        rng = np.random.default_rng((1, speaker))
        for number in range(3):
            path = root / f"speaker{speaker:02d}" / f"{number}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, voice(rng, rng.uniform(0.8, 2.5)), RATE)
    return root


@pytest.fixture(scope="session")
def noise_folder(tmp_path_factory) -> Path:
    """Ten noises side by side, 4 s each, one of them stereo at 44.1 kHz."""
    root = tmp_path_factory.mktemp("corpus") / "noise"
    root.mkdir()
    for kind in range(9):
        soundfile.write(root / f"noise{kind}.flac", hiss(np.random.default_rng((2, kind)), 4), RATE)
    stereo = np.stack([hiss(np.random.default_rng(3), 11.025)] * 2, 1)
    soundfile.write(root / "stereo.wav", stereo, 44_100)
    return root


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")
