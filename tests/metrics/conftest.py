"""A recording, clean and noisy, each [samples] at 16 kHz."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def clean(speech) -> np.ndarray:
    return speech.samples[0]


@pytest.fixture(scope="module")
def noisy(noisy_speech) -> np.ndarray:
    return noisy_speech.samples[0]
