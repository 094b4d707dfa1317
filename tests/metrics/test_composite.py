"""CSIG, CBAK, COVL and segmental SNR are those of the published code."""

from itertools import pairwise

import numpy as np
import pytest

from frcrn_app import metrics
from frcrn_app.audio import load_audio
from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import MetricError

# Means over the six labelled examples. On 48 pairs of VoiceBank-DEMAND the same code gives what an
# independent implementation of the paper does: 3.453 / 2.520 / 2.778 and 1.55 dB (noisy files).
EXAMPLES = (2.4688, 1.9779, 1.7181, 2.5511)


def test_the_examples_have_the_scores_that_they_had(example_pairs):
    scores = []
    for noisy_path, clean_path in example_pairs:
        clean, noisy = (load_audio(path).samples[0] for path in (clean_path, noisy_path))
        scores.append(
            [*metrics.composite_scores(clean, noisy), metrics.segmental_snr(clean, noisy)]
        )
    assert np.mean(scores, axis=0) == pytest.approx(EXAMPLES, abs=1e-3)


@pytest.mark.parametrize("snr", [-5.0, 3.0, 20.0])
def test_segmental_snr_of_even_noise_is_its_snr(snr):
    draw = np.random.default_rng(0)
    clean = draw.choice([-0.1, 0.1], 2 * SAMPLE_RATE)
    noise = draw.choice([-0.1, 0.1], 2 * SAMPLE_RATE) * 10 ** (-snr / 20)
    assert metrics.segmental_snr(clean, clean + noise) == pytest.approx(snr, abs=1e-6)


def test_limits_of_frames_are_those_of_the_paper(speech):
    clean = speech.samples[0]
    assert metrics.segmental_snr(clean, clean) <= 35
    assert metrics.segmental_snr(clean, clean + 1.0) == pytest.approx(-10, abs=0.5)


def test_ratings_stay_on_their_scale_and_fall_with_noise(speech):
    clean = speech.samples[0]
    noise = np.random.default_rng(0).normal(size=clean.size)
    ratings = [metrics.composite_scores(clean, clean + gain * noise) for gain in (0, 1e-3, 1e-2, 1)]
    assert ratings[0] == (5.0, 5.0, 5.0)
    for better, worse in pairwise(ratings):
        assert all(a >= b for a, b in zip(better, worse, strict=True))
    assert all(1 <= rating <= 5 for rating in ratings[-1])


def test_too_short_for_two_frames_is_said():
    with pytest.raises(MetricError) as refused:
        metrics.segmental_snr(np.full(500, 0.1), np.full(500, 0.2))
    assert refused.value.code == "metrics.too_short"
