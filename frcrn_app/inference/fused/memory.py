"""Twins of the memories over frequency and over time, on activations [B, T, 2, F, C]."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from frcrn_app.inference.fused.products import keep, linear
from frcrn_app.model.fsmn import FSMN, ORDER, TimeFSMN


class Memory(nn.Module):
    """Complex memory (re + i im)(x) over the axis F of x [B, T, 2, F, C]."""

    def __init__(self, re: FSMN, im: FSMN, dtype: torch.dtype):
        super().__init__()
        for name, fsmn in (("re", re), ("im", im)):
            memory = fsmn.conv1.weight.transpose(2, 3).clone()  # [C, 1, 1, ORDER]
            memory[..., -1] += 1  # "p +" of y = x + p + memory(p)
            keep(self, f"linear_{name}", fsmn.linear.weight, dtype)
            keep(self, f"bias_{name}", fsmn.linear.bias, dtype)
            keep(self, f"project_{name}", fsmn.project.weight, dtype)
            # oneDNN 3.12 never returns from bfloat16 depth-wise convolutions of up to 16 channels.
            keep(self, f"memory_{name}", memory, torch.float32 if len(memory) <= 16 else dtype)

    def forward(self, x: Tensor, out: Tensor) -> None:
        """Writes both parts of the result to out [2, B, T, F, C]."""
        re, im = (self._of(name, x) for name in ("re", "im"))
        torch.sub(re[:, :, 0], im[:, :, 1], out=out[0])
        torch.add(re[:, :, 1], im[:, :, 0], out=out[1])

    def _of(self, name: str, x: Tensor) -> Tensor:
        """One real memory on both parts of x, [B, T, 2, F, C] to the same."""
        height, channels = x.shape[3:]
        taps = min(ORDER, height)  # only these ever meet a position
        memory = getattr(self, f"memory_{name}")[..., ORDER - taps :]
        hidden = linear(x, getattr(self, f"linear_{name}"), getattr(self, f"bias_{name}"), "relu")
        p = linear(hidden, getattr(self, f"project_{name}"))
        p = p.reshape(1, -1, *p.shape[3:]).permute(0, 3, 1, 2).to(memory.dtype)
        y = F.conv2d(p, memory, padding=(0, taps - 1), groups=channels)[..., :height]
        return y.permute(0, 2, 3, 1).reshape(x.shape).add_(x)


class TimeMemory(nn.Module):
    """Both memories over time at the bottleneck, [B, T, 2, 1, C] to the same."""

    def __init__(self, fsmn: TimeFSMN, dtype: torch.dtype):
        super().__init__()
        self.first = Memory(fsmn.fsmn_re_L1, fsmn.fsmn_im_L1, dtype)
        self.second = Memory(fsmn.fsmn_re_L2, fsmn.fsmn_im_L2, dtype)

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 3).contiguous()  # [B, 1, 2, T, C]
        for memory in (self.first, self.second):
            y = torch.empty_like(x)
            memory(x, y.movedim(2, 0))
            x = y
        return x.transpose(1, 3)
