"""CSIG, CBAK, COVL and segmental SNR are those of the published code."""

from itertools import pairwise

import numpy as np
import pytest

from frcrn_app import metrics
from frcrn_app.audio import load_audio
from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import MetricError

# CSIG, CBAK, COVL for a PESQ of 2.5, and segmental SNR, of two seconds of two examples, as pysepm
# 0.1.1 has them, a port of the authors' own code. With their PESQ, 48 pairs of VoiceBank-DEMAND
# come to 3.453 / 2.520 / 2.778 and 1.55 dB (noisy files), as in an independent implementation.
PUBLISHED = {
    1: (2.698195, 2.158478, 2.475227, -2.503638),
    2: (3.724746, 3.597124, 3.120803, 14.393097),
}


@pytest.fixture(scope="module")
def pair_of(example_pairs):
    """A function that gives two seconds of an example, clean and noisy, each [samples]."""

    def pair(example: int) -> list[np.ndarray]:
        return [
            load_audio(path).samples[0, SAMPLE_RATE : 3 * SAMPLE_RATE]
            for path in reversed(example_pairs[example])
        ]

    return pair


@pytest.mark.parametrize("example", PUBLISHED)
def test_scores_are_those_of_the_published_code(example, pair_of):
    clean, noisy = pair_of(example)
    found = *metrics.composite_scores(clean, noisy, 2.5), metrics.segmental_snr(clean, noisy)
    assert found == pytest.approx(PUBLISHED[example], abs=2e-6)


def test_quiet_recordings_score_like_loud_ones(pair_of):
    clean, noisy = (0.01 * samples for samples in pair_of(1))
    found = *metrics.composite_scores(clean, noisy, 2.5), metrics.segmental_snr(clean, noisy)
    assert found == pytest.approx(PUBLISHED[1], abs=0.015)


def test_digital_silence_in_the_clean_recording_is_no_distortion_of_speech(pair_of):
    """The published code compares the rounding of its own 1e-16 there, and comes to CSIG 1."""
    clean, noisy = pair_of(1)
    noise = np.random.default_rng(0).normal(scale=0.01, size=SAMPLE_RATE)
    clean, noisy = np.pad(clean, (0, noise.size)), np.append(noisy, noise)
    rating = metrics.composite_scores(clean, noisy, 2.5).csig
    assert rating == pytest.approx(3.361, abs=0.01)  # a third of the frames has an LLR of 0


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


def test_two_overlapping_frames_are_needed():
    assert metrics.segmental_snr(np.full(600, 0.1), np.full(600, 0.2)) == pytest.approx(0, abs=1e-6)
    with pytest.raises(MetricError) as refused:
        metrics.segmental_snr(np.full(599, 0.1), np.full(599, 0.2))
    assert str(refused.value) == "SegSNR needs at least 0.0375 s of audio."
