"""Twins of the memories of a causal network, over frequency and over time."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from frcrn_app.inference.fused.products import keep
from frcrn_app.model.fsmn import FSMN, ORDER, TimeFSMN
from frcrn_app.model.past import Past, with_past

# Products up to which they are formed and summed: a convolution takes longer to start.
FEW = 400_000


class Memory(nn.Module):
    """Complex memory (re + i im)(x) over the axis F of x [B, T, 2, F, C], to the same.

    Both real memories see both parts, so that they are one layer of 2C channels.
    """

    linear: Tensor
    bias: Tensor
    project: Tensor
    taps: Tensor
    kernel: Tensor

    def __init__(self, re: FSMN, im: FSMN, dtype: torch.dtype):
        super().__init__()
        both = (re, im)
        keep(self, "linear", torch.cat([fsmn.linear.weight for fsmn in both]).t(), dtype)
        keep(self, "bias", torch.cat([fsmn.linear.bias for fsmn in both]), dtype)
        keep(self, "project", torch.stack([fsmn.project.weight.t() for fsmn in both]), dtype)
        kernel = torch.cat([fsmn.conv1.weight for fsmn in both]).transpose(2, 3).clone()
        kernel[..., -1] += 1  # "p +" of y = x + p + memory(p)
        # oneDNN 3.12 never returns from bfloat16 depth-wise convolutions of up to 16 channels.
        dtype = torch.float32 if len(kernel) <= 16 else dtype
        keep(self, "kernel", kernel, dtype)  # [2C, 1, 1, ORDER]
        keep(self, "taps", kernel[:, 0, 0].t(), dtype)  # [ORDER, 2C]

    def forward(self, x: Tensor) -> Tensor:
        batch, count, _, height, _ = x.shape
        p = self.looked_back_on(x).view(batch * count * 2, height, -1)
        taps = min(ORDER, height)  # only these ever meet a position
        return self._complex(self._weighed(p, taps, taps - 1).view(*x.shape[:4], 2, -1), x)

    def looked_back_on(self, x: Tensor) -> Tensor:
        """What the real memories weigh, [B, T, 2, F, C] to [B, T, 2, F, 2, C]."""
        hidden = torch.addmm(self.bias, x.reshape(-1, x.shape[4]), self.linear).relu_()
        p = torch.empty_like(hidden)
        hidden, out = (y.unflatten(1, (2, -1)).transpose(0, 1) for y in (hidden, p))
        torch.bmm(hidden, self.project, out=out)
        return p.view(*x.shape[:4], 2, -1)

    def after(self, x: Tensor, past: Past) -> Tensor:
        """The result over the axis T of x [B, T, 2, 1, C], which is the next part of streams."""
        p = with_past(self.looked_back_on(x).flatten(3), ORDER - 1, past, self)
        p = p.transpose(1, 2).flatten(0, 1)  # [2 B, ORDER - 1 + T, 2C]
        y = self._weighed(p, ORDER, 0).unflatten(0, (-1, 2)).transpose(1, 2)
        return self._complex(y.unflatten(3, (2, -1)).unsqueeze(3), x)

    def _weighed(self, p: Tensor, taps: int, before: int) -> Tensor:
        """Sums [N, L, 2C] over `taps` positions of p [N, taps - 1 - before + L, 2C].

        Args:
            before: positions of zeros before the first.
        """
        p = p.to(self.kernel.dtype)
        if p.numel() * taps <= FEW:
            p = F.pad(p, (0, 0, before, 0)) if before else p
            p = p.unfold(1, taps, 1).transpose(2, 3)  # [N, L, taps, 2C]
            return (p * self.taps[ORDER - taps :]).sum(2)
        y = F.conv2d(
            p.transpose(1, 2)[:, :, None],
            self.kernel[..., ORDER - taps :],
            padding=(0, before),
            groups=p.shape[2],
        )
        return y[:, :, 0, : p.shape[1] + before - taps + 1].transpose(1, 2)

    def _complex(self, y: Tensor, x: Tensor) -> Tensor:
        """The complex sum of both memories, y [B, T, 2, F, 2, C], of x, to which each adds x."""
        y = y + x[..., None, :]
        out = torch.empty_like(x)
        torch.sub(y[:, :, 0, :, 0], y[:, :, 1, :, 1], out=out[:, :, 0])
        torch.add(y[:, :, 1, :, 0], y[:, :, 0, :, 1], out=out[:, :, 1])
        return out


class TimeMemory(nn.Module):
    """Both memories over time at the bottleneck, [B, T, 2, 1, C] to the same."""

    def __init__(self, fsmn: TimeFSMN, dtype: torch.dtype):
        super().__init__()
        self.first = Memory(fsmn.fsmn_re_L1, fsmn.fsmn_im_L1, dtype)
        self.second = Memory(fsmn.fsmn_re_L2, fsmn.fsmn_im_L2, dtype)

    def forward(self, x: Tensor, past: Past) -> Tensor:
        return self.second.after(self.first.after(x, past), past)
