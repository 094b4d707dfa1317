"""Learning from a larger network's output as well."""

import numpy as np
import pytest
import soundfile
import torch

from frcrn_app.training import LossWeights
from frcrn_app.training.scoring import enhance
from frcrn_app.training.trainer.objective import Objective
from frcrn_app.weights import load_weights
from paths import ROOT

PAIRS = ROOT / "examples" / "pairs"
SAMPLES = 3 * 16_000


def test_a_teacher_of_another_kind_hears_what_it_was_trained_on():
    """Its output is what it makes of the recording by itself, and counts by its share."""
    noisy, clean = (
        soundfile.read(PAIRS / kind / "english_fan.flac", dtype="float32")[0][:SAMPLES]
        for kind in ("noisy", "clean")
    )
    # A lorry goes by: frcrn-small takes a high-pass and the level without it, its causal pupil
    # the recording as it is.
    noisy = noisy + 0.3 * np.sin(2 * np.pi * 12 * np.arange(SAMPLES, dtype="float32") / 16_000)
    teacher, pupil = load_weights("frcrn-small").model, load_weights("frcrn-live").model.eval()
    (taught,) = enhance(teacher, [noisy])

    def loss(target, **teaching):
        objective = Objective(pupil, LossWeights(), **teaching)
        with torch.no_grad():
            batch = (torch.from_numpy(waveform)[None] for waveform in (noisy, target))
            return float(objective(pupil.mask, *batch))

    of_clean, of_taught = loss(clean), loss(taught)
    assert of_taught != pytest.approx(of_clean, rel=0.1)
    for share in (1.0, 0.25):
        expected = (1 - share) * of_clean + share * of_taught
        measured = loss(clean, teacher=teacher, teacher_share=share)
        assert measured == pytest.approx(expected, rel=0.01)
