"""A causal network's next frames as a recorded program, which runs without Python.

A frame is a thousand small operations, and asking for one from Python takes as long as doing it.
torch records once what the layers do with so many frames of any number of streams; every thread may
then run the recording, and runs beside those that are in Python.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from frcrn_app.inference.fused import FusedFRCRN
from frcrn_app.inference.private_torch import as_recorded, record
from frcrn_app.model import apply_mask
from frcrn_app.model.past import Past, delayed


class NextFrames(nn.Module):
    """Output frames [B, T, win_length] of samples that overlap by half, [B, (T + 1) hop_length]."""

    def __init__(self, model: FusedFRCRN):
        super().__init__()
        self.model = model

    def forward(self, samples: Tensor, past: Past) -> Tensor:
        """The past, of B streams, is renewed. Frames are `lookahead` frames late."""
        spectrum = self.model.stft(samples)  # [B, 2, F, T]
        mask = self.model.late_mask(spectrum, past=past)
        frames = spectrum.permute(0, 3, 1, 2)
        frames = delayed(frames, self.model.config.lookahead, past, "spectrum")
        return self.model.istft.frames(apply_mask(frames.permute(0, 2, 3, 1), mask))


class RecordedFrames:
    """`NextFrames` for T = `count`, of which a network makes one product, on the processor."""

    def __init__(self, frames: NextFrames, count: int):
        hop = frames.model.config.hop_length
        # Two streams, so that nothing is recorded that would hold for one alone.
        samples, past = torch.zeros(2, (count + 1) * hop), Past(2)
        with torch.no_grad():
            frames(samples, past)
            self._keys = list(past)
            example = (samples, list(past.values()))
            self._recorded = record(_Listed(frames, self._keys), example)
        self._start = [value[:1].zero_() for value in past.values()]

    def __call__(self, samples: Tensor, past: Past) -> Tensor:
        """As `NextFrames`."""
        streams = past.streams
        states = [
            past[key] if key in past else zeros.repeat(streams, *[1] * (zeros.ndim - 1))
            for key, zeros in zip(self._keys, self._start, strict=True)
        ]
        with as_recorded():
            frames, states = self._recorded(samples, states)
        past.update(zip(self._keys, states, strict=True))
        return frames


class _Listed(nn.Module):
    """`NextFrames` with its past as a list, as a recording takes it."""

    def __init__(self, frames: NextFrames, keys: list):
        super().__init__()
        self.frames, self._keys = frames, keys

    def forward(self, samples: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        past = Past(len(samples))
        past.update(zip(self._keys, states, strict=True))
        frames = self.frames(samples, past)
        return frames, [past[key] for key in self._keys]
