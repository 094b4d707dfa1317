"""What the network is trained for: compressed spectra, SI-SNR, and the paper's mask loss."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from frcrn_app.model import TARGET_RMS
from frcrn_app.training.intelligibility import IntelligibilityLoss
from frcrn_app.training.perceptual import PerceptualLoss

POWER = 0.3  # of the compressed spectrum
# On the squared magnitude. The slope of a power law is infinite at zero; with less than about
# 1e-7 the gradients of silent bins drown all others.
EPSILON = 1e-7
# What may be left where nothing should be: 40 dB below the level at which a network is given its
# input. Less is not heard, nor is it rewarded.
QUIET_RMS = TARGET_RMS / 100
RESOLUTIONS = ((512, 128), (1024, 256), (256, 64))  # (window, hop) in samples


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms of `EnhancementLoss`; by default those of stage 9 (training log)."""

    magnitude: float = 70.0  # compressed magnitude
    complex: float = 20.0  # compressed complex spectrum
    si_snr: float = 0.0  # a dB of SI-SNR counts as much as this
    snr: float = 1.0  # a dB of the plain ratio, which asks for the right level as well
    # A dB that is left of noise alone, for which neither ratio is defined.
    silence: float = 0.0
    mask: float = 0.0  # the paper's mean squared error of the mask
    over_suppression: float = 0.0  # compressed magnitude again, where speech is missing
    # A point of PESQ, as `perceptual.PerceptualLoss` estimates it. For much more SI-SDR would pay:
    # PESQ hears neither phases nor what lies lowest.
    perceptual: float = 12.0
    # What is missing to a STOI of one, as `intelligibility.IntelligibilityLoss` estimates it.
    intelligibility: float = 0.0
    resolutions: int = 1  # how many of RESOLUTIONS the spectra are compared in

    def as_text(self) -> str:
        """The terms that count, as --loss takes them."""
        weights = {field.name: getattr(self, field.name) for field in fields(self)}
        return " ".join(f"{name}={weight:g}" for name, weight in weights.items() if weight)


def si_snr(estimate: Tensor, target: Tensor) -> Tensor:
    """Scale-invariant signal-to-noise ratio in dB, [B], of waveforms [B, samples].

    Le Roux et al., "SDR - half-baked or well done?", ICASSP 2019, with the means removed.
    """
    estimate = estimate - estimate.mean(-1, keepdim=True)
    target = target - target.mean(-1, keepdim=True)
    scale = (estimate * target).sum(-1, keepdim=True) / (
        target.square().sum(-1, keepdim=True) + 1e-8
    )
    projection = scale * target
    error = estimate - projection
    ratio = (projection.square().sum(-1) + 1e-8) / (error.square().sum(-1) + 1e-8)
    return 10 * ratio.log10()


def snr(estimate: Tensor, target: Tensor) -> Tensor:
    """Signal-to-noise ratio in dB, [B], of waveforms [B, samples]."""
    error = (estimate - target).square().sum(-1)
    return 10 * ((target.square().sum(-1) + 1e-8) / (error + 1e-8)).log10()


def residue(estimate: Tensor) -> Tensor:
    """Level of waveforms [B, samples] where nothing should be, [B], in dB above `QUIET_RMS`.

    Zero below that, without a slope.
    """
    power = estimate.square().mean(-1) / QUIET_RMS**2
    return 10 * power.clamp(min=1.0).log10()


def _spectrum(waveform: Tensor, window: int, hop: int) -> Tensor:
    """Spectrum [B, F, T, 2], Hann window, scaled so that its level does not depend on `window`."""
    hann = torch.hann_window(window, device=waveform.device)
    spectrum = torch.stft(waveform, window, hop, window=hann, return_complex=True)
    return torch.view_as_real(spectrum) * (16 / window**0.5)


def compressed_spectrum_loss(
    estimate: Tensor, target: Tensor, weights: LossWeights, resolution: int = 0
) -> Tensor:
    """Distance of power-law compressed spectra, [B], of waveforms [B, samples].

    Mean squared error of |S|^0.3 and of |S|^0.3 e^(i arg S) as in Braun and Tashev,
    "A consolidated view of loss functions for supervised deep learning-based speech
    enhancement", TSP 2021, and the one-sided term of Eskimez et al., "Personalized speech
    enhancement", ICASSP 2022, equation 5.
    """
    window, hop = RESOLUTIONS[resolution]
    s, t = _spectrum(estimate, window, hop), _spectrum(target, window, hop)
    s_power = s.square().sum(-1, keepdim=True) + EPSILON
    t_power = t.square().sum(-1, keepdim=True) + EPSILON
    s_mag, t_mag = s_power.pow(POWER / 2), t_power.pow(POWER / 2)
    difference = s_mag - t_mag
    loss = weights.magnitude * difference.square().mean((1, 2, 3))
    if weights.complex:
        s_complex = s * s_power.pow((POWER - 1) / 2)
        t_complex = t * t_power.pow((POWER - 1) / 2)
        loss = loss + weights.complex * (s_complex - t_complex).square().sum(-1).mean((1, 2))
    if weights.over_suppression:
        missing = F.relu(-difference).square().mean((1, 2, 3))
        loss = loss + weights.over_suppression * missing
    return loss


def mask_loss(mask: Tensor, noisy: Tensor, clean: Tensor) -> Tensor:
    """Mean squared error of the complex ratio mask, [B], all arguments [B, 2, F, T].

    Equation 10 of the FRCRN paper: the ideal mask is clean / noisy, bounded as the network's.
    """
    power = noisy.square().sum(1, keepdim=True) + EPSILON
    n_re, n_im = noisy.split(1, 1)
    c_re, c_im = clean.split(1, 1)
    ideal = torch.cat((c_re * n_re + c_im * n_im, c_im * n_re - c_re * n_im), 1) / power
    return (mask - ideal.clamp(-2, 2)).square().sum(1).mean((1, 2))


class EnhancementLoss(nn.Module):
    """Loss [B] of enhanced waveforms against clean ones, both [B, samples] at 16 kHz.

    The ratios and the estimates of PESQ and STOI, which silence leaves undefined, count only where
    the target is not silent, and what is left of the noise only where it is.
    """

    def __init__(self, weights: LossWeights):
        super().__init__()
        self._weights = weights
        count = max(1, min(weights.resolutions, len(RESOLUTIONS)))
        self._resolutions = range(count)
        self._perceptual = PerceptualLoss() if weights.perceptual else None
        self._intelligibility = IntelligibilityLoss() if weights.intelligibility else None

    def forward(self, estimate: Tensor, target: Tensor) -> Tensor:
        weights = self._weights
        distances = [
            compressed_spectrum_loss(estimate, target, weights, i) for i in self._resolutions
        ]
        loss = torch.stack(distances).mean(0)
        audible = target.square().mean(-1) > 1e-8
        for weight, ratio in ((weights.si_snr, si_snr), (weights.snr, snr)):
            if weight:
                # 30 dB is past hearing; chasing more in easy examples would take from the hard.
                decibels = ratio(estimate, target).clamp(max=30.0)
                loss = loss - weight * torch.where(audible, decibels, 0.0)
        if weights.silence:
            loss = loss + weights.silence * torch.where(audible, 0.0, residue(estimate))
        for weight, distance in (
            (weights.perceptual, self._perceptual),
            (weights.intelligibility, self._intelligibility),
        ):
            if distance is not None:
                loss = loss + weight * torch.where(audible, distance(estimate, target), 0.0)
        return loss
