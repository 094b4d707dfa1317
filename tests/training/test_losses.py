"""The loss is lowest where the output is right, and never breaks training."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from frcrn_app.training.intelligibility import IntelligibilityLoss
from frcrn_app.training.losses import (
    EPSILON,
    RESOLUTIONS,
    EnhancementLoss,
    LossWeights,
    compressed_spectrum_loss,
    mask_loss,
    si_snr,
    snr,
)
from frcrn_app.training.perceptual import PerceptualLoss

ALL_TERMS = LossWeights(resolutions=3, si_snr=1, over_suppression=10, silence=3, intelligibility=60)


@pytest.fixture
def clean(speech) -> torch.Tensor:
    return torch.from_numpy(speech.samples[:, :32_000].copy())


@pytest.fixture
def noise() -> torch.Tensor:
    return 0.02 * torch.randn(1, 32_000, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("resolutions", range(1, len(RESOLUTIONS) + 1))
def test_less_noise_is_less_loss(clean, noise, resolutions):
    loss = EnhancementLoss(LossWeights(resolutions=resolutions, over_suppression=20))
    losses = [float(loss(clean + k * noise, clean)) for k in (0, 0.3, 1, 3)]
    assert losses == sorted(losses)


def test_the_level_counts_though_si_snr_does_not_hear_it(clean):
    loss = EnhancementLoss(LossWeights())
    assert loss(0.5 * clean, clean) > loss(clean, clean)


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
    loss = EnhancementLoss(ALL_TERMS)(x, target).mean()
    loss.backward()
    assert x.grad.isfinite().all()
    assert loss.isfinite()
    for ratio in (snr, si_snr):
        assert ratio(x.detach(), target).isfinite().all()


def _spectrum(waveform):
    spectrum = torch.stft(waveform, 640, 320, return_complex=True, window=torch.hann_window(640))
    return torch.view_as_real(spectrum).permute(0, 3, 1, 2)


def _constant_mask(like, real, imaginary=0.0):
    mask = torch.empty_like(like)
    mask[:, 0], mask[:, 1] = real, imaginary
    return mask


def test_the_ideal_mask_has_no_loss(clean, noise):
    noisy = _spectrum(clean + noise)
    assert float(mask_loss(_constant_mask(noisy, 1), noisy, noisy)) < 1e-2
    # A quarter turn: multiplied by i, the real part becomes minus the imaginary one.
    turned = torch.stack((-noisy[:, 1], noisy[:, 0]), 1)
    assert float(mask_loss(_constant_mask(noisy, 0, 1), noisy, turned)) < 1e-2


@pytest.mark.parametrize(("gain", "ideal"), [(1.5, 1.5), (-1.5, -1.5), (3.0, 2.0), (-3.0, -2.0)])
def test_the_ideal_mask_is_bounded_as_the_networks_own(noise, gain, ideal):
    noisy = _spectrum(100 * noise)  # white and loud, so that no bin is near the epsilon
    loss = mask_loss(_constant_mask(noisy, ideal), noisy, gain * noisy)
    assert float(loss) == pytest.approx(0, abs=1e-3)
    # A mask that is off by a half in one part costs the square of it in every bin.
    off = mask_loss(_constant_mask(noisy, ideal, 0.5), noisy, gain * noisy)
    assert float(off) == pytest.approx(0.25, abs=1e-3)


NOTHING = LossWeights(magnitude=0, complex=0, si_snr=0, snr=0, mask=0, perceptual=0)


@pytest.mark.parametrize("term", ["snr", "si_snr"])
def test_above_30_decibels_a_ratio_is_worth_no_more(clean, noise, term):
    loss = EnhancementLoss(replace(NOTHING, **{term: 0.5}))
    noise = noise * (clean.norm() / noise.norm())

    def at(decibels):
        return float(loss(clean + 10 ** (-decibels / 20) * noise, clean))

    assert at(20) == pytest.approx(-0.5 * 20, abs=0.1)
    assert at(29) == pytest.approx(-0.5 * 29, abs=0.1)
    assert at(40) == at(60) == pytest.approx(-0.5 * 30, abs=1e-4)


def test_ratios_pesq_and_stoi_do_not_count_where_the_target_is_silent(noise, clean):
    loss = EnhancementLoss(replace(NOTHING, snr=1, si_snr=1, perceptual=12, intelligibility=60))
    estimate, target = torch.cat((noise, clean)), torch.cat((torch.zeros_like(noise), clean))
    silent, audible = loss(estimate + 0.1 * noise, target)
    assert silent == 0
    assert audible < -20
    # -70 dBFS of a target is audible, -90 dBFS is not.
    for level_dbfs, counts in ((-70, True), (-90, False)):
        quiet = clean / clean.square().mean().sqrt() * 10 ** (level_dbfs / 20)
        ratio = EnhancementLoss(replace(NOTHING, snr=1))
        assert (float(ratio(0.5 * quiet, quiet)) != 0) == counts


@pytest.mark.parametrize(("left_dbfs", "loss"), [(-25, 80), (-45, 40), (-65, 0), (-90, 0)])
def test_what_is_left_of_noise_alone_counts_by_the_decibel_down_to_where_it_is_not_heard(
    noise, clean, left_dbfs, loss
):
    distance = EnhancementLoss(replace(NOTHING, silence=2))
    left = noise / noise.square().mean().sqrt() * 10 ** (left_dbfs / 20)
    silent, audible = distance(torch.cat((left, left)), torch.cat((torch.zeros_like(left), clean)))
    assert float(silent) == pytest.approx(loss, abs=0.01)
    assert float(audible) == 0


@pytest.mark.parametrize(
    ("term", "distance"),
    [("perceptual", PerceptualLoss()), ("intelligibility", IntelligibilityLoss())],
)
def test_estimates_of_scores_count_by_their_weights(clean, noise, term, distance):
    loss = EnhancementLoss(replace(NOTHING, **{term: 7}))(clean + noise, clean)
    torch.testing.assert_close(loss, 7 * distance(clean + noise, clean))
    assert float(loss) > 0.1


def test_compression_makes_a_quiet_bin_count_as_its_magnitude_to_the_power_of_03():
    """A tone at twice the level differs in magnitude by 2 ** 0.3, whatever its own level."""
    tone = torch.sin(2 * torch.pi * 1000 / 16_000 * torch.arange(32_000.0))[None]
    loss = EnhancementLoss(replace(NOTHING, magnitude=1))
    losses = [float(loss(2 * k * tone, k * tone)) for k in (0.02, 0.2)]
    assert losses[1] / losses[0] == pytest.approx(10**0.6, rel=0.1)


@pytest.mark.parametrize("resolution", range(len(RESOLUTIONS)))
def test_spectra_are_compressed_means_over_bins(clean, noise, resolution):
    """Against the definition, written out with numpy's transform."""
    window, hop = RESOLUTIONS[resolution]
    spectra = []
    for waveform in (clean + noise, clean):
        padded = np.pad(waveform[0].double().numpy(), window // 2, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
        spectra.append(np.fft.rfft(frames * hann, axis=1) * 16 / np.sqrt(window))
    magnitudes = [(np.abs(s) ** 2 + EPSILON) ** 0.15 for s in spectra]
    phased = [
        m * s / np.sqrt(np.abs(s) ** 2 + EPSILON) for m, s in zip(magnitudes, spectra, strict=False)
    ]
    magnitude = np.mean((magnitudes[0] - magnitudes[1]) ** 2)
    complex_ = np.mean(np.abs(phased[0] - phased[1]) ** 2)
    weights = replace(NOTHING, magnitude=3, complex=5)
    loss = float(compressed_spectrum_loss(clean + noise, clean, weights, resolution))
    assert loss == pytest.approx(3 * magnitude + 5 * complex_, rel=1e-3)


def test_resolutions_are_averaged(clean, noise):
    weights = replace(NOTHING, magnitude=3, complex=5)
    noisy = clean + noise
    each = [float(compressed_spectrum_loss(noisy, clean, weights, number)) for number in range(3)]
    for count in (1, 2, 3):
        loss = EnhancementLoss(replace(weights, resolutions=count))(noisy, clean)
        assert float(loss) == pytest.approx(sum(each[:count]) / count, rel=1e-5)


def test_by_default_the_loss_is_the_one_of_the_embedded_weights():
    """As the model card and the training log tell them."""
    weights = LossWeights()
    assert (weights.magnitude, weights.complex, weights.snr, weights.perceptual) == (70, 20, 1, 12)
    assert not (weights.si_snr)
    assert not (weights.mask)
    assert not weights.over_suppression
    assert not weights.intelligibility
    assert RESOLUTIONS == ((512, 128), (1024, 256), (256, 64))
    assert weights.resolutions == 1


def test_each_example_of_a_batch_has_a_loss_of_its_own(clean, noise):
    loss = EnhancementLoss(ALL_TERMS)
    pair = torch.cat((clean + noise, clean + 3 * noise)), torch.cat((clean, clean))
    together = loss(*pair)
    for number in range(2):
        alone = loss(*(x[number : number + 1] for x in pair))
        torch.testing.assert_close(together[number : number + 1], alone)
