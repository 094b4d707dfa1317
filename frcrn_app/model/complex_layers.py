"""Complex layers as single real operations on [B, 2C, F, T].

The first C channels hold the real part, the last C the imaginary part. A complex convolution with
kernel Wr + i Wi is one real convolution with the block kernel [[Wr, -Wi], [Wi, Wr]]. Parameters
keep the names and shapes of the reference implementation, so that its checkpoints load unchanged.

Real convolutions, whose four blocks are free, take as much work and have twice the weights. Where a
mask has hardly an imaginary part, nothing asks for blocks that repeat each other; that complex
networks are no better than real ones of the same work is the finding of Wu et al., "Rethinking
complex-valued deep neural networks for monaural speech enhancement", Interspeech 2023.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ALIGNED = 8  # channels at least, for a GPU's matrix units and a processor's vector kernels


class _Kernel(nn.Module):
    """Weight and bias of one real convolution, started as torch's own convolutions are."""

    def __init__(self, shape: tuple[int, ...], out_channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(out_channels))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        fan_in = self.weight[0].numel()
        nn.init.uniform_(self.bias, -(fan_in**-0.5), fan_in**-0.5)


class _Statistics(nn.Module):
    """Affine parameters and running statistics of one real batch normalisation."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))


class ComplexBatchNorm2d(nn.Module):
    """Batch normalisation of real and imaginary parts apart, as one over 2C channels."""

    eps = 1e-5
    momentum = 0.1

    def __init__(self, channels: int):
        super().__init__()
        self.bn_re = _Statistics(channels)
        self.bn_im = _Statistics(channels)

    def joined(self, name: str) -> Tensor:
        """The named parameter or buffer of both parts, [2C]."""
        return torch.cat((getattr(self.bn_re, name), getattr(self.bn_im, name)))

    def scale_and_shift(self) -> tuple[Tensor, Tensor]:
        """The normalisation by running statistics, y = scale * x + shift, each [2C]."""
        scale = self.joined("weight") * (self.joined("running_var") + self.eps).rsqrt()
        return scale, self.joined("bias") - scale * self.joined("running_mean")

    def forward(self, x: Tensor) -> Tensor:
        mean, var = self.joined("running_mean"), self.joined("running_var")
        weight, bias = self.joined("weight"), self.joined("bias")
        y = F.batch_norm(x, mean, var, weight, bias, self.training, self.momentum, self.eps)
        if self.training:
            # batch_norm has updated the joined copies in place.
            with torch.no_grad():
                for part, new_mean, new_var in zip(
                    (self.bn_re, self.bn_im), mean.chunk(2), var.chunk(2), strict=True
                ):
                    part.running_mean.copy_(new_mean)
                    part.running_var.copy_(new_var)
        return y


class BlockConvolution(nn.Module, ABC):
    """A real convolution of real and imaginary parts, whatever its weight is made of."""

    per_output: tuple[int, ...]  # shape in which a factor of each output meets the weight

    @abstractmethod
    def real_parameters(self) -> tuple[Tensor, Tensor]:
        """Block weight and bias [2 C_out] of the real convolution.

        The weight is [2 C_out, 2 C_in, kF, kT], of a transposed one [2 C_in, 2 C_out, kF, kT].
        """

    @abstractmethod
    def convolved(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """The convolution of x [B, 2 C_in, F, T] by such a weight and bias."""

    def folded(self, bn: ComplexBatchNorm2d) -> tuple[Tensor, Tensor]:
        """`real_parameters` of the convolution followed by `bn` with its running statistics."""
        weight, bias = self.real_parameters()
        scale, shift = bn.scale_and_shift()
        return weight * scale.view(self.per_output), bias * scale + shift

    def forward(self, x: Tensor, bn: ComplexBatchNorm2d | None = None) -> Tensor:
        """Convolution, followed by `bn` with its running statistics where one is given."""
        return self.convolved(x, *(self.real_parameters() if bn is None else self.folded(bn)))


class BlockConv2d(BlockConvolution):
    """Convolution, [B, 2 C_in, F, T] to [B, 2 C_out, F', T']."""

    per_output = (-1, 1, 1, 1)

    def __init__(self, stride: tuple[int, int], padding: tuple[int, int]):
        super().__init__()
        self.stride = stride
        self.padding = padding

    def convolved(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        if x.is_cuda and (missing := -weight.shape[1] % ALIGNED):
            x, weight = (F.pad(each, (0, 0, 0, 0, 0, missing)) for each in (x, weight))
            x = x.contiguous(memory_format=torch.channels_last)
        return F.conv2d(x, weight, bias, self.stride, self.padding)


class ComplexConv2d(BlockConv2d):
    """Complex convolution, [B, 2 C_in, F, T] to [B, 2 C_out, F', T']."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
    ):
        super().__init__(stride, padding)
        shape = (out_channels, in_channels, *kernel_size)
        self.conv_re = _Kernel(shape, out_channels)
        self.conv_im = _Kernel(shape, out_channels)

    def real_parameters(self) -> tuple[Tensor, Tensor]:
        re, im = self.conv_re, self.conv_im
        weight = torch.cat(
            (
                torch.cat((re.weight, -im.weight), 1),
                torch.cat((im.weight, re.weight), 1),
            )
        )
        return weight, torch.cat((re.bias - im.bias, re.bias + im.bias))


