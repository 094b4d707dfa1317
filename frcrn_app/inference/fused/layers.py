"""Twins of the network's layers, on activations x [B, T, 2, F, C] with the real part first.

Those that attention follows also return the mean of x over F, float32 [B, T, 2, C]. The gates that
follow from it are [B, T, 2, C], or [B, 1, 2, C] where attention's mean is over all frames.
Encoders and decoders are here those of networks that look both ways; `causal` has the others.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from frcrn_app.inference.fused.memory import Memory
from frcrn_app.inference.fused.products import (
    SLOPE,
    Convolution,
    RealConvolution,
    chunks,
    keep,
    linear,
)
from frcrn_app.model import unet
from frcrn_app.model.around import mean_around
from frcrn_app.model.attention import SqueezeExcitation
from frcrn_app.model.complex_layers import ComplexConv2d, RealConv2d, RealConvTranspose2d
from frcrn_app.model.context import KERNEL, ContextBlock
from frcrn_app.model.fsmn import FrequencyFSMN
from frcrn_app.model.past import Past, running_mean, with_past

Gated = tuple[Tensor, Tensor | None]  # activations and the gates that they have still to meet


class FirstEncoder(nn.Module):
    """float32 [B, T, P, F] to [B, T + 1, 2, F', C].

    A convolution with so few input channels has no fast kernel: the 10 P numbers that meet in an
    output are gathered instead, for one matrix product.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, encoder: unet.Encoder, dtype: torch.dtype):
        super().__init__()
        weight, bias = encoder.conv.folded(encoder.bn)  # [2C, P, kF, kT], [2C]
        self.taps, self.stride = weight.shape[2], encoder.conv.stride[0]
        weight = weight.permute(0, 3, 1, 2).flatten(1)
        keep(self, "weight", weight.unflatten(0, (2, -1)), dtype)  # [2, C, kT P kF]
        keep(self, "bias", bias.view(2, -1), dtype)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = F.pad(x.to(self.weight.dtype), (0, 0, 0, 0, 1, 1))
        x = x.unfold(3, self.taps, self.stride).transpose(2, 3)  # [B, T', F', P, kF]
        count, height, channels = x.shape[1] - 1, x.shape[2], self.weight.shape[1]
        y = x.new_empty(x.shape[0], count, 2, height, channels)
        means = []
        for start, stop in chunks(count, height * channels, x):
            gathered = torch.stack((x[:, start:stop], x[:, start + 1 : stop + 1]), 3).flatten(3)
            for part in range(2):
                pre = F.linear(gathered, self.weight[part], self.bias[part])
                torch.ops.aten.leaky_relu.out(pre, SLOPE, out=y[:, start:stop, part])
            means.append(mean_over_frequency(y[:, start:stop]))
        return y, torch.cat(means, 1)


class Encoder(nn.Module):
    """Memory over frequency, convolution: [B, T, 2, F, C] to [B, T + 1, 2, F', C]."""

    def __init__(self, fsmn: FrequencyFSMN, encoder: unet.Encoder, dtype: torch.dtype):
        super().__init__()
        self.memory = Memory(fsmn.fsmn_re_L1, fsmn.fsmn_im_L1, dtype)
        conv = encoder.conv
        if isinstance(conv, RealConv2d):
            weight, bias = conv.folded(encoder.bn)
            self.conv = RealConvolution(weight.transpose(2, 3), bias, conv.stride[0], 0, dtype)
        else:
            re, im = (k.weight.transpose(2, 3) for k in (conv.conv_re, conv.conv_im))
            _, bias = conv.real_parameters()
            self.conv = Convolution(re, im, bias, encoder.bn, conv.stride[0], 0, dtype)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        batch, present, _, height, channels = x.shape
        count = present + 1
        runs = list(chunks(count, height * channels, x))
        y = x.new_empty(batch, count, 2, self.conv.height(height), self.conv.channels)
        # Of the frames start - 1 to stop - 1 that a chunk needs, the first is the last one of the
        # chunk before it; frame -1 is zeros, and so is frame T.
        longest = max(self.conv.frames(stop - start) for start, stop in runs)
        planes = x.new_zeros(2, batch, longest, height, channels)
        means = []
        for start, stop in runs:
            size, given = stop - start, min(stop, present) - start
            self.memory(x[:, start : start + given], planes[:, :, 1 : 1 + given])
            planes[:, :, 1 + given :] = 0
            inputs = self.conv.inputs(planes[:, :, : self.conv.frames(size)])
            self.conv(inputs, y[:, start:stop])
            means.append(mean_over_frequency(y[:, start:stop]))
            planes[:, :, 0] = planes[:, :, size]
        return y, torch.cat(means, 1)


