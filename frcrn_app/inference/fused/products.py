"""Products of activations with kernels, most of the network's time.

- A complex convolution takes three real ones instead of four (Gauss): with s = re + im,
  y_re = Wr s - (Wr + Wi) im and y_im = Wr s + (Wi - Wr) re. That saves a quarter of the
  multiplications and costs additions that stay in the cache.
- Four real kernels that are no complex one are a single real convolution of both parts together.
- Over time, where a kernel has two taps, three output frames take four products in place of six
  (Winograd; Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016), where
  the channels are enough to pay for its additions.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from frcrn_app.inference.precision import on_onednn
from frcrn_app.inference.private_torch import onednn_convolution_plus, onednn_linear, recording
from frcrn_app.model import ComplexBatchNorm2d

CHUNK = 1 << 20  # numbers of one part, real or imaginary, that a layer reads at once for a thread
SLOPE = 0.01  # of leaky ReLU below zero
TILE = 3  # output frames that share products
TILED_CHANNELS = 128  # of the input, from which sharing is faster than a convolution of two taps


class _OverFrequency(nn.Module):
    """What convolutions know of the frequency axis."""

    def __init__(self, taps: int, stride: int, padding: int):
        super().__init__()
        self.taps, self.stride, self.padding = taps, stride, padding

    def height(self, height: int) -> int:
        """Frequencies of the output."""
        return (height + 2 * self.padding - self.taps) // self.stride + 1


class Convolution(_OverFrequency):
    """Complex convolution, batch norm and leaky ReLU by three real convolutions (see the head)."""

    scale: Tensor
    bias: Tensor

    def __init__(
        self,
        re: Tensor,
        im: Tensor,
        bias: Tensor,
        bn: ComplexBatchNorm2d,
        stride: int,
        padding: int,
        dtype: torch.dtype,
    ):
        """re, im: kernels [C_out, C_in, kT, kF]; stride, padding: over F."""
        super().__init__(re.shape[3], stride, padding)
        self.channels = re.shape[0]
        self.tiled = on_onednn(re.device, dtype) and re.shape[1] >= TILED_CHANNELS
        scale, shift = (v.unflatten(0, (2, -1)) for v in bn.scale_and_shift())  # [2, C_out]
        # Each part has a scale of its own, so the product that they share gets it afterwards.
        column = scale[..., None, None, None]
        kernels = torch.stack((re, (im - re) * column[1], -(re + im) * column[0]))
        for name, kernel in zip(("sum", "re", "im"), kernels, strict=True):
            parts = [kernel]
            if self.tiled:
                a, b = kernel.split(1, 2)
                parts = [a, (a + b) / 2, (a - b) / 2, b]
            for i, part in enumerate(parts):
                keep(self, f"of_{name}{i}", part, dtype)
        keep(self, "scale", scale, torch.float32)
        keep(self, "bias", bias.view(2, -1) * scale + shift, dtype)

    def frames(self, count: int) -> int:
        """How many input frames `forward` takes for `count` output frames."""
        return -(-count // TILE) * TILE + 1 if self.tiled else count + 1

    def inputs(self, planes: Tensor) -> list[tuple[Tensor, ...]]:
        """What `forward` multiplies: sum, real and imaginary part of one tensor, or of four.

        Args:
            planes: both parts, [2, B, frames(count), F, C_in], zeros after frame `count`.
        """
        views = [planes]
        if self.tiled:
            size = planes.shape[2] - 1
            a, b, c, d = (planes[:, :, i : i + size : TILE] for i in range(TILE + 1))
            views = [a - c, b + c, c - b, d - b]
        return [(re + im, re, im) for re, im in views]

    def forward(self, inputs: list[tuple[Tensor, ...]], out: Tensor) -> None:
        """Writes the result to out [B, T, 2, F', C_out]."""
        terms = (("of_sum", None), ("of_re", self.bias[1]), ("of_im", self.bias[0]))
        products = (
            self._frames(parts, name, bias)
            for parts, (name, bias) in zip(zip(*inputs, strict=True), terms, strict=True)
        )
        scale = self.scale.to(out.dtype)
        for i, (shared, from_re, from_im) in enumerate(zip(*products, strict=True)):
            y = out[:, i::TILE] if self.tiled else out
            count = y.shape[1]  # a last tile may reach past the end
            for part, own in enumerate((from_im, from_re)):
                own = own[:, :count].addcmul_(shared[:, :count], scale[part])
                torch.ops.aten.leaky_relu.out(own, SLOPE, out=y[:, :, part])

    def _frames(self, x: tuple[Tensor, ...], name: str, bias: Tensor | None) -> list[Tensor]:
        """Products of one of the inputs' parts with the kernel of its name, all frames in order.

        Tiled, these are the frames 0, 3, 6 ..., the frames 1, 4, 7 ... and 2, 5, 8 ...
        """
        if not self.tiled:
            return [self._product(x[0], f"{name}0", bias)]
        middle = self._product(x[1], f"{name}1", bias)
        half = self._product(x[2], f"{name}2")
        outer = middle + half
        middle -= half
        first = self._product(x[0], f"{name}0", plus=outer)
        return [first, middle, self._product(x[3], f"{name}3", plus=outer)]

    def _product(
        self, x: Tensor, name: str, bias: Tensor | None = None, plus: Tensor | None = None
    ) -> Tensor:
        """Convolution [B, T, F', C_out] of x [B, T, F, C_in] by the named kernel, plus `plus`."""
        x, kernel = x.permute(0, 3, 1, 2), getattr(self, name)
        stride, padding = (1, self.stride), (0, self.padding)
        if plus is None:
            y = F.conv2d(x, kernel, bias, stride, padding)
        else:
            plus = plus.permute(0, 3, 1, 2)
            y = onednn_convolution_plus(x, plus, kernel, stride, padding)
        return y.permute(0, 2, 3, 1)


class RealConvolution(_OverFrequency):
    """Real convolution of both parts, batch norm folded in, and leaky ReLU."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, stride: int, padding: int, dtype: torch.dtype):
        """weight: [2 C_out, 2 C_in, kT, kF], real parts first; stride, padding: over F."""
        super().__init__(weight.shape[3], stride, padding)
        self.channels = weight.shape[0] // 2
        keep(self, "weight", weight, dtype)
        keep(self, "bias", bias, dtype)

    def frames(self, count: int) -> int:
        """How many input frames `forward` takes for `count` output frames."""
        return count + 1

    def inputs(self, planes: Tensor) -> Tensor:
        """What `forward` multiplies, [B, 2 C_in, T, F], of both parts [2, B, T, F, C_in]."""
        return torch.cat(planes.unbind(0), -1).permute(0, 3, 1, 2)

    def forward(self, inputs: Tensor, out: Tensor) -> None:
        """Writes the result to out [B, T, 2, F', C_out]."""
        stride, padding = (1, self.stride), (0, self.padding)
        y = F.conv2d(inputs, self.weight, self.bias, stride, padding).permute(0, 2, 3, 1)
        for part, own in enumerate(y.chunk(2, -1)):
            torch.ops.aten.leaky_relu.out(own, SLOPE, out=out[:, :, part])


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None, then: str = "none") -> Tensor:
    """Linear layer over the last axis, then nothing or "relu"."""
    if on_onednn(x.device, x.dtype) and not recording():
        # F.linear would call MKL, which is slower on matrices so narrow, and ReLU is free here.
        # A recording cannot hold it, and MKL is the faster of them for the few rows of a frame.
        return onednn_linear(x, weight, bias, then)
    y = F.linear(x, weight, bias)
    return y.relu_() if then == "relu" else y


def keep(module: nn.Module, name: str, tensor: Tensor, dtype: torch.dtype) -> None:
    """Registers a copy of a tensor as a buffer, kernels in the layout that convolutions take."""
    tensor = tensor.detach().to(dtype)
    layout = torch.channels_last if tensor.ndim == 4 else torch.contiguous_format
    module.register_buffer(name, tensor.clone(memory_format=layout))


def chunks(frames: int, numbers: int, x: Tensor) -> Iterator[tuple[int, int]]:
    """Starts and ends of runs of frames of x [B, ...], CHUNK of `numbers` a frame for each thread.

    A batch is one run, because its frames would not be contiguous, and so is all that a graphics
    card has, whose time goes into starting operations.
    """
    if frames == 1:
        yield 0, 1
        return
    whole = x.shape[0] > 1 or x.device.type != "cpu"
    size = frames if whole else max(CHUNK * torch.get_num_threads() // numbers, 8)
    count = -(-frames // size)
    # Of nearly one size, because a short last one would be slow, and of whole tiles but the last.
    bounds = [frames * i // count // TILE * TILE for i in range(count)] + [frames]
    yield from pairwise(bounds)
