"""Twins of a causal network's layers, on activations x [B, T, 2, F, C] with the real part first.

A frame as it comes in is so little work that most of its time would go into starting operations.
So a layer is few of them here, matrix products with both parts in a row: over frequency, what meets
in an output is gathered, and over time, a frame's product for the frame after it is made with the
frame's own and kept, rather than the frame (`_TwoFrames`).

Every layer takes the `Past` of the streams and renews it. The mean that those return that attention
follows is over F alone, float32 [B, T, 2, C], and so are the gates.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from frcrn_app.inference.fused.causal_memory import Memory
from frcrn_app.inference.fused.layers import Gated, mean_over_frequency
from frcrn_app.inference.fused.products import SLOPE, chunks, keep
from frcrn_app.model import unet
from frcrn_app.model.complex_layers import ComplexConv2d
from frcrn_app.model.fsmn import FrequencyFSMN
from frcrn_app.model.past import Past, delayed


class FirstEncoder(nn.Module):
    """float32 [B, T, P, F] to [B, T, 2, F', C]."""

    def __init__(self, encoder: unet.Encoder, dtype: torch.dtype):
        super().__init__()
        weight, bias = encoder.conv.folded(encoder.bn)  # [2C, P, kF, kT], [2C]
        self.taps, self.stride = weight.shape[2], encoder.conv.stride[0]
        self.product = _TwoFrames(weight.permute(3, 1, 2, 0).flatten(1, 2).flip(0), bias, dtype)

    def forward(self, x: Tensor, past: Past) -> tuple[Tensor, Tensor]:
        x = x.to(self.product.dtype).unfold(3, self.taps, self.stride).transpose(2, 3)
        runs = chunks(x.shape[1], x.shape[2] * self.product.numbers, x)
        return _with_mean(_planes([self.product(x[:, a:b], past) for a, b in runs]))


class Encoder(nn.Module):
    """Memory over frequency, convolution: [B, T, 2, F, C] to [B, T, 2, F', C]."""

    def __init__(self, fsmn: FrequencyFSMN, encoder: unet.Encoder, dtype: torch.dtype):
        super().__init__()
        self.memory = Memory(fsmn.fsmn_re_L1, fsmn.fsmn_im_L1, dtype)
        weight, bias = encoder.conv.folded(encoder.bn)  # [2C', 2C, kF, kT], [2C']
        self.taps, self.stride = weight.shape[2], encoder.conv.stride[0]
        weight = weight.unflatten(1, (2, -1)).permute(4, 1, 3, 2, 0)  # [kT, 2, kF, C, 2C']
        self.product = _TwoFrames(weight.flatten(1, 3).flip(0), bias, dtype)

    def forward(self, x: Tensor, past: Past) -> tuple[Tensor, Tensor]:
        runs = []
        for start, stop in chunks(x.shape[1], x.shape[3] * self.product.numbers, x):
            y = self.memory(x[:, start:stop]).unfold(3, self.taps, self.stride)
            runs.append(self.product(y.permute(0, 1, 3, 2, 5, 4), past))
        return _with_mean(_planes(runs))


class Decoder(nn.Module):
    """Gates, transposed convolution, memory: [B, T, 2, F, C] of each input to [B, T, 2, F', C].

    Even and odd rows of the output are columns of one product, as in
    `model.complex_layers.interleaved_convolution`.
    """

    def __init__(self, decoder: unet.Decoder, fsmn: FrequencyFSMN, dtype: torch.dtype):
        super().__init__()
        weight, bias = decoder.transconv.folded(decoder.bn)  # [K, 2C, kF, kT], [2C]
        self.taps, self.channels = weight.shape[2], weight.shape[0]
        self.rows = (self.taps + 1) // 2  # of the input, that meet in an even row
        weight = F.pad(weight, (0, 0, 0, 2 * self.rows - self.taps)).unflatten(2, (-1, 2))
        weight = weight.flip(2).permute(4, 2, 0, 3, 1)  # [kT, rows, K, 2, 2C]
        self.product = _TwoFrames(weight.flatten(3).flatten(1, 2), bias.repeat(2), dtype)
        self.memory = Memory(fsmn.fsmn_re_L1, fsmn.fsmn_im_L1, dtype)

    def forward(self, gated: list[Gated], past: Past) -> tuple[Tensor, Tensor]:
        x, edge = gated[0][0], self.rows - 1
        height = 2 * (x.shape[3] - 1) + self.taps
        runs = []
        for start, stop in chunks(x.shape[1], x.shape[3] * self.product.numbers, x):
            met = _met(gated, start, stop, edge).unfold(2, self.rows, 1).transpose(3, 4)
            y = self.product(met, past)
            y = y.unflatten(3, (2, -1)).flatten(2, 3)[:, :, :height]
            runs.append(self.memory(_planes([y])))
        return _with_mean(_joined(runs))


class LastDecoder(nn.Module):
    """Gates, transposed convolution to one channel, linear layer: float32 [B, T, 2, F'].

    A matrix product gives the contributions of every tap, whose shifted sum is small work.
    """

    weight: Tensor
    bias: Tensor
    mix: Tensor
    mix_bias: Tensor

    def __init__(self, decoder: unet.Decoder, mix: ComplexConv2d, dtype: torch.dtype):
        super().__init__()
        weight, bias = decoder.transconv.folded(decoder.bn)  # [K, 2, kF, kT]
        self.taps = weight.shape[2]
        keep(self, "weight", weight.permute(0, 3, 2, 1).flatten(1), dtype)  # [K, kT kF 2]
        keep(self, "bias", bias, torch.float32)
        weight, bias = mix.real_parameters()
        keep(self, "mix", weight[:, :, 0, 0].t(), torch.float32)
        keep(self, "mix_bias", bias, torch.float32)

    def forward(self, gated: list[Gated], past: Past) -> Tensor:
        x = gated[0][0]
        batch, count, _, height, _ = x.shape
        y = self.bias.repeat(batch, count, 2 * (height - 1) + self.taps, 1)
        for start, stop in chunks(count, height * len(self.weight), x):
            product = _met(gated, start, stop) @ self.weight
            now, after = product.float().unflatten(3, (2, self.taps, 2)).unbind(3)
            taps = now + delayed(after, 1, past, self)  # [B, T, F, kF, 2]
            for k in range(self.taps):
                y[:, start:stop, k : k + 2 * height - 1 : 2] += taps[:, :, :, k]
        y = F.leaky_relu_(y, SLOPE).flatten(0, 2)
        return torch.addmm(self.mix_bias, y, self.mix).view(batch, count, -1, 2).transpose(2, 3)


class _TwoFrames(nn.Module):
    """Leaky ReLU of what meets in an output, of its frame and of the one before.

    [B, T, R, ...], which after R are K numbers, to [B, T, R, N].
    """

    now: Tensor
    after: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, dtype: torch.dtype):
        """weight: [2, K, N], of a frame for itself and for the one after it."""
        super().__init__()
        keep(self, "now", weight[0], dtype)
        keep(self, "after", weight[1], dtype)
        keep(self, "bias", bias, dtype)
        self.dtype, self.numbers = dtype, weight.shape[1]

    def forward(self, x: Tensor, past: Past) -> Tensor:
        shape = x.shape[:3]
        x = x.reshape(-1, self.numbers)
        after = torch.mm(x, self.after).view(*shape, -1)
        y = torch.addmm(self.bias, x, self.now).view(*shape, -1)
        return F.leaky_relu_(y.add_(delayed(after, 1, past, self)), SLOPE)


