"""Optimizers, learning rate and averaged weights of a run."""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from frcrn_app.training.muon import Muon, is_hidden_matrix
from frcrn_app.training.trainer.config import TrainConfig

OPTIMIZERS = ("muon", "adamw")


def build_optimizers(
    parameters: Iterable[Tensor], config: TrainConfig
) -> list[torch.optim.Optimizer]:
    """Muon for hidden matrices if it is wanted, AdamW for all else."""
    if config.optimizer not in OPTIMIZERS:
        raise ValueError(f"optimizer is one of {OPTIMIZERS}, not {config.optimizer!r}")
    matrices, others = [], []
    for parameter in parameters:
        of_muon = config.optimizer == "muon" and is_hidden_matrix(parameter)
        (matrices if of_muon else others).append(parameter)
    rate, decay = config.learning_rate, config.weight_decay
    optimizers: list[torch.optim.Optimizer] = []
    if others:
        optimizers.append(
            torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.99), weight_decay=decay, fused=True)
        )
    if matrices:
        optimizers.append(Muon(matrices, lr=rate, weight_decay=decay))
    return optimizers


def rate_factor(step: int, config: TrainConfig) -> float:
    """Of the full rate: a linear warm-up, constant, a half cosine to zero over `decay_share`."""
    factor = min(1.0, (step + 1) / max(1, config.warmup_steps))
    begin = config.steps * (1 - config.decay_share)
    if step >= begin:
        progress = min(1.0, (step - begin) / max(1.0, config.steps - begin))
        factor *= 0.5 * (1 + math.cos(math.pi * progress))
    return factor


def build_schedules(
    optimizers: Sequence[torch.optim.Optimizer], config: TrainConfig, step: int
) -> list[LambdaLR]:
    """Schedules that set the rate for `step` now and for the next one at every call of `step()`.

    One function of the step, not a SequentialLR: the number of steps may be measured only as the
    run goes on, and in a short run warm-up and fall overlap.
    """
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["initial_lr"] = config.learning_rate  # of this run, whatever a state says
    return [
        LambdaLR(optimizer, lambda at: rate_factor(at, config), last_epoch=step - 1)
        for optimizer in optimizers
    ]


def averaged_copy(model: nn.Module, decay: float) -> AveragedModel:
    """Exponential averages of a network's weights, with its buffers as they are.

    Early on a plain average, so that it soon means much.
    """

    def average(averages, weights, count: Tensor | int) -> None:
        # Not `count`, which is copied to a GPU that all would wait for when it is asked.
        steps = int(averaged.n_averaged)
        kept = min(decay, (steps + 1) / (steps + 10))
        get_ema_multi_avg_fn(kept)(averages, weights, count)

    averaged = AveragedModel(model, multi_avg_fn=average)
    return averaged.eval().requires_grad_(False)
