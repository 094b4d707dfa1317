"""Infrasound decides neither the level nor the result, and voices pass untouched."""

import numpy as np
import pytest
import torch

from frcrn_app.model import (
    REACH,
    SAMPLE_RATE,
    FRCRNConfig,
    normalisation_gain,
    prepared,
    without_infrasound,
)
from frcrn_app.model.level import BLOCK, FILTER_BLOCK, TARGET_RMS, filtered

INNER = slice(REACH, -REACH)
ONE, TWO = FRCRNConfig(inputs=1), FRCRNConfig(inputs=2)


def _tone(frequency: float, samples: int = 2 * SAMPLE_RATE) -> torch.Tensor:
    return torch.sin(2 * torch.pi * frequency * torch.arange(samples) / SAMPLE_RATE)[None]


def _voice(samples: int = 2 * SAMPLE_RATE) -> torch.Tensor:
    """The harmonics of a voice as deep as they come."""
    return 0.1 * sum(_tone(62 * k, samples) for k in range(1, 20))


def test_voices_pass_untouched_where_infrasound_ends():
    voice = _voice()
    passed = without_infrasound(voice + 3)
    torch.testing.assert_close(passed[:, INNER], voice[:, INNER], rtol=0, atol=1e-3)


@pytest.mark.parametrize(("frequency", "most"), [(5, 1e-3), (20, 0.03), (35, 0.6)])
def test_infrasound_goes(frequency, most):
    tone = _tone(frequency)
    assert without_infrasound(tone)[:, INNER].std() < most * tone.std()


@pytest.mark.parametrize("samples", [1, 2, 100, REACH + 1, SAMPLE_RATE])
def test_a_constant_goes_altogether_whatever_the_length(samples):
    assert without_infrasound(torch.full((2, samples), 0.5)).abs().max() < 1e-5


def test_a_part_is_that_of_the_whole():
    sound = torch.randn(1, FILTER_BLOCK + 30_000, generator=torch.Generator().manual_seed(0)) + 0.2
    whole = without_infrasound(sound)
    for start, stop in ((0, 500), (700, 40_000), (FILTER_BLOCK - 10, None), (60_000, 10**6)):
        part = without_infrasound(sound, start, stop)
        torch.testing.assert_close(part, whole[:, start:stop], rtol=0, atol=1e-5)


@pytest.mark.parametrize("config", [ONE, FRCRNConfig(inputs=2, causal=True)])
def test_networks_that_take_all_get_all(config):
    sound = _voice() + 3
    assert torch.equal(filtered(sound, config), sound)
    assert torch.equal(filtered(sound, config, 10, 20), sound[:, 10:20])


@pytest.mark.parametrize("samples", [2 * SAMPLE_RATE, BLOCK + SAMPLE_RATE])
def test_rumble_leaves_the_level_of_a_voice(samples):
    voice = _voice(samples)
    rumbling = voice + 10 * _tone(7, samples)
    level, expected = normalisation_gain(rumbling, TWO), normalisation_gain(voice, TWO)
    torch.testing.assert_close(level, expected, rtol=0.03, atol=0)
    assert normalisation_gain(rumbling) < 0.1 * expected


def test_sound_comes_to_the_level_of_training():
    sound, gain = prepared(_voice() * 0.01 + 0.3, TWO)
    loud = sound.square() > sound.square().mean()
    rms = float(sound[loud].square().mean().sqrt())
    assert 20 * np.log10(rms / TARGET_RMS) == pytest.approx(0, abs=0.5)
    torch.testing.assert_close(sound, without_infrasound(_voice() * 0.01) * gain, rtol=0, atol=1e-4)
