"""The intelligibility term of the loss is worth its weight only as far as it follows real STOI."""

import numpy as np
import pytest
import torch

from frcrn_app.audio import load_audio
from frcrn_app.metrics import stoi_score
from frcrn_app.training.intelligibility import IntelligibilityLoss


@pytest.fixture(scope="module")
def pairs(example_pairs) -> list[tuple[np.ndarray, np.ndarray]]:
    """(noisy, clean) `[samples]` each."""
    return [
        (load_audio(noisy).samples[0], load_audio(clean).samples[0])
        for noisy, clean in example_pairs
    ]


def _loss(noisy: np.ndarray, clean: np.ndarray) -> float:
    return float(IntelligibilityLoss()(*(torch.from_numpy(x)[None] for x in (noisy, clean))))


def test_it_follows_stoi(pairs):
    degraded = [
        (clean + k * (noisy - clean), clean) for noisy, clean in pairs for k in (0.2, 0.6, 2)
    ]
    estimated = [1 - _loss(*pair) for pair in degraded]
    measured = [stoi_score(clean, noisy) for noisy, clean in degraded]
    assert np.corrcoef(estimated, measured)[0, 1] > 0.99
    assert np.mean(np.abs(np.subtract(estimated, measured))) < 0.02


def test_clean_speech_misses_nothing_at_any_level(pairs):
    _, clean = pairs[0]
    for level in (0.1, 1.0, 2.0):
        assert _loss(level * clean, clean) == pytest.approx(0, abs=1e-3)


def test_pauses_do_not_count(pairs):
    noisy, clean = pairs[0]
    pause = np.zeros(16_000, np.float32)
    hiss = 0.01 * np.random.default_rng(0).standard_normal(16_000, np.float32)
    longer = np.concatenate((noisy, hiss)), np.concatenate((clean, pause))
    assert _loss(*longer) == pytest.approx(_loss(noisy, clean), abs=0.01)


def test_following_it_downhill_raises_stoi(pairs):
    noisy, clean = (torch.from_numpy(x)[None] for x in pairs[0])
    loss = IntelligibilityLoss()
    moved = noisy
    for _ in range(6):
        moved = moved.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(moved, clean), moved)
        moved = moved - 0.02 * moved.norm() / gradient.norm() * gradient
    scores = [stoi_score(clean[0].numpy(), x[0].detach().numpy()) for x in (noisy, moved)]
    assert scores[1] > scores[0] + 0.03


def test_too_little_speech_and_silence_leave_gradients_finite(pairs):
    _, clean = pairs[0]
    click = np.zeros_like(clean)
    click[8000:9000] = clean[8000:9000] + 0.1
    for target in (click, np.zeros_like(clean)):
        estimate = torch.from_numpy(clean)[None].clone().requires_grad_()
        loss = IntelligibilityLoss()(estimate, torch.from_numpy(target)[None])
        loss.sum().backward()
        assert estimate.grad.isfinite().all()
        assert float(loss.detach()) == 0


def test_recordings_of_a_batch_have_the_loss_that_each_has_alone(pairs):
    shortest = min(len(clean) for _, clean in pairs)
    noisy, clean = (
        torch.from_numpy(np.stack([pair[i][:shortest] for pair in pairs])) for i in (0, 1)
    )
    clean[1, shortest // 3 :] = 0  # of which little counts
    clean[2] = 0
    loss = IntelligibilityLoss()
    alone = [float(loss(noisy[i : i + 1], clean[i : i + 1])) for i in range(len(pairs))]
    assert loss(noisy, clean).tolist() == pytest.approx(alone, abs=1e-5)
    assert alone[2] == 0 < alone[1]
