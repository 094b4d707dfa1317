"""The complex U-Net of FRCRN: seven encoders, memory over time, seven decoders with skips."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from frcrn_app.model.attention import SqueezeExcitation
from frcrn_app.model.complex_layers import (
    BlockConvolution,
    ComplexBatchNorm2d,
    ComplexConv2d,
    ComplexConvTranspose2d,
    RealConv2d,
    RealConvTranspose2d,
)
from frcrn_app.model.context import DILATIONS, ContextBlock
from frcrn_app.model.fsmn import FrequencyFSMN, TimeFSMN

DEPTH = 7
ENCODER_KERNELS = ((5, 2),) * 6 + ((2, 2),)  # (frequency, time)
# 78 = 2 * (37 - 1) + 6: the fifth decoder's extra tap meets the height of its encoder.
DECODER_KERNELS = ((2, 2), (5, 2), (5, 2), (5, 2), (6, 2), (5, 2), (5, 2))
STRIDE = (2, 1)
PADDING = (0, 1)  # an encoder adds a frame, a decoder takes it away; not so in a causal network

# The reference registers these layers without ever using them in its forward pass.
UNUSED_LAYERS = ("fsmn_enc.0.", "fsmn_dec.6.", "se_layers_enc.6.", "se_layers_dec.5.")


def _normalised(conv: BlockConvolution, bn: ComplexBatchNorm2d, x: Tensor) -> Tensor:
    """Leaky ReLU of the normalised convolution; fixed statistics cost no pass of their own."""
    y = bn(conv(x)) if bn.training else conv(x, bn)
    # Not in place: a decoder's y is a view, whose gradient would come in another memory layout.
    return F.leaky_relu(y)


class Encoder(nn.Module):
    """Convolution, normalisation, leaky ReLU: [B, 2 C_in, F, T] to [B, 2 C_out, F', T + 1].

    Frame t follows from the frames t - 1 and t of the input. The last one, T, has only the one
    before: a causal network, [B, 2 C_in, F, T] to [B, 2 C_out, F', T], does without.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, int],
        causal: bool,
        real: bool,
    ):
        super().__init__()
        self.causal = causal
        padding = (0, 0) if causal else PADDING
        self.conv = (RealConv2d if real else ComplexConv2d)(
            in_channels, out_channels, kernel_size, STRIDE, padding
        )
        self.bn = ComplexBatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return _normalised(self.conv, self.bn, F.pad(x, (1, 0)) if self.causal else x)


class Decoder(nn.Module):
    """Transposed twin of Encoder: [B, sum(2 C_in), F, T] to [B, 2 C_out, F', T - 1].

    Frame t follows from the frames t and t + 1 of the input, in a causal network, which keeps their
    number, from t - 1 and t.
    """

    def __init__(
        self,
        in_channels: tuple[int, ...],
        out_channels: int,
        kernel_size: tuple[int, int],
        causal: bool,
        real: bool,
    ):
        super().__init__()
        self.causal = causal
        self.transconv = (RealConvTranspose2d if real else ComplexConvTranspose2d)(
            in_channels, out_channels, kernel_size
        )
        self.bn = ComplexBatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return _normalised(self.transconv, self.bn, F.pad(x, (1, 0)) if self.causal else x)


def skip_delays(lookahead: int) -> list[int]:
    """Frames by which the skip of each level is late in a causal network of so much look-ahead.

    Every decoder of a causal network gives its frames one later than that of the released one. As
    many of them as frames may be waited for, those next to the mask, are left what else they had:
    skips that are as late. So look-ahead is no more than a delay of everything, mask included.
    """
    return [max(0, lookahead - 1 - level) for level in range(DEPTH - 1)]


class UNet(nn.Module):
    """[B, 2 inputs, 321, T] to [B, 2, 321, T], real parts first.

    In a causal network the output's frame t is the mask of the input's frame t - lookahead.
    """

    def __init__(
        self,
        channels: int,
        inputs: int = 1,
        context: int = 0,
        causal: bool = False,
        lookahead: int = 0,
        real: bool = False,
        attention: int = 0,
    ):
        super().__init__()
        self.causal = causal
        self.skip_delays = skip_delays(lookahead)
        c = channels
        self.encoders = nn.ModuleList(
            Encoder(inputs if i == 0 else c, c, kernel, causal, real)
            for i, kernel in enumerate(ENCODER_KERNELS)
        )
        self.decoders = nn.ModuleList(
            Decoder((c,) if i == 0 else (c, c), c if i < DEPTH - 1 else 1, kernel, causal, real)
            for i, kernel in enumerate(DECODER_KERNELS)
        )
        # Keys are the positions that the reference gives these layers in its lists.
        self.fsmn_enc = nn.ModuleDict({str(i): FrequencyFSMN(c) for i in range(1, DEPTH)})
        self.fsmn_dec = nn.ModuleDict({str(i): FrequencyFSMN(c) for i in range(DEPTH - 1)})
        self.se_layers_enc = nn.ModuleDict(
            {str(i): SqueezeExcitation(c, causal, attention) for i in range(DEPTH - 1)}
        )
        self.se_layers_dec = nn.ModuleDict(
            {str(i): SqueezeExcitation(c, causal, attention) for i in range(DEPTH - 2)}
        )
        self.fsmn = TimeFSMN(c)
        self.linear = ComplexConv2d(1, 1, (1, 1))
        # By level: after encoder i, and after the decoder whose output is as high as encoder i's.
        levels = DILATIONS.items() if context else ()
        self.context_enc = nn.ModuleDict(
            {str(i): ContextBlock(c, context, d, causal) for i, d in levels}
        )
        self.context_dec = nn.ModuleDict(
            {str(i): ContextBlock(c, context, d, causal) for i, d in levels if i < DEPTH - 1}
        )

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for i, encoder in enumerate(self.encoders):
            if i > 0:
                x = self.fsmn_enc[str(i)](x)
            x = encoder(x)
            if str(i) in self.context_enc:
                x = self.context_enc[str(i)](x)
            if i < DEPTH - 1:
                skip = self.se_layers_enc[str(i)](x)
                if late := self.skip_delays[i]:
                    skip = F.pad(skip, (late, 0))[..., : skip.shape[-1]]
                skips.append(skip)
        x = self.fsmn(x)
        for i, decoder in enumerate(self.decoders):
            x = decoder(x)
            if i < DEPTH - 1:
                x = self.fsmn_dec[str(i)](x)
                if str(level := DEPTH - 2 - i) in self.context_dec:
                    x = self.context_dec[str(level)](x)
                if i < DEPTH - 2:
                    x = self.se_layers_dec[str(i)](x)
                x = torch.cat((x, skips.pop()), 1)
        return self.linear(x)
