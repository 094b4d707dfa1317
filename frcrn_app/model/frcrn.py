"""FRCRN: waveform in, denoised waveform out, at 16 kHz.

Zhao, Ma, Watcharasupat, Gan: "FRCRN: Boosting Feature Representation using Frequency Recurrence
for Monaural Speech Enhancement", ICASSP 2022. The default configuration is the released network
(ModelScope damo/speech_frcrn_ans_cirm_16k).
"""

from dataclasses import asdict, dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from frcrn_app.model.stft import STFT, InverseSTFT, padded_length
from frcrn_app.model.unet import UNet

SAMPLE_RATE = 16_000  # Hz
COMPRESSION = 0.3  # power to which the second input raises magnitudes
# Added to squared magnitudes, which are about 1 on the mean: below lies what 16 bits round off.
QUIET = 1e-6
AROUND = 75  # frames to either side that the third input's mean is over: 3 s, as in training


@dataclass(frozen=True)
class FRCRNConfig:
    """Size of the network. Lighter ones differ by `channels` and `unets` alone."""

    channels: int = 128  # complex channels of every layer; a multiple of 8 (attention's squeeze)
    unets: int = 2  # 2: mask = tanh(u1) + tanh(u2(u1)), 1: mask = tanh(u1)
    # Complex channels that the first U-Net hears (`heard_spectrum`). 1: the spectrum. 2: also the
    # spectrum with its magnitudes compressed. 3: also that over its mean around. With 2 and 3, of
    # sound without infrasound (`level.prepared`).
    inputs: int = 1
    context: int = 0  # real channels of the blocks over time (`context.ContextBlock`); 0: no blocks
    win_length: int = 640  # samples; the U-Net's frequency strides fit 321 bins only
    hop_length: int = 320  # samples

    def __post_init__(self):
        if self.channels < 8 or self.channels % 8:
            raise ValueError(f"channels must be a positive multiple of 8, not {self.channels}")
        if self.unets not in (1, 2):
            raise ValueError(f"unets must be 1 or 2, not {self.unets}")
        if self.inputs not in (1, 2, 3):
            raise ValueError(f"inputs must be 1, 2 or 3, not {self.inputs}")
        if self.context < 0:
            raise ValueError(f"context must not be negative, but is {self.context}")
        if (self.win_length, self.hop_length) != (640, 320):
            raise ValueError("only win_length 640 with hop_length 320 fits the network")

    def to_dict(self) -> dict[str, int]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "FRCRNConfig":
        """Configuration from a mapping; entries of other names are ignored."""
        names = {field.name for field in fields(cls)}
        return cls(**{name: int(value) for name, value in values.items() if name in names})


class FRCRN(nn.Module):
    """The network, in the form that trains. Inference uses `fuse.fuse(model)`."""

    def __init__(self, config: FRCRNConfig | None = None):
        super().__init__()
        self.config = config = config or FRCRNConfig()
        self.stft = STFT(config.win_length, config.hop_length)
        self.istft = InverseSTFT(config.win_length, config.hop_length)
        self.unet = UNet(config.channels, config.inputs, config.context)
        if config.unets == 2:
            self.unet2 = UNet(config.channels, context=config.context)

    def mask(self, spectrum: Tensor) -> Tensor:
        """Complex ratio mask [B, 2, F, T] of a spectrum [B, 2, F, T], each part in (-2, 2)."""
        x = heard_spectrum(spectrum, self.config.inputs)
        x = x.contiguous(memory_format=torch.channels_last)
        first = self.unet(x)
        if self.config.unets == 1:
            return torch.tanh(first.float())
        second = self.unet2(first)
        return torch.tanh(first.float()) + torch.tanh(second.float())

    def forward(self, waveform: Tensor) -> Tensor:
        """Denoised waveform [B, samples] of waveform [B, samples] (16 kHz), any length from 1.

        The network was trained on sound at -25 dBFS RMS; `denoiser.Denoiser` brings it there.
        """
        return self.istft(self.masked_spectrum(waveform))[:, : waveform.shape[-1]]

    def masked_spectrum(self, waveform: Tensor) -> Tensor:
        """Spectrum [B, 2, F, T] of the denoised waveform, before synthesis."""
        with torch.autocast(waveform.device.type, enabled=False):
            spectrum, heard = framed_spectrum(self.stft, waveform)
        return apply_mask(spectrum, extended_mask(self.mask(spectrum[..., :heard]), spectrum))


def framed_spectrum(stft: STFT, waveform: Tensor) -> tuple[Tensor, int]:
    """Spectrum [B, 2, F, T] of a waveform of any length, and how many frames the network hears.

    The network hears the frames that real samples fill, as in the reference, which drops the
    samples after them. Here these get a last frame, filled up with zeros.
    """
    samples = waveform.shape[-1]
    heard = max(1, (samples - stft.win_length) // stft.hop_length + 1)
    length = padded_length(samples, stft.win_length, stft.hop_length)
    return stft(F.pad(waveform.float(), (0, length - samples))), heard


def heard_spectrum(spectrum: Tensor, inputs: int) -> Tensor:
    """What the first U-Net hears of a spectrum [B, 2, F, T]: [B, 2 inputs, F, T].

    Speech falls by 40 dB and more from its lowest to its highest formants, and beside the loud
    ones a U-Net of few channels hardly hears the quiet ones. Compressed they are next to equal.
    Over the mean of their bin in the seconds around, what stands out of steady noise stands out of
    one and the same level at every frequency.
    """
    if inputs == 1:
        return spectrum
    power = spectrum.square().sum(1, keepdim=True) + QUIET
    channels = [spectrum, spectrum * power.pow((COMPRESSION - 1) / 2)]
    if inputs == 3:
        channels.append(channels[1] / _mean_around(power.pow(COMPRESSION / 2)))
    return torch.stack(channels, 2).flatten(1, 2)  # real parts, imaginary parts


def _mean_around(x: Tensor) -> Tensor:
    """Mean over the `AROUND` frames to either side, as far as there are any, of x [..., T]."""
    frames = torch.arange(x.shape[-1], device=x.device)
    first, end = (frames - AROUND).clamp(min=0), (frames + AROUND + 1).clamp(max=x.shape[-1])
    total = F.pad(x.cumsum(-1), (1, 0))
    return (total[..., end] - total[..., first]) / (end - first)


def extended_mask(mask: Tensor, spectrum: Tensor) -> Tensor:
    """The mask with its last frame repeated for the frame that the network did not hear."""
    if mask.shape[-1] == spectrum.shape[-1]:
        return mask
    return torch.cat((mask, mask[..., -1:]), -1)


def apply_mask(spectrum: Tensor, mask: Tensor) -> Tensor:
    """Complex product of two tensors [B, 2, F, T]."""
    s_re, s_im = spectrum.unbind(1)
    m_re, m_im = mask.unbind(1)
    return torch.stack((s_re * m_re - s_im * m_im, s_re * m_im + s_im * m_re), 1)