def _met(gated: Sequence[Gated], start: int, stop: int, edge: int = 0) -> Tensor:
    """Frames of activations under their gates side by side, [B, T, edge + F + edge, sum(2C)].

    Args:
        edge: rows of zeros before the first and after the last.
    """
    x = gated[0][0]
    rows = slice(edge, edge + x.shape[3])
    channels = [2 * x.shape[4] for x, _ in gated]
    shape = (x.shape[0], stop - start, x.shape[3] + 2 * edge, sum(channels))
    met = x.new_empty(shape)
    if edge:
        met[:, :, :edge], met[:, :, -edge:] = 0, 0
    for (x, gate), part in zip(gated, met[:, :, rows].split(channels, 3), strict=True):
        part = part.unflatten(3, (2, -1)).transpose(2, 3)
        if gate is None:
            part.copy_(x[:, start:stop])
        else:
            torch.mul(x[:, start:stop], gate[:, start:stop, :, None].to(x.dtype), out=part)
    return met


def _planes(runs: list[Tensor]) -> Tensor:
    """Runs of frames [B, T, F, 2C] as [B, T, 2, F, C]."""
    return _joined(runs).unflatten(3, (2, -1)).transpose(2, 3).contiguous()


def _joined(runs: list[Tensor]) -> Tensor:
    return runs[0] if len(runs) == 1 else torch.cat(runs, 1)


def _with_mean(x: Tensor) -> tuple[Tensor, Tensor]:
    return x, mean_over_frequency(x)
