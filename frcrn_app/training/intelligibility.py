"""A differentiable estimate of STOI, to train by.

Taal et al., "An algorithm for intelligibility prediction of time-frequency weighted noisy speech",
TASLP 2011: how the envelopes of third-octave bands follow those of clean speech over a third of a
second. Two things differ from pystoi, which scores: frames of the same length are taken at 16 kHz
in place of 10, and silent ones are left out of the spectrum rather than of the waveform.
"""

import torch
from torch import Tensor, nn

from frcrn_app.constants import SAMPLE_RATE

WINDOW = round(0.0256 * SAMPLE_RATE)  # samples
FFT = 1024
BANDS, LOWEST_HZ = 15, 150  # third-octave bands and the centre of the first
SEGMENT = 30  # frames that are compared at once, 384 ms
SILENT_DB = 40  # below the loudest frame of the clean speech
DISTORTION_DB = 15  # above the speech in a band, where more of it counts no more
FLOOR = 1e-8  # of power: the slope of a root is infinite at zero


class IntelligibilityLoss(nn.Module):
    """What is missing to a STOI of one, about 0 to 1.

    Call: loss(enhanced, clean), float32 [B, samples] at 16 kHz each, to [B]; zero where less than
    a third of a second of speech is to be judged.
    """

    window: Tensor  # [WINDOW]
    bands: Tensor  # [F, bands]

    def __init__(self) -> None:
        super().__init__()
        # Training is configured where no scores are installed.
        from pystoi.utils import thirdoct

        bands, *_ = thirdoct(SAMPLE_RATE, FFT, BANDS, LOWEST_HZ)  # [bands, F]
        self.register_buffer("window", torch.hann_window(WINDOW, periodic=False), persistent=False)
        self.register_buffer(
            "bands", torch.from_numpy(bands).float().T.contiguous(), persistent=False
        )

    def forward(self, enhanced: Tensor, clean: Tensor) -> Tensor:
        power, reference = self._power(enhanced), self._power(clean)  # [B, T, F]
        energy = reference.sum(-1)
        heard = energy > energy.amax(1, keepdim=True) * 10 ** (-SILENT_DB / 10)
        # Of each recording the frames that count, one after the other; then those that do not.
        order = heard.logical_not().byte().argsort(dim=1, stable=True)[..., None]
        envelopes, references = (
            (p @ self.bands + FLOOR).sqrt().take_along_dim(order, 1) for p in (power, reference)
        )
        if references.shape[1] < SEGMENT:
            return envelopes.sum((1, 2)) * 0
        correlation = _correlation(envelopes, references)  # [B, segments]
        segments = (heard.sum(1, keepdim=True) - SEGMENT + 1).clamp(min=0)
        counts = torch.arange(correlation.shape[1], device=heard.device) < segments
        missing = torch.where(counts, 1 - correlation, 0.0).sum(1)
        return missing / segments[:, 0].clamp(min=1)

    def _power(self, waveform: Tensor) -> Tensor:
        """Power spectrum [B, T, F]."""
        spectrum = torch.stft(
            waveform, FFT, WINDOW // 2, WINDOW, self.window, center=False, return_complex=True
        )
        return torch.view_as_real(spectrum).square().sum(-1).transpose(1, 2)


def _correlation(degraded: Tensor, clean: Tensor) -> Tensor:
    """Correlation of envelopes [B, T, bands] over segments, mean of the bands: [B, segments]."""
    degraded, clean = (x.unfold(1, SEGMENT, 1) for x in (degraded, clean))  # [.., bands, frames]
    level = clean.norm(dim=-1, keepdim=True) / degraded.norm(dim=-1, keepdim=True)
    degraded = torch.minimum(degraded * level, clean * (1 + 10 ** (DISTORTION_DB / 20)))
    degraded, clean = (x - x.mean(-1, keepdim=True) for x in (degraded, clean))
    return torch.cosine_similarity(degraded, clean, dim=-1).mean(-1)
