"""The whole network in its inference form."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn

from frcrn_app.inference.fused import causal, causal_memory, layers, memory
from frcrn_app.inference.fused.layers import Context, Gated, Gates
from frcrn_app.model import FRCRN
from frcrn_app.model import unet as unets
from frcrn_app.model.attention import SqueezeExcitation
from frcrn_app.model.context import ContextBlock
from frcrn_app.model.features import features
from frcrn_app.model.frcrn import of_voices
from frcrn_app.model.fsmn import FrequencyFSMN
from frcrn_app.model.past import Past, delayed
from frcrn_app.model.stft import STFT, InverseSTFT
from frcrn_app.model.unet import DEPTH, UNet

TOGETHER = 2  # frames up to which those of all recordings are one product on a processor

OnLayer = Callable[[], None]
_Layer = TypeVar("_Layer", bound=nn.Module)


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
    with torch.no_grad():
        return FusedFRCRN(model, dtype).eval().requires_grad_(False)


def nothing() -> None:
    """Nobody waits for layers."""


class FusedFRCRN(FRCRN):
    """FRCRN with another way to its mask; made by `fuse`. It has no state: threads may share it."""

    def __init__(self, model: FRCRN, dtype: torch.dtype):
        nn.Module.__init__(self)
        self.config = model.config
        self.stft = _STFT(model.config.win_length, model.config.hop_length)
        self.istft = _InverseSTFT(model.config.win_length, model.config.hop_length)
        self.unet = _UNet(model.unet, dtype)
        self.unet2 = _UNet(model.unet2, dtype) if model.config.unets == 2 else None
        self.to(next(model.parameters()).device)
        self.layers = 2 * DEPTH * model.config.unets

    def forward(self, waveform: Tensor, on_layer: OnLayer = nothing) -> Tensor:
        """Denoised waveform [B, samples] of waveform [B, samples] (16 kHz), any length from 1.

        Args:
            on_layer: called after each of the `layers` layers, because long recordings take long in
                one call; what it raises ends the call.
        """
        return self.enhanced(waveform, partial(self.late_mask, on_layer=on_layer))

    def late_mask(
        self, spectrum: Tensor, on_layer: OnLayer = nothing, past: Past | None = None
    ) -> Tensor:
        """Masks [B, 2, F, T] of the frames that lie `lookahead` before those of a spectrum.

        Args:
            past: of the causal network's streams, whose next frames these are; it is renewed.
        """
        if past is None and self.config.causal:
            past = Past(len(spectrum))  # which goes from one run of a layer's frames to the next
        if past is not None:
            past.begin(spectrum)
        x = features(spectrum, self.config, past).permute(0, 3, 1, 2)  # [B, T, parts, F]
        if x.device.type == "cpu" and x.shape[1] > TOGETHER:
            # One by one, the frames of each are contiguous and its chunks fit the cache.
            pasts = [None] * len(x) if past is None else past.apart()
            masks = [self._mask(row[None], on_layer, p) for row, p in zip(x, pasts, strict=True)]
            if past is not None:
                past.update(Past.of([(p, 0) for p in pasts if p is not None]))
            mask = torch.cat(masks)
        else:
            mask = self._mask(x, on_layer, past)
        return of_voices(mask.permute(0, 2, 3, 1), self.config)

    def _mask(self, x: Tensor, on_layer: OnLayer, past: Past | None) -> Tensor:
        first = self.unet(x, on_layer, past)
        if self.unet2 is None:
            return torch.tanh(first)
        return torch.tanh(first) + torch.tanh(self.unet2(first, on_layer, past))


class _STFT(STFT):
    """Analysis by fast Fourier transform, for devices rather than for export."""

    window: Tensor

    def __init__(self, win_length: int, hop_length: int):
        super().__init__(win_length, hop_length)
        self.register_buffer("window", torch.hann_window(win_length).sqrt(), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        frames = waveform.unfold(-1, self.win_length, self.hop_length)
        spectrum = torch.view_as_real(torch.fft.rfft(frames * self.window))  # [B, T, F, 2]
        return spectrum.permute(0, 3, 2, 1)


class _InverseSTFT(InverseSTFT):
    """Synthesis by fast Fourier transform."""

    def frames(self, spectrum: Tensor) -> Tensor:
        spectrum = torch.view_as_complex(spectrum.permute(0, 3, 2, 1).contiguous())
        return torch.fft.irfft(spectrum, n=self.win_length) * self.squared_window.sqrt()


class _UNet(nn.Module):
    """float32 [B, T, 2 inputs, 321] to [B, T, 2, 321]."""

    def __init__(self, unet: UNet, dtype: torch.dtype):
        super().__init__()
        last = DEPTH - 1
        enc = [_as(unets.Encoder, layer) for layer in unet.encoders]
        dec = [_as(unets.Decoder, layer) for layer in unet.decoders]
        fsmn_enc = {i: _as(FrequencyFSMN, layer) for i, layer in unet.fsmn_enc.items()}
        fsmn_dec = {i: _as(FrequencyFSMN, layer) for i, layer in unet.fsmn_dec.items()}
        twins = causal if unet.causal else layers
        self.first = twins.FirstEncoder(enc[0], dtype)
        self.encoders = nn.ModuleList(
            twins.Encoder(fsmn_enc[str(i)], enc[i], dtype) for i in range(1, DEPTH)
        )
        self.fsmn = (causal_memory if unet.causal else memory).TimeMemory(unet.fsmn, dtype)
        self.decoders = nn.ModuleList(
            twins.Decoder(dec[i], fsmn_dec[str(i)], dtype) for i in range(last)
        )
        self.last = twins.LastDecoder(dec[last], unet.linear, dtype)
        # The last decoder but one has no attention.
        self.gates_enc, self.gates_dec = (
            nn.ModuleList(Gates(_as(SqueezeExcitation, of[str(i)])) for i in range(count))
            for of, count in ((unet.se_layers_enc, last), (unet.se_layers_dec, last - 1))
        )
        # By the number of the encoder or decoder that they follow.
        self.context_enc = nn.ModuleDict(
            {i: Context(_as(ContextBlock, b), dtype) for i, b in unet.context_enc.items()}
        )
        self.context_dec = nn.ModuleDict(
            {
                str(last - 1 - int(i)): Context(_as(ContextBlock, b), dtype)
                for i, b in unet.context_dec.items()
            }
        )
        self.skip_delays = unet.skip_delays

    def forward(self, x: Tensor, on_layer: OnLayer, past: Past | None) -> Tensor:
        """past: of a causal network's streams; None for others."""
        carried = () if past is None else (past,)
        x, mean = self.first(x, *carried)
        on_layer()
        skips: list[Gated] = []
        for i, (encoder, gates) in enumerate(zip(self.encoders, self.gates_enc, strict=True), 1):
            skips.append(self._late((x, gates(mean, *carried)), i - 1, past))
            x, mean = encoder(x, *carried)
            if str(i) in self.context_enc:
                x, mean = self.context_enc[str(i)](x, *carried)
            on_layer()
        x = self.fsmn(x, *carried)
        gated: list[Gated] = [(x, None)]
        for i, decoder in enumerate(self.decoders):
            x, mean = decoder(gated, *carried)
            if str(i) in self.context_dec:
                x, mean = self.context_dec[str(i)](x, *carried)
            on_layer()
            gate = self.gates_dec[i](mean, *carried) if i < len(self.gates_dec) else None
            gated = [(x, gate), skips.pop()]
        mask = self.last(gated, *carried)
        on_layer()
        return mask

    def _late(self, skip: Gated, level: int, past: Past | None) -> Gated:
        """A skip as late as look-ahead wants it; see `model.unet.skip_delays`."""
        frames = self.skip_delays[level]
        if not frames:
            return skip
        x, gate = skip
        assert gate is not None
        return (
            delayed(x, frames, past, (self, level, "skip")),
            delayed(gate, frames, past, (self, level, "gate")),
        )


def _as(kind: type[_Layer], layer: nn.Module) -> _Layer:
    """A layer out of a list of modules, which is of the kind that its twin is made from."""
    assert isinstance(layer, kind)
    return layer
