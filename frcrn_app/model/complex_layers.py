"""Complex layers as single real operations on [B, 2C, F, T].

The first C channels hold the real part, the last C the imaginary part. A complex convolution with
kernel Wr + i Wi is one real convolution with the block kernel [[Wr, -Wi], [Wi, Wr]]. Parameters
keep the names and shapes of the reference implementation, so that its checkpoints load unchanged.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class _Kernel(nn.Module):
    """Weight and bias of one real convolution, started as torch's own convolutions are."""

    def __init__(self, shape: tuple[int, ...], out_channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(out_channels))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        fan_in = self.weight[0].numel()
        nn.init.uniform_(self.bias, -(fan_in**-0.5), fan_in**-0.5)


class ComplexConv2d(nn.Module):
    """Complex convolution, [B, 2 C_in, F, T] to [B, 2 C_out, F', T']."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
    ):
        super().__init__()
        self.stride = stride
        self.padding = padding
        shape = (out_channels, in_channels, *kernel_size)
        self.conv_re = _Kernel(shape, out_channels)
        self.conv_im = _Kernel(shape, out_channels)

    def real_parameters(self) -> tuple[Tensor, Tensor]:
        """Block weight [2 C_out, 2 C_in, kF, kT] and bias [2 C_out] of the real convolution."""
        re, im = self.conv_re, self.conv_im
        weight = torch.cat(
            (
                torch.cat((re.weight, -im.weight), 1),
                torch.cat((im.weight, re.weight), 1),
            )
        )
        return weight, torch.cat((re.bias - im.bias, re.bias + im.bias))

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.real_parameters()
        return F.conv2d(x, weight, bias, self.stride, self.padding)


class ComplexConvTranspose2d(nn.Module):
    """Complex transposed convolution of parts that are concatenated by channels.

    The input [B, 2 C_1 + 2 C_2 ..., F, T] is the concatenation of complex tensors with
    `in_channels` = (C_1, C_2, ...) channels, each with its real part first. The reference orders
    the same channels as all real parts, then all imaginary parts; ordering the kernel instead of
    the sound saves a copy of the largest tensors.
    """

    def __init__(
        self,
        in_channels: tuple[int, ...],
        out_channels: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
    ):
        super().__init__()
        self.in_channels = in_channels
        self.stride = stride
        self.padding = padding
        shape = (sum(in_channels), out_channels, *kernel_size)
        self.tconv_re = _Kernel(shape, out_channels)
        self.tconv_im = _Kernel(shape, out_channels)

    def real_parameters(self) -> tuple[Tensor, Tensor]:
        """Block weight [2 C_in, 2 C_out, kF, kT] and bias [2 C_out] of the real convolution."""
        re, im = self.tconv_re, self.tconv_im
        from_real = torch.cat((re.weight, im.weight), 1).split(self.in_channels)
        from_imag = torch.cat((-im.weight, re.weight), 1).split(self.in_channels)
        parts = [part for pair in zip(from_real, from_imag, strict=True) for part in pair]
        return torch.cat(parts), torch.cat((re.bias - im.bias, re.bias + im.bias))

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.real_parameters()
        return F.conv_transpose2d(x, weight, bias, self.stride, self.padding)


class _Statistics(nn.Module):
    """Affine parameters and running statistics of one real batch normalisation."""

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
