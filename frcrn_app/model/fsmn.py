"""Feedforward sequential memory: the recurrence of FRCRN, over frequency and over time.

Zhang et al., "Deep-FSMN for Large Vocabulary Continuous Speech Recognition", ICASSP 2018: each
position adds a learnt, depth-wise weighting of the `order` - 1 positions before it.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ORDER = 20  # positions a memory reaches over, its own included


class FSMN(nn.Module):
    """Parameters of one real memory: y = x + p + memory(p), p = project(relu(linear(x)))."""

    def __init__(self, channels: int):
        super().__init__()
        self.linear = nn.Linear(channels, channels)
        self.project = nn.Linear(channels, channels, bias=False)
        self.conv1 = nn.Conv2d(channels, channels, (ORDER, 1), groups=channels, bias=False)


def complex_fsmn(x: Tensor, re: FSMN, im: FSMN) -> Tensor:
    """Complex memory (re + i im)(x) over axis 2 of x [B, 2C, L, M], zeros before the first.

    All four applications (either memory to either part) run in one operation a step.
    """
    channels = re.project.weight.shape[0]
    x_re, x_im = x.split(channels, 1)
    # Both memories see the real, then the imaginary part: groups (part, memory), 4C channels.
    linear = torch.cat((re.linear.weight, im.linear.weight))  # [2C, C]
    linear_bias = torch.cat((re.linear.bias, im.linear.bias)).repeat(2)
    project = torch.cat((re.project.weight, im.project.weight)).repeat(2, 1)  # [4C, C]
    hidden = F.conv2d(x, linear.repeat(2, 1)[..., None, None], linear_bias, groups=2).relu_()
    p = F.conv2d(hidden, project[..., None, None], groups=4)  # [B, 4C, L, M]
    # Only the last min(ORDER, L) taps ever meet a position; "p +" is one more in the last tap.
    taps = min(ORDER, x.shape[2])
    memory = torch.cat((re.conv1.weight, im.conv1.weight))[:, :, ORDER - taps :].repeat(2, 1, 1, 1)
    present = F.pad(memory.new_ones(4 * channels, 1, 1, 1), (0, 0, taps - 1, 0))
    y = F.conv2d(F.pad(p, (0, 0, taps - 1, 0)), memory + present, groups=4 * channels)
    re_of_re, im_of_re, re_of_im, im_of_im = y.split(channels, 1)
    return torch.cat((x_re - x_im + re_of_re - im_of_im, x_im + x_re + re_of_im + im_of_re), 1)


class FrequencyFSMN(nn.Module):
    """Memory over the frequency axis ("frequency recurrence"), [B, 2C, F, T] to the same."""

    def __init__(self, channels: int):
        super().__init__()
        self.fsmn_re_L1 = FSMN(channels)
        self.fsmn_im_L1 = FSMN(channels)

    def forward(self, x: Tensor) -> Tensor:
        return complex_fsmn(x, self.fsmn_re_L1, self.fsmn_im_L1)


class TimeFSMN(nn.Module):
    """Two memories over time at the bottleneck, [B, 2C, 1, T] to the same."""

    def __init__(self, channels: int):
        super().__init__()
        self.fsmn_re_L1 = FSMN(channels)
        self.fsmn_im_L1 = FSMN(channels)
        self.fsmn_re_L2 = FSMN(channels)
        self.fsmn_im_L2 = FSMN(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(2, 3)
        x = complex_fsmn(x, self.fsmn_re_L1, self.fsmn_im_L1)
        x = complex_fsmn(x, self.fsmn_re_L2, self.fsmn_im_L2)
        return x.transpose(2, 3)
