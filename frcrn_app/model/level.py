"""The level at which the network hears: -25 dBFS, as the released pipelines bring it there."""

import torch
from torch import Tensor

LEVEL_DBFS = -25.0
BLOCK = 1 << 20  # samples


def normalisation_gain(waveform: Tensor) -> Tensor:
    """Factor [B, 1] that brings waveforms [B, samples] to the level of the network's training.

    As both released pipelines do: -25 dBFS RMS over everything, then once more over the samples
    whose power is above the mean power, so that pauses do not make speech louder. Finite for
    silence, whose samples stay zero under any gain.
    """
    target = 10 ** (LEVEL_DBFS / 20)
    # In blocks: float64 copies of a whole hour would take a gigabyte.
    blocks = waveform.split(BLOCK, -1)
    samples = waveform.shape[-1]
    mean = sum(block.double().square().sum(-1, keepdim=True) for block in blocks) / samples
    gain = target / (mean.sqrt() + 1e-6)
    total, count = torch.zeros_like(mean), torch.zeros_like(mean)
    for block in blocks:
        power = block.double().square()
        loud = power > mean
        total += (power * loud).sum(-1, keepdim=True)
        count += loud.sum(-1, keepdim=True)
    loud_rms = (total / count.clamp(min=1)).sqrt() * gain
    # No sample is above the mean where all are equal (silence): the first gain is right then.
    second = torch.where(count > 0, target / (loud_rms + 1e-6), torch.ones_like(gain))
    return (gain * second).to(waveform.dtype)
