"""FRCRN: waveform in, denoised waveform out, at 16 kHz.

Zhao, Ma, Watcharasupat, Gan: "FRCRN: Boosting Feature Representation using Frequency Recurrence
for Monaural Speech Enhancement", ICASSP 2022. The default configuration is the released network
(ModelScope damo/speech_frcrn_ans_cirm_16k).
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from frcrn_app.model.config import FIRST_BIN, FRCRNConfig
from frcrn_app.model.features import features
from frcrn_app.model.stft import STFT, InverseSTFT, padded_length
from frcrn_app.model.unet import UNet


class FRCRN(nn.Module):
    """The network, in the form that trains. Inference uses `inference.fuse(model)`."""

    def __init__(self, config: FRCRNConfig | None = None):
        super().__init__()
        self.config = config = config or FRCRNConfig()
        self.stft = STFT(config.win_length, config.hop_length)
        self.istft = InverseSTFT(config.win_length, config.hop_length)
        alike = {
            "context": config.context,
            "causal": config.causal,
            "real": config.real,
            "attention": config.attention,
        }
        self.unet = UNet(config.channels, config.inputs, lookahead=config.lookahead, **alike)
        if config.unets == 2:
            self.unet2 = UNet(config.channels, **alike)

    def mask(self, spectrum: Tensor) -> Tensor:
        """Complex ratio mask [B, 2, F, T] of a spectrum [B, 2, F, T], each part in (-2, 2).

        A causal network takes zeros for the frames that it would wait for after the last one.
        """
        return aligned_mask(self.late_mask, spectrum, self.config.lookahead)

    def late_mask(self, spectrum: Tensor) -> Tensor:
        """Masks [B, 2, F, T] of the frames that lie `lookahead` before those of a spectrum."""
        x = features(spectrum, self.config).contiguous(memory_format=torch.channels_last)
        first = self.unet(x)
        mask = torch.tanh(first.float())
        if self.config.unets == 2:
            mask = mask + torch.tanh(self.unet2(first).float())
        return of_voices(mask, self.config)

    def forward(self, waveform: Tensor) -> Tensor:
        """Denoised waveform [B, samples] of waveform [B, samples] (16 kHz), any length from 1.

        The network was trained on audio at -25 dBFS RMS, to which `level.prepared` brings it. A
        causal network brings it there by itself.
        """
        return self.enhanced(waveform, self.late_mask)

    def enhanced(self, waveform: Tensor, late_mask: Callable[[Tensor], Tensor]) -> Tensor:
        """The waveform under a mask that is `lookahead` frames late."""
        samples, start = waveform.shape[-1], 0
        with torch.autocast(waveform.device.type, enabled=False):
            if self.config.causal:
                start = self.config.hop_length
                waveform = F.pad(waveform, (start, -samples % start + start))
            spectrum, heard = framed_spectrum(self.stft, waveform)
        mask = aligned_mask(late_mask, spectrum[..., :heard], self.config.lookahead)
        mask = extended_mask(mask, spectrum)
        return self.istft(apply_mask(spectrum, mask))[:, start : start + samples]


def aligned_mask(late_mask: Callable[[Tensor], Tensor], spectrum: Tensor, lookahead: int) -> Tensor:
    """Mask of a spectrum [B, 2, F, T] by a network that gives it `lookahead` frames late.

    After the last frame it takes zeros for the frames that it waits for.
    """
    return late_mask(F.pad(spectrum, (0, lookahead)))[..., lookahead:]


def framed_spectrum(stft: STFT, waveform: Tensor) -> tuple[Tensor, int]:
    """Spectrum [B, 2, F, T] of a waveform of any length, and how many frames the network takes.

    The network takes the frames that real samples fill, as in the reference, which drops the
    samples after them. Here these get a last frame, filled up with zeros.
    """
    samples = waveform.shape[-1]
    heard = cast(int, torch.sym_max(samples - stft.win_length, 0)) // stft.hop_length + 1
    length = padded_length(samples, stft.win_length, stft.hop_length)
    return stft(F.pad(waveform.float(), (0, length - samples))), heard


def extended_mask(mask: Tensor, spectrum: Tensor) -> Tensor:
    """The mask with its last frame repeated where the network did not take the spectrum's last."""
    frames = torch.arange(spectrum.shape[-1], device=mask.device)
    return mask.index_select(-1, frames.clamp(max=mask.shape[-1] - 1))


def of_voices(mask: Tensor, config: FRCRNConfig) -> Tensor:
    """The mask [B, 2, F, T] of a causal network, with nothing below the frequencies it takes."""
    if not config.causal or config.inputs == 1:
        return mask
    return F.pad(mask[:, :, FIRST_BIN:], (0, 0, FIRST_BIN, 0))


def apply_mask(spectrum: Tensor, mask: Tensor) -> Tensor:
    """Complex product of two tensors [B, 2, F, T]."""
    s_re, s_im = spectrum.unbind(1)
    m_re, m_im = mask.unbind(1)
    return torch.stack((s_re * m_re - s_im * m_im, s_re * m_im + s_im * m_re), 1)
