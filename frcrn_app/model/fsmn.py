"""Feedforward sequential memory: the recurrence of FRCRN, over frequency and over time.

Zhang et al., "Deep-FSMN for Large Vocabulary Continuous Speech Recognition", ICASSP 2018: each
position adds a learnt, depth-wise weighting of the `order` - 1 positions before it.
"""

from functools import cache
from importlib.util import find_spec

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


def complex_fsmn(x: Tensor, re: FSMN, im: FSMN, taps: int = ORDER) -> Tensor:
    """Complex memory (re + i im)(x) over axis 2 of x [B, 2C, L, M], zeros before the first.

    Of the memory's `ORDER` taps the last `taps` are looked at: where there are L positions, no
    more than L ever meet one.
    """
    if x.is_cuda and has_kernels(x.device):
        return complex_fsmn_by_kernels(x, re, im, taps)
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
    memory = _taps(fsmn, taps)
    return F.conv2d(F.pad(p, (0, 0, taps - 1, 0)), memory, groups=len(memory))


def _taps(fsmn: FSMN, taps: int) -> Tensor:
    """The last taps of p + memory(p), [C, 1, taps, 1]: "p +" is one more in the last."""
    memory = fsmn.conv1.weight[:, :, ORDER - taps :]
    return memory + F.pad(memory.new_ones(len(memory), 1, 1, 1), (0, 0, taps - 1, 0))


@cache
def has_kernels(device: torch.device) -> bool:
    """Whether a GPU has kernels for it: Triton needs one from Volta on, and is not on Windows."""
    return find_spec("triton") is not None and torch.cuda.get_device_capability(device) >= (7, 0)


def complex_fsmn_by_kernels(x: Tensor, re: FSMN, im: FSMN, taps: int) -> Tensor:
    """`complex_fsmn` on a GPU; on an H200 a step of training took 146 ms in place of 196."""
    from frcrn_app.model.memory_kernels import ComplexMemory

    x = x.permute(0, 2, 3, 1)  # [B, L, M, 2C], in memory mostly so already
    # Four memories, of the parts 0, 1, 1, 0.
    memories, parts = (re, re, im, im), (0, 1, 1, 0)
    nothing = torch.zeros_like(re.linear.weight)
    linear = torch.cat(
        [
            torch.cat((nothing,) * part + (fsmn.linear.weight,) + (nothing,) * (1 - part), 1)
            for fsmn, part in zip(memories, parts, strict=True)
        ]
    )
    bias = torch.cat([fsmn.linear.bias for fsmn in memories])
    project = torch.block_diag(*(fsmn.project.weight for fsmn in memories))
    p = F.linear(F.linear(x, linear, bias).relu_(), project)  # [B, L, M, 4C]
    of_re, of_im = (_taps(fsmn, taps)[:, 0, :, 0].T for fsmn in (re, im))
    y = ComplexMemory.apply(x, p, torch.cat((of_re, of_re, -of_im, of_im), 1))
    return y.permute(0, 3, 1, 2)


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
