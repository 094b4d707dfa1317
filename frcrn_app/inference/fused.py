"""The inference form of FRCRN: the same function in fewer operations and fewer passes over memory.

What the training form does anew in every call is done once here: batch normalisation is folded
into the convolutions, and their kernels are built. What remains is arranged by measurement:

- A complex convolution takes three real ones instead of four (Gauss): with s = re + im,
  y_re = Wr s - (Wr + Wi) im and y_im = Wr s + (Wi - Wr) re. That saves a quarter of the
  multiplications and costs additions that stay in the cache.
- Over time, where a kernel has two taps, three output frames take four products in place of six
  (Winograd; Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016), where
  the channels are enough to pay for its additions.
- A transposed convolution of stride 2 over frequency is one convolution for the even rows and one
  for the odd rows, so that no zero between the rows is multiplied.
- Activations lie as [B, T, part, F, C], frames outermost. Any run of frames is then contiguous: a
  layer works through its frames in chunks that fit the cache, and its temporary memory does not
  grow with the length of the sound. Layers wait for one another only where attention needs the
  mean over all frames, so that the result is that of the whole sound.
- Attention's gates are multiplied in while a decoder gathers its input.
- What lies between the matrix products is compiled where that can be (`kernels`), and otherwise
  left to torch, a pass over memory for each operation.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from frcrn_app.inference.kernels import TILE, Kernels, load_kernels
from frcrn_app.model.attention import SqueezeExcitation
from frcrn_app.model.complex_layers import ComplexBatchNorm2d, ComplexConv2d, ComplexConvTranspose2d
from frcrn_app.model.context import KERNEL, ContextBlock
from frcrn_app.model.frcrn import FRCRN, heard_spectrum
from frcrn_app.model.fsmn import FSMN, ORDER, FrequencyFSMN, TimeFSMN
from frcrn_app.model.stft import STFT, InverseSTFT
from frcrn_app.model.unet import DEPTH, UNet

CHUNK = 1 << 20  # numbers of one part, real or imaginary, that a layer reads at once for a thread
SLOPE = 0.01  # of leaky ReLU below zero
TILED_CHANNELS = 128  # of the input, from which sharing is faster than a convolution of two taps

# Whether oneDNN multiplies in these on this processor.
_ONEDNN = {
    torch.float32: torch.backends.mkldnn.is_available(),
    torch.bfloat16: torch.ops.mkldnn._is_mkldnn_bf16_supported(),
    torch.float16: False,
}

Gated = tuple[Tensor, Tensor | None]  # activations and the gates that they have still to meet


def fuse(model: FRCRN, dtype: torch.dtype = torch.float32) -> "FusedFRCRN":
    """The inference form of a network, which it leaves as it is.

    Args:
        model: batch norm counts with its running statistics, whatever mode the network is in.
        dtype: in which the layers compute: float32, bfloat16 or float16. Transforms, attention's
            gates and the mask stay in float32.

    Returns:
        A module on the network's device, waveform [B, samples] to float32 [B, samples]. In float32
        it stays within 1e-4 of the training form.
    """
    if dtype not in (torch.float32, torch.bfloat16, torch.float16):
        raise ValueError(f"dtype must be float32, bfloat16 or float16, not {dtype}")
    if next(model.parameters()).device.type == "cpu":
        load_kernels(dtype)  # now rather than in the first call: it may have to compile them
    with torch.no_grad():
        return FusedFRCRN(model, dtype).eval().requires_grad_(False)


class FusedFRCRN(FRCRN):
    """FRCRN with another way to its mask; made by `fuse`."""

    def __init__(self, model: FRCRN, dtype: torch.dtype):
        nn.Module.__init__(self)
        self.config = model.config
        self.stft = _STFT(model.config.win_length, model.config.hop_length)
        self.istft = _InverseSTFT(model.config.win_length, model.config.hop_length)
        self.unet = _UNet(model.unet, dtype)
        self.unet2 = _UNet(model.unet2, dtype) if model.config.unets == 2 else None
        self.to(next(model.parameters()).device)
        # Called after each of the `layers` layers: long sounds take long in one call, and what the
        # function raises ends it.
        self.on_layer: Callable[[], None] = _nothing
        self.layers = 2 * DEPTH * model.config.unets

    def mask(self, spectrum: Tensor) -> Tensor:
        """Complex ratio mask [B, 2, F, T] of a spectrum [B, 2, F, T], each part in (-2, 2)."""
        x = heard_spectrum(spectrum, self.config.inputs).permute(0, 3, 1, 2)  # [B, T, parts, F]
        if x.device.type == "cpu":
            # One by one, the frames of each are contiguous and its chunks fit the cache.
            return torch.cat([self._mask(row[None]) for row in x]).permute(0, 2, 3, 1)
        return self._mask(x).permute(0, 2, 3, 1)

    def _mask(self, spectrum: Tensor) -> Tensor:
        first = self.unet(spectrum, self.on_layer)
        if self.unet2 is None:
            return torch.tanh(first)
        return torch.tanh(first) + torch.tanh(self.unet2(first, self.on_layer))


def _nothing() -> None:
    """Nobody asked to hear of layers."""


class _STFT(STFT):
    """Analysis by fast Fourier transform, for devices rather than for export."""

    def __init__(self, win_length: int, hop_length: int):
        super().__init__(win_length, hop_length)
        self.register_buffer("window", torch.hann_window(win_length).sqrt(), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        frames = waveform.unfold(-1, self.win_length, self.hop_length)
        spectrum = torch.view_as_real(torch.fft.rfft(frames * self.window))  # [B, T, F, 2]
        return spectrum.permute(0, 3, 2, 1)


class _InverseSTFT(InverseSTFT):
    """Synthesis by fast Fourier transform."""

    def forward(self, spectrum: Tensor) -> Tensor:
        spectrum = torch.view_as_complex(spectrum.permute(0, 3, 2, 1).contiguous())
        frames = torch.fft.irfft(spectrum, n=self.win_length) * self.squared_window.sqrt()
        power = self.squared_window.expand(1, frames.shape[1], -1)
        return self._overlap_add(frames) / (self._overlap_add(power) + 1e-8)


class _UNet(nn.Module):
    """float32 [B, T, 2 inputs, 321] to [B, T, 2, 321]."""

    def __init__(self, unet: UNet, dtype: torch.dtype):
        super().__init__()
        enc, dec, last = unet.encoders, unet.decoders, DEPTH - 1
        self.first = _FirstEncoder(enc[0].conv, enc[0].bn, dtype)
        self.encoders = nn.ModuleList(
            _Encoder(unet.fsmn_enc[str(i)], enc[i].conv, enc[i].bn, dtype) for i in range(1, DEPTH)
        )
        self.fsmn = _TimeMemory(unet.fsmn, dtype)
        self.decoders = nn.ModuleList(
            _Decoder(dec[i].transconv, dec[i].bn, unet.fsmn_dec[str(i)], dtype) for i in range(last)
        )
        self.last = _LastDecoder(dec[last].transconv, dec[last].bn, unet.linear, dtype)
        self.gates_enc = nn.ModuleList(_Gates(unet.se_layers_enc[str(i)]) for i in range(last))
        # The last decoder but one has no attention.
        self.gates_dec = nn.ModuleList(_Gates(unet.se_layers_dec[str(i)]) for i in range(last - 1))
        # By the number of the encoder or decoder that they follow.
        self.context_enc = nn.ModuleDict(
            {i: _Context(b, dtype) for i, b in unet.context_enc.items()}
        )
        self.context_dec = nn.ModuleDict(
            {str(last - 1 - int(i)): _Context(b, dtype) for i, b in unet.context_dec.items()}
        )

    def forward(self, x: Tensor, on_layer: Callable[[], None]) -> Tensor:
        x, mean = self.first(x)
        on_layer()
        skips: list[Gated] = []
        for i, (encoder, gates) in enumerate(zip(self.encoders, self.gates_enc, strict=True), 1):
            skips.append((x, gates(mean)))
            x, mean = encoder(x)
            if str(i) in self.context_enc:
                x, mean = self.context_enc[str(i)](x)
            on_layer()
        x = self.fsmn(x)
        gated: list[Gated] = [(x, None)]
        for i, decoder in enumerate(self.decoders):
            x, mean = decoder(gated)
            if str(i) in self.context_dec:
                x, mean = self.context_dec[str(i)](x)
            on_layer()
            gate = self.gates_dec[i](mean) if i < len(self.gates_dec) else None
            gated = [(x, gate), skips.pop()]
        mask = self.last(gated)
        on_layer()
        return mask


# Layers, on activations x [B, T, 2, F, C] with the real part first. Those that attention follows
# also return the mean of x over T and F, float32 [B, 2, C]. Gates are [B, 2, C].


class _FirstEncoder(nn.Module):
    """float32 [B, T, P, F] to [B, T + 1, 2, F', C].

    A convolution with so few input channels has no fast kernel: the 10 P numbers that meet in an
    output are gathered instead, for one matrix product.
    """

    def __init__(self, conv: ComplexConv2d, bn: ComplexBatchNorm2d, dtype: torch.dtype):
        super().__init__()
        scale, shift = bn.scale_and_shift()
        weight, bias = conv.real_parameters()  # [2C, P, kF, kT], [2C]
        self.parts = weight.shape[1]
        self.taps, self.stride = weight.shape[2], conv.stride[0]
        weight = (weight * scale[:, None, None, None]).permute(0, 3, 1, 2).flatten(1)
        _keep(self, "weight", weight.unflatten(0, (2, -1)), dtype)  # [2, C, kT P kF]
        _keep(self, "bias", (bias * scale + shift).view(2, -1), dtype)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        batch, count = x.shape[:2]
        if kernels := _kernels(x, self.weight.dtype):
            weights = self.weight.float().unflatten(2, (2, self.parts, -1))
            weights = weights.movedim(1, 4).contiguous()
            y, total = kernels.first_layer(
                x[0].contiguous(), weights, self.bias.float(), self.stride
            )
            return y[None], total[None] / (len(y) * y.shape[2])
        x = F.pad(x.to(self.weight.dtype), (0, 0, 0, 0, 1, 1))
        x = x.unfold(3, self.taps, self.stride).transpose(2, 3)  # [B, T + 2, F', P, kF]
        height, channels = x.shape[2], self.weight.shape[1]
        y = x.new_empty(batch, count + 1, 2, height, channels)
        total = 0
        for start, stop in _chunks(count + 1, height * channels, x):
            gathered = torch.stack((x[:, start:stop], x[:, start + 1 : stop + 1]), 3).flatten(3)
            for part in range(2):
                pre = F.linear(gathered, self.weight[part], self.bias[part])
                torch.ops.aten.leaky_relu.out(pre, SLOPE, out=y[:, start:stop, part])
            total = total + _sum(y[:, start:stop])
        return y, total / ((count + 1) * height)


class _Encoder(nn.Module):
    """Memory over frequency, convolution: [B, T, 2, F, C] to [B, T + 1, 2, F', C]."""

    def __init__(
        self,
        fsmn: FrequencyFSMN,
        conv: ComplexConv2d,
        bn: ComplexBatchNorm2d,
        dtype: torch.dtype,
    ):
        super().__init__()
        self.memory = _Memory(fsmn.fsmn_re_L1, fsmn.fsmn_im_L1, dtype)
        re, im = (k.weight.transpose(2, 3) for k in (conv.conv_re, conv.conv_im))
        _, bias = conv.real_parameters()
        self.conv = _Convolution(re, im, bias, bn, conv.stride[0], 0, dtype)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        batch, count, _, height, channels = x.shape
        chunks = list(_chunks(count + 1, height * channels, x))
        y = x.new_empty(batch, count + 1, 2, self.conv.height(height), self.conv.channels)
        # Of the frames start - 1 to stop - 1 that a chunk needs, the first is the last one of the
        # chunk before it; frames -1 and T are zeros.
        longest = max(self.conv.frames(stop - start) for start, stop in chunks)
        parts = self.conv.planes(x)
        planes = x.new_zeros(parts, batch, longest, height, channels)
        total = 0
        for start, stop in chunks:
            size, present = stop - start, min(stop, count) - start
            self.memory(x[:, start : start + present], planes[:, :, 1 : 1 + present])
            planes[:, :, 1 + present :] = 0
            inputs = self.conv.inputs(planes, size)
            total = total + self.conv(inputs, y[:, start:stop], sums=True)
            planes[:, :, 0] = planes[:, :, size]
        return y, total / (y.shape[1] * y.shape[3])


class _Decoder(nn.Module):
    """Gates, transposed convolution, memory: [B, T, 2, F, C] of each input to [B, T - 1, ...]."""

    def __init__(
        self,
        conv: ComplexConvTranspose2d,
        bn: ComplexBatchNorm2d,
        fsmn: FrequencyFSMN,
        dtype: torch.dtype,
    ):
        super().__init__()
        # An output row meets every second tap, and as a convolution it meets them in reverse.
        kernels = [k.weight.permute(1, 0, 3, 2) for k in (conv.tconv_re, conv.tconv_im)]
        self.taps = kernels[0].shape[3]
        _, bias = conv.real_parameters()
        self.parities = nn.ModuleList()
        for parity in range(2):
            re, im = (kernel[..., parity::2].flip(2, 3) for kernel in kernels)
            self.parities.append(_Convolution(re, im, bias, bn, 1, re.shape[3] - 1, dtype))
        self.memory = _Memory(fsmn.fsmn_re_L1, fsmn.fsmn_im_L1, dtype)

    def forward(self, gated: list[Gated]) -> tuple[Tensor, Tensor]:
        x = gated[0][0]
        batch, count, _, height, _ = x.shape
        in_channels, channels = sum(x.shape[4] for x, _ in gated), self.parities[0].channels
        y = x.new_empty(batch, count - 1, 2, 2 * (height - 1) + self.taps, channels)
        total = 0
        for start, stop in _chunks(count - 1, height * in_channels, x):
            sources = [(x[:, start : stop + 1], gate) for x, gate in gated]
            inputs = self.parities[0].gathered(sources, stop - start)
            z = torch.empty_like(y[:, start:stop])
            for parity, conv in enumerate(self.parities):
                conv(inputs, z[:, :, :, parity::2])
            total = total + self.memory(z, y[:, start:stop].movedim(2, 0), sums=True)
        return y, total / (y.shape[1] * y.shape[3])


class _LastDecoder(nn.Module):
    """Gates, transposed convolution to one channel, linear layer: float32 [B, T - 1, 2, F'].

    A matrix product gives the contributions of every tap, whose shifted sum is small work.
    """

    def __init__(
        self,
        conv: ComplexConvTranspose2d,
        bn: ComplexBatchNorm2d,
        linear: ComplexConv2d,
        dtype: torch.dtype,
    ):
        super().__init__()
        scale, shift = bn.scale_and_shift()
        weight, bias = conv.real_parameters()  # [2 C_1 + 2 C_2, 2, kF, kT]
        self.taps = weight.shape[2]
        weight = (weight * scale[:, None, None]).permute(0, 3, 2, 1).flatten(1)
        parts = weight.split([2 * channels for channels in conv.in_channels])
        for i, part in enumerate(parts):  # [2, C_i, kT kF 2]
            _keep(self, f"weight{i}", part.unflatten(0, (2, -1)), torch.float32)
        _keep(self, "bias", bias * scale + shift, torch.float32)
        mix, mix_bias = linear.real_parameters()
        _keep(self, "mix", mix[:, :, 0, 0], torch.float32)
        _keep(self, "mix_bias", mix_bias, torch.float32)

    def forward(self, gated: list[Gated]) -> Tensor:
        x = gated[0][0]
        batch, count, _, height, channels = x.shape
        if kernels := _kernels(x):
            sources = []
            for i, (source, gate) in enumerate(gated):
                weight = getattr(self, f"weight{i}")
                weight = weight if gate is None else weight * gate[0, ..., None]
                weight = weight.unflatten(2, (2, self.taps, 2)).permute(2, 0, 3, 4, 1)
                sources.append((source[0], weight.to(source.dtype).contiguous()))
            linear = torch.cat((self.bias, self.mix.flatten(), self.mix_bias))
            return kernels.last_layer(sources, linear)[None]
        weights = []  # [B, C_i, part * kT kF 2]: products with both parts' weights, one is of use
        for i, (source, gate) in enumerate(gated):
            weight = getattr(self, f"weight{i}")
            weight = weight if gate is None else weight * gate[..., None]
            weight = weight.expand(batch, -1, -1, -1).transpose(1, 2).flatten(2)
            weights.append(weight.to(source.dtype))
        y = self.bias.expand(batch, count - 1, 2 * (height - 1) + self.taps, 2).clone()
        for start, stop in _chunks(count - 1, height * channels, x):
            taps = 0
            for (source, _), weight in zip(gated, weights, strict=True):
                product = source[:, start : stop + 1].flatten(1, 3) @ weight
                product = product.view(batch, -1, 2, height, 2, weight.shape[2] // 2)
                taps = taps + (product[:, :, 0, :, 0].float() + product[:, :, 1, :, 1])
            taps = taps.unflatten(3, (2, self.taps, 2))  # [B, T, F, kT, kF, 2]
            taps = taps[:, 1:, :, 0] + taps[:, :-1, :, 1]
            for k in range(self.taps):
                y[:, start:stop, k : k + 2 * height - 1 : 2] += taps[:, :, :, k]
        y = F.linear(F.leaky_relu_(y, SLOPE), self.mix, self.mix_bias)
        return y.transpose(2, 3)


class _Context(nn.Module):
    """Block over time, [B, T, 2, F, C] to the same."""

    def __init__(self, block: ContextBlock, dtype: torch.dtype):
        super().__init__()
        self.dilation = block.dilation
        _keep(self, "expand", block.expand.weight[:, :, 0, 0], dtype)
        _keep(self, "expand_bias", block.expand.bias, dtype)
        _keep(self, "depthwise", block.depthwise.weight.transpose(2, 3), dtype)
        _keep(self, "depthwise_bias", block.depthwise.bias, dtype)
        _keep(self, "project", block.project.weight[:, :, 0, 0], dtype)
        _keep(self, "project_bias", block.project.bias, dtype)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        rows, taps = KERNEL
        padding = ((taps - 1) // 2 * self.dilation, (rows - 1) // 2)
        y = _linear(x.transpose(2, 3).flatten(3), self.expand, self.expand_bias)  # [B, T, F, W]
        y = F.leaky_relu_(y, SLOPE).permute(0, 3, 1, 2)
        y = F.conv2d(
            y,
            self.depthwise,
            self.depthwise_bias,
            1,
            padding,
            (self.dilation, 1),
            len(self.depthwise),
        )
        y = _linear(F.leaky_relu_(y, SLOPE).permute(0, 2, 3, 1), self.project, self.project_bias)
        x = x + y.unflatten(3, (2, -1)).transpose(2, 3)
        return x, _sum(x) / (x.shape[1] * x.shape[3])


class _TimeMemory(nn.Module):
    """Both memories over time at the bottleneck, [B, T, 2, 1, C] to the same."""

    def __init__(self, fsmn: TimeFSMN, dtype: torch.dtype):
        super().__init__()
        self.first = _Memory(fsmn.fsmn_re_L1, fsmn.fsmn_im_L1, dtype)
        self.second = _Memory(fsmn.fsmn_re_L2, fsmn.fsmn_im_L2, dtype)

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 3).contiguous()  # [B, 1, 2, T, C]
        for memory in (self.first, self.second):
            y = torch.empty_like(x)
            memory(x, y.movedim(2, 0))
            x = y
        return x.transpose(1, 3)


# Their parts


class _Memory(nn.Module):
    """Complex memory (re + i im)(x) over the axis F of x [B, T, 2, F, C]."""

    def __init__(self, re: FSMN, im: FSMN, dtype: torch.dtype):
        super().__init__()
        for name, fsmn in (("re", re), ("im", im)):
            memory = fsmn.conv1.weight.transpose(2, 3).clone()  # [C, 1, 1, ORDER]
            memory[..., -1] += 1  # "p +" of y = x + p + memory(p)
            _keep(self, f"linear_{name}", fsmn.linear.weight, dtype)
            _keep(self, f"bias_{name}", fsmn.linear.bias, dtype)
            _keep(self, f"project_{name}", fsmn.project.weight, dtype)
            # oneDNN 3.12 never returns from bfloat16 depth-wise convolutions of up to 16 channels.
            memory_dtype = torch.float32 if memory.shape[0] <= 16 else dtype
            _keep(self, f"memory_{name}", memory, memory_dtype)
            _keep(self, f"taps_{name}", memory.flatten(1), torch.float32)

    def forward(self, x: Tensor, out: Tensor, sums: bool = False) -> Tensor | None:
        """Writes the parts of the result to out [2, B, T, F, C], to out[2] their sum.

        There is an out[2] for the compiled passes alone, which have it for nothing.

        Returns:
            If `sums`, the result's `_sum`.
        """
        taps = min(ORDER, x.shape[3])  # only these ever meet a position
        if kernels := _kernels(x):
            of_re, of_im = self._looked_back_on("re", x), self._looked_back_on("im", x)
            weights = kernels.memory_weights(
                self.taps_re[:, ORDER - taps :], self.taps_im[:, ORDER - taps :]
            )
            total = kernels.memory(of_re[0], of_im[0], x[0], weights, taps, out[:, 0], sums)
            return total if total is None else total[None]
        a = self._one("re", x, taps)
        b = self._one("im", x, taps)
        torch.sub(a[:, :, 0], b[:, :, 1], out=out[0])
        torch.add(a[:, :, 1], b[:, :, 0], out=out[1])
        return _sum(out.movedim(0, 2)) if sums else None

    def _looked_back_on(self, name: str, x: Tensor) -> Tensor:
        """What one real memory weighs, for both parts, [B, T, 2, F, C] to the same."""
        hidden = _linear(x, getattr(self, f"linear_{name}"), getattr(self, f"bias_{name}"), "relu")
        return _linear(hidden, getattr(self, f"project_{name}"))

    def _one(self, name: str, x: Tensor, taps: int) -> Tensor:
        """One real memory on both parts, [B, T, 2, F, C] to the same."""
        height, channels = x.shape[3:]
        p = self._looked_back_on(name, x)
        memory = getattr(self, f"memory_{name}")[..., ORDER - taps :]
        p = p.view(1, -1, height, channels).permute(0, 3, 1, 2).to(memory.dtype)
        y = F.conv2d(p, memory, padding=(0, taps - 1), groups=channels)[..., :height]
        return y.permute(0, 2, 3, 1).view(x.shape).add_(x)


class _Convolution(nn.Module):
    """Complex convolution, batch norm and leaky ReLU by three real convolutions (see the head)."""

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
        super().__init__()
        self.stride, self.padding, self.taps = stride, padding, re.shape[3]
        self.channels = re.shape[0]
        self.tiled = _on_onednn(re.device, dtype) and re.shape[1] >= TILED_CHANNELS
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
                _keep(self, f"of_{name}{i}", part, dtype)
        _keep(self, "scale", scale, torch.float32)
        _keep(self, "bias", bias.view(2, -1) * scale + shift, dtype)

    def height(self, height: int) -> int:
        return (height + 2 * self.padding - self.taps) // self.stride + 1

    def frames(self, count: int) -> int:
        """How many input frames `forward` takes for `count` output frames."""
        return -(-count // TILE) * TILE + 1 if self.tiled else count + 1

    def planes(self, x: Tensor) -> int:
        """How many parts `inputs` takes for such x: real, imaginary and for some their sum."""
        return 3 if _kernels(x) and not self.tiled else 2

    def inputs(self, planes: Tensor, count: int) -> list[tuple[Tensor, ...]]:
        """What `forward` multiplies: sum, real and imaginary part of one tensor, or of four.

        Args:
            planes: the parts, [2 or 3, B, T, F, C_in], zeros after the frame `count`.
            count: of output frames.
        """
        if (kernels := _kernels(planes[0])) and self.tiled:
            source = planes[:, 0, : count + 1].transpose(0, 1)
            return kernels.gather([(source, None)], self.frames(count) // TILE, tiled=True)
        planes = planes[:, :, : self.frames(count)]
        if len(planes) == 3:
            return [(planes[2], planes[0], planes[1])]
        views = [planes]
        if self.tiled:
            size = planes.shape[2] - 1
            a, b, c, d = (planes[:, :, i : i + size : TILE] for i in range(TILE + 1))
            views = [a - c, b + c, c - b, d - b]
        return [(re + im, re, im) for re, im in views]

    def gathered(self, sources: list[Gated], count: int) -> list[tuple[Tensor, ...]]:
        """The `inputs` for `count` output frames that lie in [B, count + 1, 2, F, C_i] each."""
        x, frames = sources[0][0], self.frames(count)
        if kernels := _kernels(x):
            tiles = frames // TILE if self.tiled else frames
            rows = [(x[0], None if gate is None else gate[0]) for x, gate in sources]
            return kernels.gather(rows, tiles, self.tiled)
        channels = sum(x.shape[4] for x, _ in sources)
        planes = x.new_empty(2, x.shape[0], frames, x.shape[3], channels)
        _gather(sources, planes[:, :, : count + 1])
        planes[:, :, count + 1 :] = 0
        return self.inputs(planes, count)

    def forward(
        self, inputs: list[tuple[Tensor, ...]], out: Tensor, sums: bool = False
    ) -> Tensor | None:
        """Writes the result to out [B, T, 2, F', C_out].

        Returns:
            If `sums`, the result's `_sum`.
        """
        if kernels := _kernels(out):
            products = []
            for i, (name, bias) in enumerate(self._terms()):
                for j, of in enumerate(inputs):
                    # All three frames of a tile contain the second product.
                    own = bias if j == (1 if self.tiled else 0) else None
                    products.append(self._product(of[i], f"{name}{j}", own)[0])
            total = kernels.combine(products, self.scale, out[0], sums)
            return total if total is None else total[None]
        products = (
            self._frames(parts, name, bias)
            for parts, (name, bias) in zip(zip(*inputs, strict=True), self._terms(), strict=True)
        )
        scale = self.scale.to(out.dtype)
        for i, (shared, from_re, from_im) in enumerate(zip(*products, strict=True)):
            y = out[:, i::TILE] if self.tiled else out
            count = y.shape[1]  # a last tile may reach past the end
            for part, own in enumerate((from_im, from_re)):
                own = own[:, :count].addcmul_(shared[:, :count], scale[part])
                torch.ops.aten.leaky_relu.out(own, SLOPE, out=y[:, :, part])
        return _sum(out) if sums else None

    def _terms(self) -> tuple[tuple[str, Tensor | None], ...]:
        """Names of the kernels for the sum, the real and the imaginary part, and their biases."""
        return ("of_sum", None), ("of_re", self.bias[1]), ("of_im", self.bias[0])

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
        else:  # oneDNN adds before it rounds and writes
            plus = plus.permute(0, 3, 1, 2)
            add = ("add", None, None, [], None)
            y = torch.ops.mkldnn._convolution_pointwise.binary(
                x, plus, kernel, bias, padding, stride, (1, 1), 1, *add
            )
        return y.permute(0, 2, 3, 1)


class _Gates(nn.Module):
    """Attention's gates [B, 2, C] from the mean over all frequencies and frames [B, 2, C]."""

    def __init__(self, attention: SqueezeExcitation):
        super().__init__()
        self.fc_r, self.fc_i = deepcopy(attention.fc_r), deepcopy(attention.fc_i)

    def forward(self, mean: Tensor) -> Tensor:
        from_r, from_i = self.fc_r(mean), self.fc_i(mean)
        return torch.stack((from_r[:, 0] - from_i[:, 1], from_r[:, 1] + from_i[:, 0]), 1)


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None, then: str = "none") -> Tensor:
    """Linear layer over the last axis, then nothing or "relu"."""
    if _on_onednn(x.device, x.dtype):
        # F.linear would call MKL, which is slower on matrices so narrow, and ReLU is free here.
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, then, [], "")
    y = F.linear(x, weight, bias)
    return y.relu_() if then == "relu" else y


def _kernels(x: Tensor, dtype: torch.dtype | None = None) -> Kernels | None:
    """The compiled passes for activations [B, ...] like x, or of another type, if there are any."""
    if x.device.type != "cpu" or x.shape[0] != 1 or torch.compiler.is_compiling():
        return None
    return load_kernels(dtype or x.dtype)


def _on_onednn(device: torch.device, dtype: torch.dtype) -> bool:
    return device.type == "cpu" and _ONEDNN[dtype]


def _keep(module: nn.Module, name: str, tensor: Tensor, dtype: torch.dtype) -> None:
    """Registers a copy of a tensor as a buffer, kernels in the layout that convolutions take."""
    tensor = tensor.detach().to(dtype)
    layout = torch.channels_last if tensor.ndim == 4 else torch.contiguous_format
    module.register_buffer(name, tensor.clone(memory_format=layout))


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
                factor = gate[:, part, None, None].to(x.dtype)
                torch.mul(x[:, :, part], factor, out=target)
        offset += channels


def _sum(x: Tensor) -> Tensor:
    """Sum over T and F of x [B, T, 2, F, C] in float32, over T first: that loop is the fast one."""
    total = x.flatten(2).sum(1).float()  # [B, 2 F C]
    return total.view(x.shape[0], 2, x.shape[3], x.shape[4]).sum(2)


def _chunks(frames: int, numbers: int, x: Tensor) -> Iterator[tuple[int, int]]:
    """Starts and ends of runs of frames of x [B, ...], CHUNK of `numbers` a frame for each thread.

    A batch is one run, because its frames would not be contiguous, and so is all that a graphics
    card has, whose time goes into starting operations.
    """
    whole = x.shape[0] > 1 or x.device.type != "cpu"
    size = frames if whole else max(CHUNK * torch.get_num_threads() // numbers, 8)
    count = -(-frames // size)
    # Of nearly one size, because a short last one would be slow, and of whole tiles but the last.
    bounds = [frames * i // count // TILE * TILE for i in range(count)] + [frames]
    yield from pairwise(bounds)
