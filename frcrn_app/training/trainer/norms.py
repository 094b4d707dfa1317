"""Batch norm's statistics, which are fixed for the later part of a run."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from frcrn_app.model import FRCRN, ComplexBatchNorm2d
from frcrn_app.training.trainer.objective import Objective
from frcrn_app.training.trainer.processes import Processes

NORM_BATCHES = 40  # that fixed statistics are averaged over

Batch = tuple[Tensor, Tensor]  # noisy, clean, each float32 [B, samples]
# Called as batches(first_step, rank, world_size); equal arguments give equal batches.
Batches = Callable[[int, int, int], Iterator[Batch]]


def set_mode(model: FRCRN, *, fixed: bool) -> None:
    """Training mode, in which normalisation uses its statistics as they are if `fixed`."""
    model.train()
    if fixed:
        for norm in _norms(model):
            norm.eval()


@torch.no_grad()
def fix_statistics(
    model: FRCRN, objective: Objective, batches: Batches, processes: Processes, *, trained: int
) -> None:
    """Estimates the statistics anew; those of the first `trained` channels if that serves better.

    Weights that were trained with moving statistics gain by new ones, the means over NORM_BATCHES
    batches; weights that were trained with fixed ones are made for just these. The channels by
    which a network has grown have none yet.
    """
    statistics = [part for norm in _norms(model) for part in (norm.bn_re, norm.bn_im)]
    old = [(part.running_mean.clone(), part.running_var.clone()) for part in statistics]
    before = _inference_loss(model, objective, batches, processes) if trained else math.inf
    _estimate(model, objective, batches, processes)
    if _inference_loss(model, objective, batches, processes) > before:
        for part, (mean, var) in zip(statistics, old, strict=True):
            part.running_mean[:trained] = mean[:trained]
            part.running_var[:trained] = var[:trained]


def _inference_loss(
    model: FRCRN, objective: Objective, batches: Batches, processes: Processes
) -> float:
    """Summed loss of a few batches with the running statistics, the same in all processes."""
    model.eval()
    stream = batches(NORM_BATCHES, processes.rank, processes.count)
    losses = [objective(model.mask, *next(stream)) for _ in range(NORM_BATCHES // 4)]
    return float(processes.sum_(torch.stack(losses).sum()))


def _estimate(model: FRCRN, objective: Objective, batches: Batches, processes: Processes) -> None:
    model.train()
    stream = batches(0, processes.rank, processes.count)
    for number in range(NORM_BATCHES):
        for norm in _norms(model):
            norm.momentum = 1 / (number + 1)  # the plain mean over all batches so far
        noisy, _ = next(stream)
        model(objective.prepared(noisy)[0])
    for norm in _norms(model):
        norm.momentum = ComplexBatchNorm2d.momentum
        for buffer in norm.buffers():
            processes.sum_(buffer)
            buffer /= processes.count


def _norms(model: FRCRN) -> list[ComplexBatchNorm2d]:
    return [m for m in model.modules() if isinstance(m, ComplexBatchNorm2d)]
