"""What lies around a frame, before it and after it."""

import torch
from torch import Tensor


def mean_around(x: Tensor, frames: int) -> Tensor:
    """Mean of x [B, T, ...] over so many frames to either side, as far as there are any.

    Over all frames, [B, 1, ...], where `frames` is 0.
    """
    if not frames:
        return x.mean(1, keepdim=True)
    count = x.shape[1]
    # An exporter leaves open how many frames there are.
    if not torch.compiler.is_exporting() and frames >= count - 1:
        return x.mean(1, keepdim=True).expand_as(x)
    present = torch.arange(count, device=x.device)
    first, end = (present - frames).clamp(min=0), (present + frames + 1).clamp(max=count)
    total = torch.cat((torch.zeros_like(x[:, :1]), x.cumsum(1)), 1)
    number = (end - first).view(-1, *[1] * (x.ndim - 2))
    return (total[:, end] - total[:, first]) / number
