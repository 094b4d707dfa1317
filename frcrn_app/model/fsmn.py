"""Feedforward sequential memory: the recurrence of FRCRN, over frequency and over time.

Zhang et al., "Deep-FSMN for Large Vocabulary Continuous Speech Recognition", ICASSP 2018: each
position adds a learnt, depth-wise weighting of the `order` - 1 positions before it.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ORDER = 20  # positions a memory reaches over, its own included
# Positions up to which a graphics processor takes a product for a memory: its matrix has their
# square, of which the memory is a band.
LONGEST_BAND = 512


class FSMN(nn.Module):
    """Parameters of one real memory: y = x + p + memory(p), p = project(relu(linear(x)))."""

    def __init__(self, channels: int):
        super().__init__()
        self.linear = nn.Linear(channels, channels)
        self.project = nn.Linear(channels, channels, bias=False)
        self.conv1 = nn.Conv2d(channels, channels, (ORDER, 1), groups=channels, bias=False)


def complex_fsmn(x: Tensor, re: FSMN, im: FSMN, taps: int = ORDER) -> Tensor:
    """Complex memory (re + i im)(x) over axis 2 of x [B, 2C, L, M], zeros before the first.

    Of the memory's `ORDER` taps the last `taps` are looked at: where there are L positions, no
    more than L ever meet one.
    """
    x_re, x_im = x.chunk(2, 1)
    # Either memory sees both parts as one batch: grouped convolutions on channels that lie apart
    # would take twice the time.
    parts = torch.cat((x_re, x_im))
    re_of_re, re_of_im = _memory(parts, re, taps).unflatten(0, (2, -1)).unbind(0)
    im_of_re, im_of_im = _memory(parts, im, taps).unflatten(0, (2, -1)).unbind(0)
    return torch.cat((x_re - x_im + re_of_re - im_of_im, x_im + x_re + re_of_im + im_of_re), 1)


def _memory(x: Tensor, fsmn: FSMN, taps: int) -> Tensor:
    """p + memory(p) of x [B, C, L, M]."""
    linear, project = (layer.weight[..., None, None] for layer in (fsmn.linear, fsmn.project))
    p = F.conv2d(F.conv2d(x, linear, fsmn.linear.bias).relu_(), project)
    memory = fsmn.conv1.weight[:, :, ORDER - taps :]  # "p +" is one more in the last tap
    present = F.pad(memory.new_ones(len(memory), 1, 1, 1), (0, 0, taps - 1, 0))
    memory = memory + present
    if p.is_cuda and p.shape[2] <= LONGEST_BAND:
        return banded_product(p, memory[:, 0, :, 0])
    return F.conv2d(F.pad(p, (0, 0, taps - 1, 0)), memory, groups=len(memory))


def banded_product(x: Tensor, taps: Tensor) -> Tensor:
    """Depth-wise convolution over axis 2 of x [B, C, L, M] by taps [C, K], as a matrix product.

    The last tap meets the present position, the others those before. Graphics processors have
    units for products, but no fast kernels for long depth-wise convolutions: on an H200 a step of
    training took 145 ms in place of 170.
    """
    (channels, count), length = taps.shape, x.shape[2]
    # Rows a step longer than those they are read as: each is one further to the right.
    rows = F.pad(taps[:, None].expand(-1, length, -1), (0, length)).flatten(1)
    band = rows[:, : length * (count + length - 1)].view(channels, length, -1)
    return torch.einsum("clj,bcjm->bclm", band[:, :, count - 1 :], x)


class FrequencyFSMN(nn.Module):
    """Memory over the frequency axis ("frequency recurrence"), [B, 2C, F, T] to the same."""

    def __init__(self, channels: int):
        super().__init__()
        self.fsmn_re_L1 = FSMN(channels)
        self.fsmn_im_L1 = FSMN(channels)

    def forward(self, x: Tensor) -> Tensor:
        return complex_fsmn(x, self.fsmn_re_L1, self.fsmn_im_L1, min(ORDER, x.shape[2]))


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
