"""The part of FRCRN that learns, as a module of its own for compiling and distributing."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from frcrn_app.model import FRCRN
from frcrn_app.training.trainer.processes import Processes
from frcrn_app.training.trainer.replay import Replayed

MaskFunction = Callable[[Tensor], Tensor]  # a spectrum to its mask, each [B, 2, F, T]


def mask_network(
    model: FRCRN,
    processes: Processes,
    device: torch.device,
    *,
    fixed: bool,
    compiled: bool,
    replayed: bool,
) -> MaskFunction:
    """The network up to its mask, whose gradients are averaged over the processes of a run.

    Args:
        model: on `device`.
        fixed: whether the statistics of its normalisation are.
        compiled: by torch.compile.
        replayed: as a CUDA graph.
    """
    network: nn.Module = _MaskNetwork(model)
    if processes.count > 1:
        ids = [device.index] if device.type == "cuda" else None
        # Buffers change only where every process computes the same, in Trainer.freeze_norms.
        network = nn.parallel.DistributedDataParallel(
            network, device_ids=ids, forward_sync_buffers=not fixed
        )
    if replayed:
        return Replayed(network)
    return torch.compile(network) if compiled else network


class _MaskNetwork(nn.Module):
    def __init__(self, model: FRCRN):
        super().__init__()
        self.model = model

    def forward(self, spectrum: Tensor) -> Tensor:
        return self.model.mask(spectrum)
