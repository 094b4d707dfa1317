"""A differentiable estimate of what PESQ measures, to train by.

The disturbance model of ITU-T P.862 with the input filter and the mapping to scores of P.862.2,
without time alignment, as Martin-Donas et al., "A deep learning loss function based on the
perceptual evaluation of the speech quality", IEEE SPL 2018, simplify it. Bands, their widths and
the threshold in quiet are the recommendation's tables: with formulas in their place, and wider
bands, it could not tell noise beside low harmonics from the harmonics themselves, and followed
PESQ to a correlation of 0.95 in place of 0.985 on what a network of ours had cleaned.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from frcrn_app.constants import SAMPLE_RATE

WINDOW, HOP = 512, 256  # samples at 16 kHz: 32 ms, half overlapping, as in P.862
# Bins of a band: up to 500 Hz each has one of its own.
BAND_BINS = (
    (1,) * 8 + (2, 1, 1, 1, 1, 1, 2, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 3, 4, 5, 4, 5)
    + (6, 6, 7, 8, 9, 9, 12, 12, 15, 16, 18, 21, 25, 20)
)  # fmt: skip
# Upper edges of the bands in Hz.
BAND_ENDS_HZ = (
    15.7, 47.5, 79.8, 112.5, 145.6, 179.2, 213.3, 247.8, 282.8, 318.3, 354.3, 390.8, 427.7, 465.2,
    505.4, 547.8, 593.7, 645.1, 700.1, 756.9, 815.6, 878.1, 942.9, 1012.1, 1088.8, 1172.8, 1263.7,
    1361.6, 1464.9, 1572.7, 1686.3, 1807.8, 1938.2, 2081.6, 2240.1, 2417.0, 2615.3, 2834.9, 3075.5,
    3344.2, 3650.2, 4000.2, 4398.8, 4853.6, 5360.4, 5925.3, 6562.5, 7357.2, 8288.3,
)  # fmt: skip
FIRST_BAND_BARK = 0.1573  # width of the first band, which starts at zero
SECOND_BAND_BARK = 0.3180
BAND_GROWTH = 1.0139  # of the widths in Bark from the second band on
# Power at the threshold of hearing, dB.
THRESHOLD_DB = (
    77.1, 63.9, 48.5, 36.9, 30.7, 25.9, 20.2, 16.6, 12.5, 9.9, 6.9, 4.9, 2.8, 1.0, -0.1, -1.4, -2.5,
    -3.4, -4.1, -4.8, -5.3, -5.7, -5.9, -6.0, -6.0, -6.0, -6.0, -5.8, -5.4, -5.1, -4.7, -4.3, -4.0,
    -3.6, -3.3, -3.1, -3.0, -3.0, -2.9, -2.8, -2.8, -2.8, -2.9, -3.2, -3.7, -4.3, -4.4, -3.8, -2.7,
)  # fmt: skip
SPEECH_POWER = 3.397e6  # summed over the bins of the telephone band: the level of listening
LOUDNESS_SCALE = 0.1866
BEST = 4.644  # PESQ-WB of a sound against itself
SECOND, SECOND_HOP = 20, 10  # frames that are judged together, 320 ms, half overlapping


def score(raw: Tensor) -> Tensor:
    """PESQ-WB (MOS-LQO) of raw scores, both [B], P.862.2 equation 1.

    It is steepest where speech is fair and flat where it is hopeless or as good as clean: training
    by it spends itself where there is something to win.
    """
    return 0.999 + 4 * torch.sigmoid(1.3669 * raw - 3.8224)


class PerceptualLoss(nn.Module):
    """Points of PESQ-WB that are missing to its best score, about 0 to 3.6.

    Call: loss(enhanced, clean), float32 [B, samples] at 16 kHz each, to [B].
    """

    window: Tensor  # [WINDOW]
    response: Tensor  # of the input filter, on power, [F]
    speech_band: Tensor  # [F]
    bands: Tensor  # [F, bands]
    threshold: Tensor  # [bands], as all below
    exponent: Tensor
    zero_loudness: Tensor
    widths: Tensor

    def __init__(self, sample_rate: int = SAMPLE_RATE):
        super().__init__()
        frequency = torch.linspace(0, sample_rate / 2, WINDOW // 2 + 1, dtype=torch.float64)
        bins = torch.tensor(BAND_BINS)
        widths = SECOND_BAND_BARK * BAND_GROWTH ** (torch.arange(len(bins)) - 1.0).double()
        widths[0] = FIRST_BAND_BARK
        centres = widths.cumsum(0) - widths / 2
        widths_hz = torch.tensor(BAND_ENDS_HZ, dtype=torch.float64).diff(
            prepend=torch.zeros(1, dtype=torch.float64)
        )
        # The mean power of a band's bins, times its Hz a Bark: a density over the Bark scale.
        band = torch.repeat_interleave(torch.arange(len(bins)), bins)  # of every bin but the last
        bands = torch.zeros(len(frequency), len(bins), dtype=torch.float64)
        bands[torch.arange(len(band)), band] = (widths_hz / widths / bins)[band]
        bands[0] = 0  # the mean is not heard
        threshold = 10 ** (torch.tensor(THRESHOLD_DB, dtype=torch.float64) / 10)
        # P.862: loudness grows faster in the lowest bands.
        exponent = 0.23 * (6 / (centres + 2)).clamp(1, 2) ** 0.15
        z = torch.exp(1j * torch.pi * frequency / (sample_rate / 2))
        # The wide-band input filter of P.862.2, as a gain on the power of each bin.
        response = 2.740826 * (1 - 2 / z + 1 / z**2) / (1 - 1.9444777 / z + 0.94597794 / z**2)
        speech_band = (frequency > 325) & (frequency < 3250)
        for name, value in {
            "window": torch.hann_window(WINDOW, dtype=torch.float64),
            "response": response.abs().square(),
            "speech_band": speech_band,
            "bands": bands,
            "threshold": threshold,
            "exponent": exponent,
            "zero_loudness": LOUDNESS_SCALE * (threshold / 0.5) ** exponent,
            "widths": torch.cat((torch.zeros(1), widths[1:])),  # the first band does not count
        }.items():
            self.register_buffer(name, value.float(), persistent=False)

    def forward(self, enhanced: Tensor, clean: Tensor) -> Tensor:
        powers = [self._power(x) for x in (enhanced, clean)]  # [B, T, F] each
        # The level of speech is taken out, of both by their own, as P.862 aligns levels.
        degraded, reference = (
            (p * self._speech_gain(p)) * self.response @ self.bands for p in powers
        )  # [B, T, 49]
        reference = self._equalised(degraded, reference)
        degraded = self._frame_gain(degraded, reference) * degraded
        loudness = [self._loudness(p) for p in (degraded, reference)]
        difference = loudness[0] - loudness[1]
        masked = 0.25 * torch.minimum(*loudness)
        disturbance = F.relu(difference - masked) - F.relu(-difference - masked)
        # Noise that is left is worse than speech that is lost: the asymmetric disturbance.
        ratio = ((degraded + 50) / (reference + 50)) ** 1.2
        asymmetry = torch.where(ratio < 3, ratio.new_zeros(()), ratio.clamp(max=12))
        total = self.widths.sum()
        symmetric = ((disturbance * self.widths).square().sum(-1) / total + 1e-9).sqrt() * total
        asymmetric = ((disturbance * asymmetry).abs() * self.widths).sum(-1)
        weight = ((self._audible(reference, 1.0) + 1e5) / 1e7) ** 0.04
        symmetric, asymmetric = (
            _over_time((d / weight).clamp(max=45)) for d in (symmetric, asymmetric)
        )
        return BEST - score(4.5 - 0.1 * symmetric - 0.0309 * asymmetric)

    def _power(self, waveform: Tensor) -> Tensor:
        """Power spectrum [B, T, F]."""
        spectrum = torch.stft(
            waveform, WINDOW, HOP, window=self.window, center=False, return_complex=True
        )
        return torch.view_as_real(spectrum).square().sum(-1).transpose(1, 2)

    def _speech_gain(self, power: Tensor) -> Tensor:
        """Factor [B, 1, 1] that brings the mean power of the telephone band to listening level."""
        mean = (power * self.speech_band).sum(-1).mean(1)[:, None, None]
        return SPEECH_POWER / (mean + 1e-9)

    def _audible(self, power: Tensor, factor: float) -> Tensor:
        """Power above `factor` times the threshold, summed over bands: [B, T]."""
        return (power * (power > factor * self.threshold))[..., 1:].sum(-1)

    def _equalised(self, degraded: Tensor, reference: Tensor) -> Tensor:
        """The reference with the degraded sound's colour, to 20 dB: colour is no disturbance."""
        active = (self._audible(reference, 100.0) >= 1e7)[..., None]
        means = [
            (p * active * (p > 100 * self.threshold)).sum(1, keepdim=True) / active.shape[1]
            for p in (degraded, reference)
        ]
        return reference * ((means[0] + 1000) / (means[1] + 1000)).clamp(0.01, 100)

    def _frame_gain(self, degraded: Tensor, reference: Tensor) -> Tensor:
        """Factors [B, T, 1] for slow changes of gain, smoothed over frames as in P.862."""
        ratio = (self._audible(reference, 1.0) + 5e3) / (self._audible(degraded, 1.0) + 5e3)
        smoothed = 0.8 * ratio + 0.2 * F.pad(ratio[:, :-1], (1, 0), value=1.0)
        return smoothed.clamp(3e-4, 5)[..., None]

    def _loudness(self, power: Tensor) -> Tensor:
        """Zwicker's specific loudness in sone a Bark, zero below the threshold."""
        relative = (0.5 + 0.5 * power / self.threshold).clamp(min=1)
        return self.zero_loudness * (relative**self.exponent - 1)


def _over_time(disturbance: Tensor) -> Tensor:
    """[B, T] to [B]: the worst moments of a third of a second, then the mean over these."""
    frames = disturbance.shape[1]
    size = min(SECOND, frames)
    pieces = disturbance.unfold(1, size, min(SECOND_HOP, size))  # [B, pieces, size]
    worst = (pieces / 45 + 1e-6).pow(6).mean(-1).pow(1 / 6) * 45
    return worst.square().mean(1).sqrt()
