"""The loss is lowest where the sound is right, and never breaks training."""

import math

import pytest
import torch

from frcrn_app.training.losses import (
    RESOLUTIONS,
    LossWeights,
    compressed_spectrum_loss,
    enhancement_loss,
    mask_loss,
    si_snr,
    snr,
)


@pytest.fixture
def clean(speech) -> torch.Tensor:
    return torch.from_numpy(speech.samples[:, :32_000].copy())


@pytest.fixture
def noise() -> torch.Tensor:
    return 0.02 * torch.randn(1, 32_000, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("resolutions", range(1, len(RESOLUTIONS) + 1))
def test_less_noise_is_less_loss(clean, noise, resolutions):
    weights = LossWeights(resolutions=resolutions, over_suppression=20)
    losses = [float(enhancement_loss(clean + k * noise, clean, weights)) for k in (0, 0.3, 1, 3)]
    assert losses == sorted(losses)


def test_the_level_counts_though_si_snr_does_not_hear_it(clean):
    weights = LossWeights()
    assert enhancement_loss(0.5 * clean, clean, weights) > enhancement_loss(clean, clean, weights)


def test_missing_speech_costs_extra_and_left_noise_does_not(clean):
    plain, strict = LossWeights(), LossWeights(over_suppression=70)
    quiet, loud = 0.5 * clean, 2 * clean
    extra = [
        float(
            compressed_spectrum_loss(x, clean, strict) - compressed_spectrum_loss(x, clean, plain)
        )
        for x in (quiet, loud)
    ]
    assert extra[0] > 0.1
    assert extra[1] == pytest.approx(0, abs=1e-5)


def test_si_snr_is_what_its_definition_says(clean, noise):
    noise = noise - noise.mean()
    clean = clean - clean.mean()
    noise = noise - (noise * clean).sum() / clean.square().sum() * clean  # orthogonal
    expected = 10 * torch.log10(clean.square().sum() / noise.square().sum())
    for gain in (0.1, 1.0, 5.0):
        torch.testing.assert_close(
            si_snr(gain * (clean + noise), clean)[0], expected, atol=1e-2, rtol=0
        )


def test_the_plain_ratio_asks_for_the_level(clean, noise):
    expected = 10 * torch.log10(clean.square().sum() / noise.square().sum())
    torch.testing.assert_close(snr(clean + noise, clean)[0], expected, atol=1e-2, rtol=0)
    assert float(snr(0.5 * clean, clean)[0]) == pytest.approx(20 * math.log10(2), abs=0.01)


@pytest.mark.parametrize("estimate", ["silence", "noise"])
def test_silent_targets_and_estimates_have_finite_gradients(noise, estimate):
    x = (torch.zeros_like(noise) if estimate == "silence" else noise).requires_grad_()
    target = torch.zeros_like(noise)
    enhancement_loss(x, target, LossWeights(resolutions=3, snr=1)).mean().backward()
    assert x.grad.isfinite().all()


def test_the_ideal_mask_has_no_loss(clean, noise):
    noisy = torch.view_as_real(
        torch.stft(clean + noise, 640, 320, return_complex=True, window=torch.hann_window(640))
    )
    noisy = noisy.permute(0, 3, 1, 2)
    ones = torch.zeros_like(noisy)
    ones[:, 0] = 1
    assert float(mask_loss(ones, noisy, noisy)) < 1e-2
    assert float(mask_loss(ones, noisy, 0.5 * noisy)) > 0.1
