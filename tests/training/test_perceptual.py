"""The perceptual term of the loss is worth its weight only as far as it follows real PESQ."""

import numpy as np
import pytest
import torch

from frcrn_app.audio import load_audio
from frcrn_app.metrics import pesq_score
from frcrn_app.training.perceptual import PerceptualLoss


@pytest.fixture(scope="module")
def degraded(example_pairs) -> list[tuple[np.ndarray, np.ndarray]]:
    """(clean, degraded) from barely to plainly audible noise, and the same through a mask."""
    found = []
    for noisy_path, clean_path in example_pairs:
        noisy, clean = (load_audio(path).samples[0] for path in (noisy_path, clean_path))
        spectra = [
            torch.stft(torch.from_numpy(x), 640, 320, window=WINDOW, return_complex=True)
            for x in (noisy, clean)
        ]
        gain = (spectra[1].abs() / (spectra[0].abs() + 1e-6)).clamp(max=1) ** 0.5
        masked = torch.istft(gain * spectra[0], 640, 320, window=WINDOW, length=len(noisy)).numpy()
        found += [(clean, clean + k * (noisy - clean)) for k in (0.05, 0.2, 0.6)]
        found.append((clean, masked))
    return found


WINDOW = torch.hann_window(640)


def test_it_follows_pesq(degraded):
    loss = PerceptualLoss()
    estimated = [float(loss(*(torch.from_numpy(x)[None] for x in (d, c)))) for c, d in degraded]
    measured = [4.644 - pesq_score(c, d) for c, d in degraded]
    assert np.corrcoef(estimated, measured)[0, 1] > 0.99
    assert np.mean(np.abs(np.subtract(estimated, measured))) < 0.12


def test_level_is_no_disturbance(degraded):
    loss = PerceptualLoss()
    clean, sound = (torch.from_numpy(x)[None] for x in degraded[2])
    assert float(loss(0.1 * sound, clean)) == pytest.approx(float(loss(sound, clean)), abs=0.01)
    assert float(loss(0.5 * clean, clean)) < 0.01


def test_following_it_downhill_raises_pesq(degraded):
    loss = PerceptualLoss()
    clean, sound = (torch.from_numpy(x)[None] for x in degraded[-3])
    moved = sound
    for _ in range(6):
        moved = moved.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(moved, clean), moved)
        moved = moved - 0.005 * moved.norm() / gradient.norm() * gradient
    scores = [pesq_score(clean[0].numpy(), x[0].detach().numpy()) for x in (sound, moved)]
    assert scores[1] > scores[0] + 0.3
