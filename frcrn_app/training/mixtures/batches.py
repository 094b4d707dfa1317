"""Batches of mixtures by their number, made by worker processes."""

import signal
from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from frcrn_app.inference import pick_device


def batches(
    mixtures: Dataset,
    batch_size: int,
    start_step: int = 0,
    workers: int = 0,
    *,
    rank: int = 0,
    world_size: int = 1,
    device: str = "cpu",
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Endless batches (noisy, clean), float32 `[batch, samples]` each.

    Batch number n of rank r holds items (n * world_size + r) * batch_size and on, whatever the
    number of workers: started at `start_step` it goes on where a run stopped before that step.
    For a `device` that is a GPU they lie in memory that it reads by itself. Workers leave SIGTERM
    to a caller that handles it: who stops a run sends it to all processes.

    Raises:
        DeviceError: there is no such device.
    """
    is_handled = callable(signal.getsignal(signal.SIGTERM))
    loader = DataLoader(
        mixtures,
        batch_sampler=_Counting(batch_size, start_step, rank, world_size),
        num_workers=workers,
        prefetch_factor=8 if workers else None,
        worker_init_fn=_ignore_sigterm if is_handled else None,
        pin_memory=pick_device(device) != "cpu",
    )
    return iter(loader)


def _ignore_sigterm(worker: int) -> None:
    """Of a worker, which ends when its loader does, or within seconds if its caller is killed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


class _Counting(Sampler[list[int]]):
    """Numbers of a rank's examples, batch by batch without an end."""

    def __init__(self, batch_size: int, start_step: int, rank: int, world_size: int):
        self._batch_size, self._step = batch_size, start_step
        self._rank, self._world_size = rank, world_size

    def __iter__(self) -> Iterator[list[int]]:
        step = self._step
        while True:
            first = (step * self._world_size + self._rank) * self._batch_size
            yield list(range(first, first + self._batch_size))
            step += 1
