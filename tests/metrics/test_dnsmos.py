"""DNSMOS is what its publisher's package says."""

import math
import sys

import numpy as np
import pytest

from frcrn_app import metrics
from frcrn_app.audio import load_audio
from frcrn_app.metrics import SAMPLE_RATE as RATE
from frcrn_app.metrics import score

# What speechmos 0.0.1.1 itself says, with librosa 0.11 for its mel spectrogram: of 5.5 s and
# of 1.2 s, which are repeated to two windows and one, and of 17.5 s, whose eighth it leaves out.
SPEECHMOS = {
    "clean": {"SIG": 3.508196, "BAK": 4.041983, "OVRL": 3.231756, "P808": 3.97588},
    "short": {"SIG": 1.261348, "BAK": 1.174492, "OVRL": 1.079036, "P808": 2.130385},
    "long": {"SIG": 1.253111, "BAK": 1.146686, "OVRL": 1.111115, "P808": 2.203331},
}


@pytest.mark.parametrize("sound", SPEECHMOS)
def test_dnsmos_is_that_of_speechmos(sound, clean, noisy, example_pairs):
    sounds = {
        "clean": lambda: clean[RATE : RATE * 13 // 2],
        "short": lambda: noisy[: RATE * 6 // 5],
        "long": lambda: np.concatenate([noisy, load_audio(example_pairs[1][0]).samples[0], noisy])[
            : RATE * 35 // 2
        ],
    }
    assert metrics.dnsmos(sounds[sound]()) == pytest.approx(SPEECHMOS[sound], abs=5e-5)


def test_dnsmos_of_silence_and_beyond_full_scale(noisy):
    scores, reasons = score(None, np.zeros(RATE), ["dnsmos"])
    assert all(math.isnan(value) for value in scores.values())
    assert reasons["dnsmos_ovrl"].code == "metrics.silent"
    loud = np.resize(noisy, 10 * RATE) * (3 / np.abs(noisy).max())
    assert metrics.dnsmos(loud) == metrics.dnsmos(np.clip(loud, -1, 1))


def test_without_its_networks_it_says_what_to_install(noisy, monkeypatch):
    module = sys.modules["frcrn_app.metrics.dnsmos"]
    monkeypatch.setattr(module, "_networks", module._networks.__wrapped__)  # loaded before, maybe
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    reasons = score(None, noisy, ["dnsmos_sig"])[1]
    expected = "DNSMOS needs the package speechmos: pip install speechmos."
    assert str(reasons["dnsmos_sig"]) == expected
