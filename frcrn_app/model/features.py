"""What the first U-Net takes beside the spectrum, and in a causal network in its place.

Speech falls by 40 dB and more from its lowest to its highest formants, and beside the loud ones a
U-Net of few channels hardly sees the quiet ones. Compressed they are next to equal. Over the mean
of their bin in the seconds around, what stands out of steady noise stands out of one and the same
level at every frequency.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from frcrn_app.model.around import mean_around
from frcrn_app.model.config import FIRST_BIN, FRCRNConfig
from frcrn_app.model.level import TARGET_RMS
from frcrn_app.model.past import Past, running_mean

COMPRESSION = 0.3  # power to which the second input raises magnitudes
# Added to squared magnitudes, which are about 1 on the mean: below lies what 16 bits round off.
QUIET = 1e-6
AROUND = 75  # frames to either side that the third input's mean is over: 3 s, as in training


def features(spectrum: Tensor, config: FRCRNConfig, past: Past | None = None) -> Tensor:
    """What the first U-Net takes of a spectrum [B, 2, F, T]: [B, 2 inputs, F, T].

    Args:
        past: of a causal network's stream, whose next frames these are.
    """
    if config.causal:
        spectrum = _levelled(spectrum, config, past)
    if config.inputs == 1:
        return spectrum
    power = spectrum.square().sum(1, keepdim=True) + QUIET
    channels = [spectrum, spectrum * power.pow((COMPRESSION - 1) / 2)]
    if config.inputs == 3:
        magnitude = power.pow(COMPRESSION / 2)
        channels.append(channels[1] / _mean_around(magnitude, config, past))
    return torch.stack(channels, 2).flatten(1, 2)  # real parts, imaginary parts


def _levelled(spectrum: Tensor, config: FRCRNConfig, past: Past | None) -> Tensor:
    """Each frame at the level of training, judged by it and the frames before; see `level`.

    As there, pauses must not make speech louder: frames weigh as much as their amplitude. What a
    voice has no part in is left out of audio that has no infrasound for other networks.
    """
    if config.inputs > 1:
        spectrum = F.pad(spectrum[:, :, FIRST_BIN:], (0, 0, FIRST_BIN, 0))
    # Of the samples' mean square the sum over all bins, window and mirrored half included, is:
    scale = config.win_length * config.hop_length / 2
    power = spectrum.square().sum((1, 2)) / scale  # [B, T]
    mean = running_mean(power, past, "level", weight=power.sqrt())
    gain = TARGET_RMS / (mean.sqrt() + 1e-6)
    return spectrum * gain[:, None, None]


def _mean_around(x: Tensor, config: FRCRNConfig, past: Past | None) -> Tensor:
    """Mean of x [B, 1, F, T] over the `AROUND` frames to either side, as far as there are any.

    In a causal network over the frames before.
    """
    x = x.movedim(3, 1)
    mean = running_mean(x, past, "around") if config.causal else mean_around(x, AROUND)
    return mean.movedim(1, 3)
