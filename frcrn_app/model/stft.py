"""Short-time Fourier analysis and synthesis of FRCRN: 640 / 320 samples, square-root Hann.

There is no centre padding: frame t covers the samples [t * hop, t * hop + win_length). The
transforms are real matrix products, so that they run on every device and export to ONNX; they
cost 0.1 % of the network. Synthesis divides the overlap-added frames by the overlap-added squared
window, as the reference implementation does.
"""

from typing import cast

import torch
from torch import Tensor, nn


def _window(win_length: int) -> Tensor:
    """Square root of the periodic Hann window, float64 [win_length]."""
    return torch.hann_window(win_length, periodic=True, dtype=torch.float64).sqrt()


class STFT(nn.Module):
    """Analysis: waveform [B, samples] to spectrum [B, 2, F, T], real part first."""

    basis: Tensor

    def __init__(self, win_length: int, hop_length: int):
        super().__init__()
        self.win_length = win_length
        self.hop_length = hop_length
        basis = torch.fft.rfft(torch.eye(win_length, dtype=torch.float64))  # [win_length, F]
        basis = torch.stack((basis.real, basis.imag), 1) * _window(win_length)[:, None, None]
        self.register_buffer("basis", basis.flatten(1).float(), persistent=False)  # [N, 2F]

    def forward(self, waveform: Tensor) -> Tensor:
        """Spectrum [B, 2, F, T] of waveform [B, samples], samples >= win_length.

        T = (samples - win_length) // hop_length + 1.
        """
        frames = waveform.unfold(-1, self.win_length, self.hop_length)  # [B, T, win_length]
        spectrum = frames @ self.basis  # [B, T, 2F]
        return spectrum.unflatten(-1, (2, -1)).permute(0, 2, 3, 1)  # [B, 2, F, T]


class InverseSTFT(nn.Module):
    """Synthesis: spectrum [B, 2, F, T] to waveform [B, (T - 1) * hop_length + win_length]."""

    basis: Tensor
    squared_window: Tensor

    def __init__(self, win_length: int, hop_length: int):
        super().__init__()
        if win_length % hop_length:
            raise ValueError("win_length must be a multiple of hop_length")
        self.win_length = win_length
        self.hop_length = hop_length
        bins = win_length // 2 + 1
        unit = torch.eye(bins, dtype=torch.float64)
        from_real = torch.fft.irfft(unit.to(torch.complex128), n=win_length)  # [F, win_length]
        from_imag = torch.fft.irfft(unit * 1j, n=win_length)
        window = _window(win_length)
        basis = torch.cat((from_real, from_imag)) * window
        self.register_buffer("basis", basis.float(), persistent=False)  # [2F, win_length]
        self.register_buffer("squared_window", window.square().float(), persistent=False)

    def frames(self, spectrum: Tensor) -> Tensor:
        """Windowed frames [B, T, win_length], to be overlapped and added."""
        return spectrum.permute(0, 3, 1, 2).flatten(2) @ self.basis

    def forward(self, spectrum: Tensor) -> Tensor:
        """Waveform of spectrum [B, 2, F, T]; imaginary parts at 0 Hz and Nyquist are ignored."""
        frames = self.frames(spectrum)
        power = self.squared_window.expand(1, frames.shape[1], -1)
        # The bound changes nothing here; in a file that is exported, onnxscript takes 1e-8 for 0.
        power = (self._overlap_add(power) + 1e-8).clamp(min=1e-8)
        return self._overlap_add(frames) / power

    def _overlap_add(self, frames: Tensor) -> Tensor:
        """[B, T, win_length] to [B, (T - 1) * hop_length + win_length]."""
        batch, count, _ = frames.shape
        overlap = self.win_length // self.hop_length
        blocks = frames.view(batch, count, overlap, self.hop_length)
        total = frames.new_zeros(batch, count + overlap - 1, self.hop_length)
        for i in range(overlap):
            total[:, i : i + count] += blocks[:, :, i]
        return total.flatten(1)


def padded_length(samples: int, win_length: int, hop_length: int) -> int:
    """Shortest length >= samples that whole frames cover (at least one frame)."""
    # sym_max is max for numbers that an exporter leaves open. ONNX rounds the quotient of negative
    # numbers up, so that -(-a // b) would be another number there.
    beyond = cast(int, torch.sym_max(samples - win_length, 0))
    hops = (beyond + hop_length - 1) // hop_length
    return win_length + hops * hop_length
