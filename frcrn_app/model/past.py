"""What a causal network keeps of the frames before the present ones.

The layers of a causal network that look over time do so through this module, for a whole recording
(no `Past`: nothing was before) and for a stream that comes in pieces (a `Past` that each piece is
continued from) alike.
"""

import math
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

MEMORY = 200  # frames, 4 s: a frame that long ago counts 1/e in a running mean
FADED = math.exp(-1 / MEMORY)  # what the frame before counts
BLOCK = 1 << 15  # frames that a running mean sums up at once; exp(BLOCK / MEMORY) fits a float64


class Past(dict[Hashable, Tensor]):
    """Tensors [B, ...] that layers leave for the frames after, by layer, for B streams at once.

    A tensor in it is never written to, so that streams may go on from one past in different ways.
    """

    def __init__(self, streams: int = 1):
        super().__init__()
        self.streams = streams
        self.weights: Tensor | None = None

    def begin(self, spectrum: Tensor) -> None:
        """Frames [B, 2, F, T] come: what running means divide by is made once for all of them.

        It is in `weights`, float64 [B, T].
        """
        ones = spectrum.new_ones(spectrum.shape[0], spectrum.shape[3], dtype=torch.float64)
        self.weights = _forgetting_sum(ones, self, "weights")

    @classmethod
    def of(cls, places: Sequence[tuple["Past", int]]) -> "Past":
        """A past of streams by their places in others; where one has not begun yet, zeros."""
        first, past = places[0][0], cls(len(places))
        if first.streams == len(places) and all(
            other is first and i == place for i, (other, place) in enumerate(places)
        ):
            past.update(first)  # the same streams as in the frame before
            return past
        kept = {key: value for other, _ in places for key, value in other.items()}
        for key, value in kept.items():
            none = torch.zeros_like(value[:1])
            rows = [other[key][i : i + 1] if key in other else none for other, i in places]
            past[key] = torch.cat(rows)
        return past

    def apart(self) -> list["Past"]:
        """The pasts of the single streams."""
        pasts = [Past.of([(self, i)]) for i in range(self.streams)]
        if self.weights is not None:
            for past, weights in zip(pasts, self.weights, strict=True):
                past.weights = weights[None]
        return pasts


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
    if past is not None and x.shape[1] == frames:  # nothing to join
        before = past.get(key)
        past[key] = x
        return torch.zeros_like(x) if before is None else before
    return with_past(x, frames, past, key)[:, : x.shape[1]] if frames else x


def running_mean(
    x: Tensor, past: Past | None, key: Hashable, weight: Tensor | None = None
) -> Tensor:
    """Mean of x [B, T, ...] over each frame and those before it, the latest counting most.

    Args:
        weight: of the frames, [B, T], or None where all weigh the same. Frames of weight 0 have no
            part; while there are only such frames, the mean is 0.
    """
    shape = (*x.shape[:2], *[1] * (x.ndim - 2))
    if weight is not None:
        weight = weight.reshape(shape).double()
        weights = _forgetting_sum(weight, past, (key, "weight")).clamp(min=1e-30)
    elif past is not None and past.weights is not None:
        weights = past.weights.view(shape)
    else:
        ones = x.new_ones(shape, dtype=torch.float64)
        weights = _forgetting_sum(ones, past, (key, "weight"))
    parts = x.double() if weight is None else x * weight
    return (_forgetting_sum(parts, past, (key, "sum")) / weights).to(x.dtype)


def _forgetting_sum(x: Tensor, past: Past | None, key: Hashable) -> Tensor:
    """y[t] = x[t] + y[t - 1] exp(-1 / MEMORY) of x float64 [B, T, ...]."""
    before = None if past is None else past.get(key)
    if past is not None and x.shape[1] == 1:
        past[key] = x if before is None else x.add(before, alpha=FADED)
        return past[key]
    total = x.new_zeros(x.shape[0], *x.shape[2:]) if before is None else before[:, 0]
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
        past[key] = total[:, None]
    return sums[0] if len(sums) == 1 else torch.cat(sums, 1)
