"""A step's kernels on a GPU, recorded once and replayed: launching them one by one takes longer."""

import torch
from torch import Tensor, nn


class Replayed(nn.Module):
    """A module whose forward and backward pass are CUDA graphs from its first call on.

    Meant for one call a step: what a call returns is overwritten by the next. Inputs of another
    shape, and those that need no gradient, take the ordinary way.
    """

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module
        self._recorded: nn.Module | None = None
        self._shapes: list[torch.Size] = []

    def forward(self, *inputs: Tensor) -> Tensor:
        shapes = [each.shape for each in inputs]
        if not torch.is_grad_enabled() or self._shapes not in ([], shapes):
            return self.module(*inputs)
        if self._recorded is None:
            samples = tuple(x.detach().clone().requires_grad_(x.requires_grad) for x in inputs)
            # Recording replaces a module's forward; the module itself keeps its own.
            recorded = torch.cuda.make_graphed_callables(
                _Alone(self.module), samples, allow_unused_input=True
            )
            self._recorded, self._shapes = recorded, shapes
        return self._recorded(*inputs)


class _Alone(nn.Module):
    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.module(*inputs)
