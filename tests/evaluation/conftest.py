"""A small set of real recordings."""

import shutil
from pathlib import Path

import pytest

from frcrn_app.audio import Audio, load_audio, save_audio
from frcrn_app.constants import SAMPLE_RATE as RATE


@pytest.fixture(scope="module")
def small_set(example_pairs, tmp_path_factory) -> Path:
    """noisy/, clean/ and other/, which halves the noise: three pairs of two seconds."""
    root = tmp_path_factory.mktemp("set")
    for noisy_path, clean_path in example_pairs[:3]:
        noisy, clean = (load_audio(path).samples[:, RATE : 3 * RATE] for path in
                        (noisy_path, clean_path))  # fmt: skip
        better = clean + 0.5 * (noisy - clean)
        for folder, samples in (("noisy", noisy), ("clean", clean), ("other", better)):
            path = root / folder / f"{clean_path.stem}.wav"
            save_audio(path, Audio(samples, RATE), format="wav-float")
    return root


@pytest.fixture
def own_set(small_set, tmp_path) -> Path:
    """A copy of it that a test may spoil."""
    return Path(shutil.copytree(small_set, tmp_path / "own"))
