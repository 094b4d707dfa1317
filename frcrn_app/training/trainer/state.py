"""The state of a run, written whole and read back to the bit."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.optim.swa_utils import AveragedModel

from frcrn_app.errors import CheckpointError
from frcrn_app.files import atomic_path
from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.training.trainer.config import TrainConfig


@dataclass
class Counters:
    """How far a run has come."""

    step: int = 0
    steps: int = 0  # in all
    measured_hours: float = 0.0  # that `steps` was reckoned for; 0: it was not
    skipped: int = 0  # without a finite gradient
    seconds_heard: float = 0.0  # of audio
    training_seconds: float = 0.0  # of wall time
    norm_frozen: bool = False
    best_score: float = float("-inf")


def save_state(
    path: Path,
    model: FRCRN,
    averaged: AveragedModel,
    optimizers: Sequence[torch.optim.Optimizer],
    counters: Counters,
    config: TrainConfig,
) -> None:
    """Writes all that resuming needs, atomically."""
    state = {
        "model": model.state_dict(),
        "ema": averaged.module.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "config": model.config.to_dict(),
        "training": json.dumps(asdict(config), default=str),
        "counters": asdict(counters),
    }
    with atomic_path(path) as draft:
        torch.save(state, draft)


def network_of_state(path: Path) -> FRCRNConfig:
    """The network that a saved state is of."""
    return FRCRNConfig.from_dict(_read(path)["config"])


def load_state(
    path: Path,
    model: FRCRN,
    averaged: AveragedModel,
    optimizers: Sequence[torch.optim.Optimizer],
) -> Counters:
    """Puts a saved state into network, averages and optimizers; returns the counters.

    Raises:
        CheckpointError: the state is of a network of another size, or of another optimizer.
    """
    state = _read(path)
    saved = FRCRNConfig.from_dict(state["config"])
    if saved != model.config:
        wanted, held = model.config.to_dict(), saved.to_dict()
        differing = [name for name in held if held[name] != wanted[name]]
        raise CheckpointError(
            "training.state_of_other_network",
            path=path,
            held=_listed(held, differing),
            wanted=_listed(wanted, differing),
        )
    if len(state["optimizers"]) != len(optimizers):
        raise CheckpointError("training.state_of_other_optimizer", path=path)
    model.load_state_dict(state["model"])
    averaged.module.load_state_dict(state["ema"])
    for optimizer, values in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(values)
    counters = Counters(**state["counters"])
    averaged.n_averaged.fill_(counters.step - counters.skipped)
    return counters


def _read(path: Path) -> dict:
    return torch.load(path, map_location="cpu", weights_only=True)


def _listed(values: dict[str, int], names: Sequence[str]) -> str:
    return ", ".join(f"{name} {values[name]}" for name in names)