class Decoder(nn.Module):
    """Gates, transposed convolution, memory: [B, T, 2, F, C] of each input to [B, T - 1, ...]."""

    def __init__(self, decoder: unet.Decoder, fsmn: FrequencyFSMN, dtype: torch.dtype):
        super().__init__()
        # An output row meets every second tap, and as a convolution it meets them in reverse.
        conv = decoder.transconv

        def row(kernel: Tensor, parity: int) -> Tensor:
            return kernel.permute(1, 0, 3, 2)[..., parity::2].flip(2, 3)  # [C_out, C_in, kT, kF]

        def rows(parity: int) -> Convolution | RealConvolution:
            if isinstance(conv, RealConvTranspose2d):
                weight, bias = conv.folded(decoder.bn)
                parts = [part.chunk(2) for part in weight.split([2 * c for c in conv.in_channels])]
                # Of both inputs the real parts, then the imaginary ones, as `_gather` has them.
                weight = row(
                    torch.cat([torch.cat(part) for part in zip(*parts, strict=True)]), parity
                )
                return RealConvolution(weight, bias, 1, weight.shape[3] - 1, dtype)
            re, im = (row(kernel.weight, parity) for kernel in (conv.tconv_re, conv.tconv_im))
            _, bias = conv.real_parameters()
            return Convolution(re, im, bias, decoder.bn, 1, re.shape[3] - 1, dtype)

        self.taps = conv.height
        self.even, self.odd = rows(0), rows(1)
        self.memory = Memory(fsmn.fsmn_re_L1, fsmn.fsmn_im_L1, dtype)

    def forward(self, gated: list[Gated]) -> tuple[Tensor, Tensor]:
        x = gated[0][0]
        batch, count, height = x.shape[0], x.shape[1] - 1, x.shape[3]
        in_channels, channels = sum(x.shape[4] for x, _ in gated), self.even.channels
        y = x.new_empty(batch, count, 2, 2 * (height - 1) + self.taps, channels)
        means = []
        for start, stop in chunks(count, height * in_channels, x):
            frames = self.even.frames(stop - start)
            planes = x.new_empty(2, batch, frames, height, in_channels)
            planes[:, :, stop + 1 - start :] = 0
            _gather(_frames(gated, start, stop + 1), planes[:, :, : stop + 1 - start])
            inputs = self.even.inputs(planes)
            z = torch.empty_like(y[:, start:stop])
            for parity, conv in enumerate((self.even, self.odd)):
                conv(inputs, z[:, :, :, parity::2])
            self.memory(z, y[:, start:stop].movedim(2, 0))
            means.append(mean_over_frequency(y[:, start:stop]))
        return y, torch.cat(means, 1)


