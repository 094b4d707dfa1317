"""What a causal network keeps of the frames before the present ones.

The layers of a causal network that look over time do so through this module, for a whole recording
(no `Past`: nothing was before) and for a stream that comes in pieces (a `Past` that each piece is
continued from) alike.
"""

from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

MEMORY = 200  # frames, 4 s: a frame that long ago counts 1/e in a running mean
BLOCK = 1 << 15  # frames that a running mean sums up at once; exp(BLOCK / MEMORY) fits a float64


class Past(dict[Hashable, Tensor]):
    """Tensors [B, ...] that layers leave for the frames after, by layer, for B streams at once."""

    @classmethod
    def joined(cls, pasts: Sequence["Past"]) -> "Past":
        """One past of as many streams; where one has not begun yet, zeros."""
        kept = {key: value for past in pasts for key, value in past.items()}
        return cls(
            {
                key: torch.cat([past.get(key, torch.zeros_like(value)) for past in pasts])
                for key, value in kept.items()
            }
        )

    def apart(self, streams: int) -> list["Past"]:
        """The pasts of the single streams."""
        split = {key: value.split(1) for key, value in self.items()}
        return [Past({key: parts[i] for key, parts in split.items()}) for i in range(streams)]


def with_past(x: Tensor, frames: int, past: Past | None, key: Hashable) -> Tensor:
    """x [B, T, ...] behind the `frames` frames before it, zeros where there were none.

    Returns:
        [B, frames + T, ...], whose last frames are what the next call with this key starts with.
    """
    before = None if past is None else past.get(key)
    if before is None:
        before = x.new_zeros(x.shape[0], frames, *x.shape[2:])
    x = torch.cat((before, x), 1)
    if past is not None:
        past[key] = x[:, x.shape[1] - frames :]
    return x


def delayed(x: Tensor, frames: int, past: Past | None, key: Hashable) -> Tensor:
    """x [B, T, ...] as it was `frames` frames ago, of the same shape."""
    return with_past(x, frames, past, key)[:, : x.shape[1]] if frames else x


def running_mean(
    x: Tensor, past: Past | None, key: Hashable, weight: Tensor | None = None
) -> Tensor:
    """Mean of x [B, T, ...] over each frame and those before it, the latest counting most.

    Args:
        weight: of the frames, [B, T], or None where all weigh the same. Frames of weight 0 have no
            part; while there are only such frames, the mean is 0.
    """
    weight = x.new_ones(x.shape[:2]) if weight is None else weight
    weight = weight.reshape(*x.shape[:2], *[1] * (x.ndim - 2)).double()
    sums = _forgetting_sum(x * weight, past, (key, "sum"))
    weights = _forgetting_sum(weight, past, (key, "weight"))
    return (sums / weights.clamp(min=1e-30)).to(x.dtype)


def _forgetting_sum(x: Tensor, past: Past | None, key: Hashable) -> Tensor:
    """y[t] = x[t] + y[t - 1] exp(-1 / MEMORY) of x float64 [B, T, ...]."""
    before = None if past is None else past.get(key)
    total = x.new_zeros(x.shape[0], *x.shape[2:]) if before is None else before
    # An exporter cannot count blocks; what it makes is for recordings of up to BLOCK frames.
    step = x.shape[1] if torch.compiler.is_exporting() else BLOCK
    sums = []
    for start in range(0, x.shape[1], step):
        block = x[:, start : start + step]
        age = torch.arange(1, block.shape[1] + 1, device=x.device, dtype=x.dtype)
        fading = torch.exp(-age / MEMORY).view(-1, *[1] * (x.ndim - 2))
        sums.append(fading * (total[:, None] + (block / fading).cumsum(1)))
        total = sums[-1][:, -1]
    if past is not None:
        past[key] = total
    return sums[0] if len(sums) == 1 else torch.cat(sums, 1)