class RealConv2d(BlockConv2d):
    """Real convolution of both parts, [B, 2 C_in, F, T] to [B, 2 C_out, F', T']."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
    ):
        super().__init__(stride, padding)
        self.kernel = _Kernel((2 * out_channels, 2 * in_channels, *kernel_size), 2 * out_channels)

    def real_parameters(self) -> tuple[Tensor, Tensor]:
        return self.kernel.weight, self.kernel.bias


class BlockConvTranspose2d(BlockConvolution):
    """Transposed convolution, stride (2, 1), of parts concatenated by channels.

    The input [B, 2 C_1 + 2 C_2 ..., F, T] is the concatenation of complex tensors with
    `in_channels` = (C_1, C_2, ...) channels, each with its real part first. The reference orders
    the same channels as all real parts, then all imaginary parts; ordering the kernel instead of
    the sound saves a copy of the largest tensors.
    """

    per_output = (-1, 1, 1)

    def __init__(self, in_channels: tuple[int, ...], height: int):
        super().__init__()
        self.in_channels = in_channels
        self.height = height

    def convolved(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        # A GPU has a fast transposed convolution: on an H200 a step of training took 8 % less.
        if x.is_cuda and weight.requires_grad:
            missing = -weight.shape[1] % ALIGNED
            weight, bias = F.pad(weight, (0, 0, 0, 0, 0, missing)), F.pad(bias, (0, missing))
            y = F.conv_transpose2d(x, weight, bias, (2, 1), (0, 1))
            return y[:, : y.shape[1] - missing]
        # Too few channels for the plain convolution's vector kernels.
        if weight.shape[1] < ALIGNED:
            return F.conv_transpose2d(x, weight, bias, (2, 1), (0, 1))
        return interleaved_convolution(x, weight, bias)


class ComplexConvTranspose2d(BlockConvTranspose2d):
    """Complex transposed convolution."""

    def __init__(
        self,
        in_channels: tuple[int, ...],
        out_channels: int,
        kernel_size: tuple[int, int],
    ):
        super().__init__(in_channels, kernel_size[0])
        shape = (sum(in_channels), out_channels, *kernel_size)
        self.tconv_re = _Kernel(shape, out_channels)
        self.tconv_im = _Kernel(shape, out_channels)

    def real_parameters(self) -> tuple[Tensor, Tensor]:
        re, im = self.tconv_re, self.tconv_im
        from_real = torch.cat((re.weight, im.weight), 1).split(self.in_channels)
        from_imag = torch.cat((-im.weight, re.weight), 1).split(self.in_channels)
        parts = [part for pair in zip(from_real, from_imag, strict=True) for part in pair]
        return torch.cat(parts), torch.cat((re.bias - im.bias, re.bias + im.bias))


class RealConvTranspose2d(BlockConvTranspose2d):
    """Transposed real convolution of both parts."""

    def __init__(
        self,
        in_channels: tuple[int, ...],
        out_channels: int,
        kernel_size: tuple[int, int],
    ):
        super().__init__(in_channels, kernel_size[0])
        shape = (2 * sum(in_channels), 2 * out_channels, *kernel_size)
        self.kernel = _Kernel(shape, 2 * out_channels)

    def real_parameters(self) -> tuple[Tensor, Tensor]:
        return self.kernel.weight, self.kernel.bias


def interleaved_convolution(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Transposed convolution of stride (2, 1) and padding (0, 1) as one plain convolution.

    Even output rows meet the even taps over frequency, odd rows the odd taps: both are channels
    of one convolution, whose rows then interleave. torch has no fast bfloat16 transposed
    convolution on the CPU; this form takes a fifth of its time.

    Args:
        x: [B, C_in, F, T].
        weight: [C_in, C_out, kF, 2], the transposed convolution's.
        bias: [C_out].

    Returns:
        [B, C_out, 2 (F - 1) + kF, T - 1].
    """
    in_channels, out_channels, height, _ = weight.shape
    rows, taps = x.shape[2], (height + 1) // 2
    weight = F.pad(weight, (0, 0, 0, 2 * taps - height))
    weight = weight.view(in_channels, out_channels, taps, 2, 2).flip(2, 4)
    weight = weight.permute(3, 1, 0, 2, 4).flatten(0, 1)  # [2 C_out, C_in, taps, 2]
    # Zeros of its own: oneDNN's weight gradient takes 1.7 times as long where it pads by itself.
    x = F.pad(x, (0, 0, taps - 1, taps - 1))
    y = F.conv2d(x, weight, bias.repeat(2))  # [B, 2 C_out, F', T - 1]
    y = y.unflatten(1, (2, out_channels)).permute(0, 3, 1, 4, 2)  # [B, F', 2, T - 1, C_out]
    y = y.flatten(1, 2).permute(0, 3, 1, 2)  # the copy: [B, C_out, 2 F', T - 1], channels last
    return y[:, :, : 2 * (rows - 1) + height]
