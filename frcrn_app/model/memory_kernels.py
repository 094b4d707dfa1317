"""The memories over frequency on a GPU: kernels in Triton, which comes with torch's CUDA builds.

Neither cuDNN nor cuBLAS has a fast way to weigh twenty rows channel by channel where channels lie
innermost, as the convolutions beside it want them. These kernels read each value from the nearest
cache as often as it is needed, and from the card's memory once.

Tensors are contiguous: x and y [B, L, M, 2C], p [B, L, M, 4C], taps float32 [K, 4C]. Row l of y is
(re + i im)(x) of `fsmn.complex_fsmn`, with p what its four projections give, in this order: that
of `re` from real and from imaginary parts, that of `im` from imaginary and from real parts. The
taps of the third are negative.
"""

# pyright: reportMissingImports=false, reportIndexIssue=false
import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import FunctionCtx

# Rows and values of a row that a program computes, of eight pairs the fastest forward on an H200,
# and frames whose slopes it sums up, of which no others were tried.
ROWS, VALUES, FRAMES = 16, 128, 10


@triton.jit
def _outputs(x, p, taps, y, rows, width, channels: tl.constexpr, count: tl.constexpr,
             ROWS: tl.constexpr, VALUES: tl.constexpr):  # fmt: skip
    """y of x and p; `channels` are 2C, `width` is 2C M, `count` K."""
    batch = tl.program_id(2).to(tl.int64)
    row = (tl.program_id(1) * ROWS + tl.arange(0, ROWS))[:, None]
    value = (tl.program_id(0) * VALUES + tl.arange(0, VALUES))[None, :]
    channel = value % channels
    first = value + value // channels * channels  # of p, whose frames are twice as wide
    valid = (row < rows) & (value < width)
    at = (batch * rows + row) * width
    total = tl.load(x + at + value, valid, 0.0).to(tl.float32)
    # The other part of the same channel: subtracted from the real one, added to the imaginary.
    other = value - channel + (channel + channels // 2) % channels
    sign = tl.where(channel < channels // 2, -1.0, 1.0)
    total += sign * tl.load(x + at + other, valid, 0.0).to(tl.float32)
    for k in range(count):
        source = row - (count - 1) + k
        there = (source >= 0) & valid
        start = p + (batch * rows + source) * (2 * width) + first
        weight = taps + k * 2 * channels + channel
        total += tl.load(weight) * tl.load(start, there, 0.0).to(tl.float32)
        total += tl.load(weight + channels) * tl.load(start + channels, there, 0.0).to(tl.float32)
    tl.store(y + at + value, total.to(y.dtype.element_ty), valid)


@triton.jit
def _input_slopes(dy, taps, dp, rows, width, channels: tl.constexpr, count: tl.constexpr,
                  ROWS: tl.constexpr, VALUES: tl.constexpr):  # fmt: skip
    """The gradient of p from that of y."""
    batch = tl.program_id(2).to(tl.int64)
    row = (tl.program_id(1) * ROWS + tl.arange(0, ROWS))[:, None]
    value = (tl.program_id(0) * VALUES + tl.arange(0, VALUES))[None, :]
    channel = value % channels
    valid = (row < rows) & (value < width)
    first = tl.zeros((ROWS, VALUES), tl.float32)
    second = tl.zeros((ROWS, VALUES), tl.float32)
    for k in range(count):
        target = row + (count - 1) - k
        at = dy + (batch * rows + target) * width + value
        slope = tl.load(at, (target < rows) & valid, 0.0).to(tl.float32)
        weight = taps + k * 2 * channels + channel
        first += tl.load(weight) * slope
        second += tl.load(weight + channels) * slope
    at = dp + (batch * rows + row) * (2 * width) + value + value // channels * channels
    tl.store(at, first.to(dp.dtype.element_ty), valid)
    tl.store(at + channels, second.to(dp.dtype.element_ty), valid)


@triton.jit
def _tap_slopes(dy, p, sums, rows, frames, channels: tl.constexpr, count: tl.constexpr,
                VALUES: tl.constexpr, FRAMES: tl.constexpr, COUNT: tl.constexpr):  # fmt: skip
    """The gradient of the taps from that of y: sums [B, programs, COUNT, 4C] over `FRAMES` each."""
    batch = tl.program_id(1).to(tl.int64)
    k = tl.arange(0, COUNT)[:, None]
    channel = (tl.program_id(2) * VALUES + tl.arange(0, VALUES))[None, :]
    valid = channel < channels
    first = tl.zeros((COUNT, VALUES), tl.float32)
    second = tl.zeros((COUNT, VALUES), tl.float32)
    begin = tl.program_id(0) * FRAMES
    for frame in range(begin, tl.minimum(begin + FRAMES, frames)):
        for row in range(rows):
            at = dy + ((batch * rows + row) * frames + frame) * channels + channel
            slope = tl.load(at, valid, 0.0).to(tl.float32)
            source = row - (count - 1) + k
            there = (source >= 0) & (k < count) & valid
            at = p + ((batch * rows + source) * frames + frame) * (2 * channels) + channel
            first += slope * tl.load(at, there, 0.0).to(tl.float32)
            second += slope * tl.load(at + channels, there, 0.0).to(tl.float32)
    program = batch * tl.num_programs(0) + tl.program_id(0)
    at = sums + (program * COUNT + k) * (2 * channels) + channel
    every = valid & (k < COUNT)
    tl.store(at, first, every)
    tl.store(at + channels, second, every)


class ComplexMemory(torch.autograd.Function):
    """y [B, L, M, 2C] of x [B, L, M, 2C], p [B, L, M, 4C] and taps float32 [K, 4C]."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, p: Tensor, taps: Tensor) -> Tensor:
        x, p, taps = x.contiguous(), p.contiguous(), taps.float().contiguous()
        ctx.save_for_backward(p, taps)
        y = torch.empty_like(x)
        batch, rows, frames, channels = x.shape
        width = frames * channels
        _outputs[_grid(batch, rows, width)](
            x, p, taps, y, rows, width, channels, len(taps), ROWS, VALUES
        )
        return y

    @staticmethod
    def backward(ctx, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        p, taps = ctx.saved_tensors
        dy = dy.contiguous()
        batch, rows, frames, channels = dy.shape
        width, count = frames * channels, len(taps)
        dx, dp = torch.empty_like(dy), torch.empty_like(p)
        real, imaginary = dy.chunk(2, -1)
        torch.add(real, imaginary, out=dx[..., : channels // 2])
        torch.sub(imaginary, real, out=dx[..., channels // 2 :])
        _input_slopes[_grid(batch, rows, width)](
            dy, taps, dp, rows, width, channels, count, ROWS, VALUES
        )
        programs = triton.cdiv(frames, FRAMES)
        padded = triton.next_power_of_2(count)
        sums = taps.new_empty(batch, programs, padded, 2 * channels)
        _tap_slopes[programs, batch, triton.cdiv(channels, VALUES)](
            dy, p, sums, rows, frames, channels, count, VALUES, FRAMES, padded
        )
        return dx, dp, sums.sum((0, 1))[:count]


def _grid(batch: int, rows: int, width: int) -> tuple[int, int, int]:
    return triton.cdiv(width, VALUES), triton.cdiv(rows, ROWS), batch
