"""The processes of a run: one, or several under torchrun that share every step."""

import os

import torch
from torch import Tensor


class Processes:
    """This process among those of a run.

    Attributes:
        rank, count: its number, from 0, and how many there are.
    """

    def __init__(self) -> None:
        self.rank = int(os.environ.get("RANK", 0))
        self.count = int(os.environ.get("WORLD_SIZE", 1))
        self.local_rank = int(os.environ.get("LOCAL_RANK", 0))

    @property
    def is_first(self) -> bool:
        """Whether this is the process that validates and writes."""
        return self.rank == 0

    def connect(self, device: torch.device) -> None:
        """Meets the others, once."""
        if self.count > 1 and not torch.distributed.is_initialized():
            backend = "nccl" if device.type == "cuda" else "gloo"
            torch.distributed.init_process_group(backend)

    def sum_(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.count > 1:
            torch.distributed.all_reduce(tensor)
        return tensor

    def agreed(self, number: int, device: torch.device) -> int:
        """The first process's number, on all of them."""
        if self.count == 1:
            return number
        value = torch.tensor([number], device=device)
        torch.distributed.broadcast(value, 0)
        return int(value)

    def wait(self) -> None:
        """Until all others have come here."""
        if self.count > 1:
            torch.distributed.barrier()