class LastDecoder(nn.Module):
    """Gates, transposed convolution to one channel, linear layer: float32 [B, T - 1, 2, F'].

    A matrix product gives the contributions of every tap, whose shifted sum is small work.
    """

    bias: Tensor
    mix: Tensor
    mix_bias: Tensor

    def __init__(self, decoder: unet.Decoder, mix: ComplexConv2d, dtype: torch.dtype):
        super().__init__()
        weight, bias = decoder.transconv.folded(decoder.bn)  # [2 C_1 + 2 C_2, 2, kF, kT]
        self.taps = weight.shape[2]
        weight = weight.permute(0, 3, 2, 1).flatten(1)
        parts = weight.split([2 * channels for channels in decoder.transconv.in_channels])
        for i, part in enumerate(parts):  # [2, C_i, kT kF 2]
            keep(self, f"weight{i}", part.unflatten(0, (2, -1)), torch.float32)
        keep(self, "bias", bias, torch.float32)
        weight, bias = mix.real_parameters()
        keep(self, "mix", weight[:, :, 0, 0], torch.float32)
        keep(self, "mix_bias", bias, torch.float32)

    def forward(self, gated: list[Gated]) -> Tensor:
        x = gated[0][0]
        batch, count, _, height, channels = x.shape
        weights = []  # [B, C_i, part * kT kF 2]: products with both parts' weights, one is of use
        for i, (source, gate) in enumerate(gated):
            weight = getattr(self, f"weight{i}")
            if gate is not None and gate.shape[1] == 1:
                weight = weight * gate[:, 0, ..., None]
            weight = weight.expand(batch, -1, -1, -1).transpose(1, 2).flatten(2)
            weights.append(weight.to(source.dtype))
        y = self.bias.expand(batch, count - 1, 2 * (height - 1) + self.taps, 2).clone()
        for start, stop in chunks(count - 1, height * channels, x):
            taps = 0
            for (source, gate), weight in zip(
                _frames(gated, start, stop + 1), weights, strict=True
            ):
                if gate is not None and gate.shape[1] > 1:  # those of all frames are in the weight
                    source = source * gate[:, :, :, None].to(source.dtype)
                product = source.flatten(1, 3) @ weight
                product = product.view(batch, -1, 2, height, 2, weight.shape[2] // 2)
                taps = taps + (product[:, :, 0, :, 0].float() + product[:, :, 1, :, 1])
            assert isinstance(taps, Tensor)
            taps = taps.unflatten(3, (2, self.taps, 2))  # [B, T, F, kT, kF, 2]
            taps = taps[:, 1:, :, 0] + taps[:, :-1, :, 1]
            for k in range(self.taps):
                y[:, start:stop, k : k + 2 * height - 1 : 2] += taps[:, :, :, k]
        y = F.linear(F.leaky_relu_(y, SLOPE), self.mix, self.mix_bias)
        return y.transpose(2, 3)


class Context(nn.Module):
    """Block over time, [B, T, 2, F, C] to the same."""

    expand: Tensor
    expand_bias: Tensor
    depthwise: Tensor
    depthwise_bias: Tensor
    project: Tensor
    project_bias: Tensor

    def __init__(self, block: ContextBlock, dtype: torch.dtype):
        super().__init__()
        self.dilation, self.around = block.dilation, block.around
        keep(self, "expand", block.expand.weight[:, :, 0, 0], dtype)
        keep(self, "expand_bias", _bias(block.expand), dtype)
        keep(self, "depthwise", block.depthwise.weight.transpose(2, 3), dtype)
        keep(self, "depthwise_bias", _bias(block.depthwise), dtype)
        keep(self, "project", block.project.weight[:, :, 0, 0], dtype)
        keep(self, "project_bias", _bias(block.project), dtype)

    def forward(self, x: Tensor, past: Past | None = None) -> tuple[Tensor, Tensor]:
        before, after = self.around
        y = linear(x.transpose(2, 3).flatten(3), self.expand, self.expand_bias)  # [B, T, F, W]
        y = with_past(F.leaky_relu_(y, SLOPE), before, past, self)
        if after:
            y = F.pad(y, (0, 0, 0, 0, 0, after))
        y = F.conv2d(
            y.permute(0, 3, 1, 2),
            self.depthwise,
            self.depthwise_bias,
            1,
            (0, (KERNEL[0] - 1) // 2),
            (self.dilation, 1),
            len(self.depthwise),
        )
        y = linear(F.leaky_relu_(y, SLOPE).permute(0, 2, 3, 1), self.project, self.project_bias)
        x = x + y.unflatten(3, (2, -1)).transpose(2, 3)
        return x, mean_over_frequency(x)


class Gates(nn.Module):
    """Attention's gates of the means that an encoder or decoder returns, [B, T, 2, C].

    What both layers make of both parts is one layer, and so are the sums of complex numbers.
    """

    squeeze: Tensor
    squeeze_bias: Tensor
    excite: Tensor
    excite_bias: Tensor
    sign: Tensor

    def __init__(self, attention: SqueezeExcitation):
        super().__init__()
        self.causal, self.frames = attention.causal, attention.frames
        down_r, up_r, down_i, up_i = (
            layer
            for fully_connected in (attention.fc_r, attention.fc_i)
            for layer in fully_connected
            if isinstance(layer, nn.Linear)
        )
        # Columns: of the real layer for the real and the imaginary part, then of the imaginary
        # layer for the imaginary and the real part, so that both halves add up to gates.
        swapped = torch.block_diag(down_i.weight, down_i.weight).roll(down_r.weight.shape[1], 1)
        squeeze = torch.cat((torch.block_diag(down_r.weight, down_r.weight), swapped))
        excite = torch.block_diag(up_r.weight, up_r.weight, up_i.weight, up_i.weight)
        for name, weight, layers in (
            ("squeeze", squeeze, (down_r, down_i)),
            ("excite", excite, (up_r, up_i)),
        ):
            keep(self, name, weight.t(), torch.float32)
            bias = torch.cat([layer.bias.repeat(2) for layer in layers])
            keep(self, f"{name}_bias", bias, torch.float32)
        sign = torch.ones_like(up_r.bias)
        keep(self, "sign", torch.cat((-sign, sign)), torch.float32)

    def forward(self, mean: Tensor, past: Past | None = None) -> Tensor:
        mean = running_mean(mean, past, self) if self.causal else mean_around(mean, self.frames)
        y = torch.addmm(self.squeeze_bias, mean.flatten(0, 1).flatten(1), self.squeeze).relu_()
        y = torch.addmm(self.excite_bias, y, self.excite).sigmoid_()
        from_r, from_i = y.chunk(2, 1)
        return torch.addcmul(from_r, from_i, self.sign).view(mean.shape)


def mean_over_frequency(x: Tensor) -> Tensor:
    """float32 [B, T, 2, C] of activations [B, T, 2, F, C]."""
    return x.sum(3, dtype=torch.float32) / x.shape[3]


def _bias(convolution: nn.Conv2d) -> Tensor:
    assert convolution.bias is not None
    return convolution.bias


def _frames(gated: list[Gated], start: int, stop: int) -> list[Gated]:
    """Some frames of activations, with their gates, or those that all frames have."""
    return [
        (x[:, start:stop], gate if gate is None or gate.shape[1] == 1 else gate[:, start:stop])
        for x, gate in gated
    ]


def _gather(gated: list[Gated], planes: Tensor) -> None:
    """Writes the parts of gated activations [B, T, 2, F, C_i] to planes [2, B, T, F, C]."""
    offset = 0
    for x, gate in gated:
        channels = x.shape[4]
        for part in range(2):
            target = planes[part][..., offset : offset + channels]
            if gate is None:
                target.copy_(x[:, :, part])
            else:
                factor = gate[:, :, part, None].to(x.dtype)  # [B, T or 1, 1, C]
                torch.mul(x[:, :, part], factor, out=target)
        offset += channels
