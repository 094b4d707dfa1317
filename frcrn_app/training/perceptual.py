"""A differentiable estimate of what PESQ measures, to train by.

The disturbance model of ITU-T P.862 and P.862.2 without time alignment, with the simplifications
of Martin-Donas et al., "A deep learning loss function based on the perceptual evaluation of the
speech quality", IEEE SPL 2018. Band edges follow Traunmueller's Bark scale and the threshold in
quiet Terhardt's formula, in place of the recommendation's tables.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WINDOW, HOP = 512, 256  # samples at 16 kHz: 32 ms, half overlapping, as in P.862
BANDS = 49
SPEECH_POWER = 3.4e6  # summed over bands: the level of listening, 65 dB above threshold
LOUDNESS_SCALE = 0.1866
SECOND, SECOND_HOP = 20, 10  # frames that are judged together, 320 ms, half overlapping


class PerceptualLoss(nn.Module):
    """0.1 d_s + 0.0309 d_a of P.862: 4.5 less the raw PESQ score, about 0 to 4.5.

    Call: loss(enhanced, clean), float32 [B, samples] at 16 kHz each, to [B].
    """

    def __init__(self, sample_rate: int = 16_000):
        super().__init__()
        frequency = torch.linspace(0, sample_rate / 2, WINDOW // 2 + 1, dtype=torch.float64)
        bark = (26.81 * frequency / (1960 + frequency) - 0.53).clamp(min=0)
        edges = torch.linspace(0, float(bark[-1]), BANDS + 1, dtype=torch.float64)
        width = float(edges[1] - edges[0])
        centres = edges[:-1] + width / 2
        # Each bin is shared by the two bands whose centres it lies between.
        bands = (1 - (bark[:, None] - centres).abs() / width).clamp(min=0)
        bands[0] = 0  # the mean is not heard
        bands /= bands.sum(1, keepdim=True).clamp(min=1)
        khz = (1960 * (centres + 0.53) / (26.28 - centres)) / 1000
        threshold = 3.64 * khz**-0.8 - 6.5 * torch.exp(-0.6 * (khz - 3.3) ** 2) + 1e-3 * khz**4
        threshold = 10 ** (threshold.clamp(max=75) / 10)
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
        }.items():
            self.register_buffer(name, value.float(), persistent=False)
        self.width = width

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
        total = self.width * BANDS
        symmetric = ((disturbance * self.width).square().sum(-1) / total + 1e-9).sqrt() * total
        asymmetric = ((disturbance * asymmetry).abs() * self.width).sum(-1)
        weight = ((self._audible(reference, 1.0) + 1e5) / 1e7) ** 0.04
        return 0.1 * _over_time((symmetric / weight).clamp(max=45)) + 0.0309 * _over_time(
            (asymmetric / weight).clamp(max=45)
        )

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
        return (power * (power > factor * self.threshold)).sum(-1)

    def _equalised(self, degraded: Tensor, reference: Tensor) -> Tensor:
        """The reference with the degraded sound's colour, to 20 dB: colour is no disturbance."""
        active = (self._audible(reference, 100.0) >= 1e3)[..., None]
        means = [
            (p * active * (p > 100 * self.threshold)).sum(1, keepdim=True)
            / active.sum(1, keepdim=True).clamp(min=1)
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
