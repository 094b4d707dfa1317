"""Scores of a network on fixed mixtures."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from frcrn_app import metrics
from frcrn_app.inference import fuse
from frcrn_app.model import FRCRN, prepared

SCORES = {"pesq": "pesq_wb", "stoi": "stoi", "si_sdr": "si_sdr"}  # our name, the metric's key
BATCH = 8  # mixtures enhanced at once


def enhance(model: FRCRN, noisy: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Enhanced waveforms of noisy ones `[samples]`, all of one length, at their own level."""
    device, fused = next(model.parameters()).device, fuse(model)
    enhanced: list[np.ndarray] = []
    for begin in range(0, len(noisy), BATCH):
        waveform = torch.from_numpy(np.stack(noisy[begin : begin + BATCH])).to(device)
        enhanced += list(at_own_level(fused, waveform).cpu().numpy())
    return enhanced


@torch.no_grad()
def at_own_level(network: FRCRN, noisy: Tensor) -> Tensor:
    """Enhanced waveforms [B, samples] at 16 kHz of noisy ones, at the level that these have.

    The network hears them as it was trained to, whatever level and high-pass that takes.
    """
    waveform, gain = prepared(noisy, network.config)
    return network(waveform) / gain


def mean_scores(clean: Sequence[np.ndarray], enhanced: Sequence[np.ndarray]) -> dict[str, float]:
    """Means of `SCORES` over the pairs for which each is defined, NaN where there is none."""
    rows = [
        metrics.score(target, estimate, SCORES.values())[0]
        for target, estimate in zip(clean, enhanced, strict=True)
    ]
    means = {}
    for name, key in SCORES.items():
        values = [row[key] for row in rows if not math.isnan(row[key])]
        means[name] = float(np.mean(values)) if values else math.nan
    return means


def rank(scores: dict[str, float]) -> float:
    """PESQ + SI-SDR / 20, by which networks are ranked.

    A decibel counts for a twentieth of a PESQ point, about their exchange rate between published
    enhancers.
    """
    return scores["pesq"] + scores["si_sdr"] / 20


def is_scorable(clean: np.ndarray, noisy: np.ndarray) -> bool:
    """Whether all scores are defined for a pair: not for a clip of breath or of a whisper."""
    return not metrics.score(clean, noisy, SCORES.values())[1]
