"""What audio goes through before the network: its level, and for some networks a high-pass.

A causal network needs neither: it judges the level by the frames so far and takes no infrasound
(`features`). For training its audio is brought to the level all the same, which losses go by.
"""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.model.config import FRCRNConfig

TARGET_RMS = 10 ** (-25 / 20)  # -25 dBFS
BLOCK = 1 << 20  # samples
# No voice reaches below 50 Hz, rumble does. From nothing at the first to all at the second, Hz.
SPEECH_STARTS_HZ = (20.0, 50.0)
REACH = 1600  # samples to either side that the high-pass looks at, a tenth of a second
FILTER_BLOCK = (1 << 16) - 2 * REACH  # samples, with what is around them a power of two


def prepared(waveform: Tensor, config: FRCRNConfig) -> tuple[Tensor, Tensor]:
    """Waveforms [B, samples] at 16 kHz as a network of such a configuration takes them.

    Returns:
        The waveforms at the network's level, and the gain [B, 1] that brought them there.
    """
    waveform = filtered(waveform, config)
    gain = normalisation_gain(waveform)
    return waveform * gain, gain


def filtered(
    waveform: Tensor, config: FRCRNConfig, start: int = 0, stop: int | None = None
) -> Tensor:
    """Samples `start` to `stop` of waveforms as a network takes them, but for their level."""
    if config.inputs == 1 or config.causal:
        return waveform[..., start:stop]
    return without_infrasound(waveform, start, stop)


def without_infrasound(waveform: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
    """Waveforms [B, samples] at 16 kHz without what lies below `SPEECH_STARTS_HZ`; no delay.

    Args:
        start, stop: samples wanted. They are those of the whole result, whatever the part.
    """
    samples = waveform.shape[-1]
    stop = samples if stop is None else min(stop, samples)
    filtered = torch.empty_like(waveform[..., start:stop])
    for begin in range(start, stop, FILTER_BLOCK):
        end = min(begin + FILTER_BLOCK, stop)
        before, after = max(0, REACH - begin), max(0, REACH - (samples - end))
        piece = waveform[..., max(0, begin - REACH) : end + REACH]
        # Mirrored at both ends of the recording, so that a constant makes no step there.
        mirrored = [min(pad, piece.shape[-1] - 1) for pad in (before, after)]
        piece = F.pad(piece, mirrored, mode="reflect")
        piece = F.pad(piece, (before - mirrored[0], after - mirrored[1]), mode="replicate")
        # Audio shorter than a block is no reason for a transform of all its length.
        size = 1 << (piece.shape[-1] - 1).bit_length()
        spectrum = torch.fft.rfft(piece, size) * _infrasound(size).to(piece.device)
        low = torch.fft.irfft(spectrum, size)[..., REACH : REACH + end - begin]
        torch.sub(waveform[..., begin:end], low, out=filtered[..., begin - start : end - start])
    return filtered


@lru_cache(maxsize=1)
def infrasound_taps() -> Tensor:
    """The linear-phase low-pass whose output is taken away, float64 [2 REACH + 1]; 1 at 0 Hz."""
    low, high = SPEECH_STARTS_HZ
    grid = 1 << 16
    frequency = torch.arange(grid // 2 + 1, dtype=torch.float64) * (SAMPLE_RATE / grid)
    rise = ((frequency - low) / (high - low)).clamp(0, 1)
    taps = torch.fft.irfft(torch.cos(torch.pi / 2 * rise) ** 2, grid)
    taps = torch.cat((taps[-REACH:], taps[: REACH + 1]))
    taps *= torch.hann_window(2 * REACH + 3, periodic=False, dtype=torch.float64)[1:-1]
    return taps / taps.sum()  # a constant goes altogether


@lru_cache(maxsize=4)
def _infrasound(size: int) -> Tensor:
    """Transfer function of `infrasound_taps` without their delay, float32 [size // 2 + 1]."""
    response = torch.fft.rfft(infrasound_taps(), size)
    shift = torch.arange(size // 2 + 1, dtype=torch.float64) * (2 * torch.pi * REACH / size)
    return (response * torch.polar(torch.ones_like(shift), shift)).real.float()


def normalisation_gain(waveform: Tensor, config: FRCRNConfig | None = None) -> Tensor:
    """Factor [B, 1] that brings waveforms [B, samples] to the level of the network's training.

    As both released pipelines do: -25 dBFS RMS over everything, then once more over the samples
    whose power is above the mean power, so that pauses do not make speech louder. Finite for
    silence, whose samples stay zero under any gain. What counts is what a network of such a
    configuration takes; without one, everything.
    """
    # In blocks: float64 copies of a whole hour would take a gigabyte.
    samples = waveform.shape[-1]
    starts = range(0, samples, BLOCK)

    def block(start: int) -> Tensor:
        stop = start + BLOCK
        return filtered(waveform, config, start, stop) if config else waveform[..., start:stop]

    blocks = [block(0)] if len(starts) == 1 else None  # short audio is filtered but once
    mean = sum(_power(x).sum(-1, keepdim=True) for x in blocks or map(block, starts)) / samples
    assert isinstance(mean, Tensor)
    gain = TARGET_RMS / (mean.sqrt() + 1e-6)
    total, count = torch.zeros_like(mean), torch.zeros_like(mean)
    for x in blocks or map(block, starts):
        power = _power(x)
        loud = power > mean
        total += (power * loud).sum(-1, keepdim=True)
        count += loud.sum(-1, keepdim=True)
    loud_rms = (total / count.clamp(min=1)).sqrt() * gain
    # No sample is above the mean where all are equal (silence): the first gain is right then.
    second = torch.where(count > 0, TARGET_RMS / (loud_rms + 1e-6), torch.ones_like(gain))
    return (gain * second).to(waveform.dtype)


def _power(waveform: Tensor) -> Tensor:
    return waveform.double().square()
