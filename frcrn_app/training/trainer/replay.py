"""A step's kernels on a GPU, recorded once and replayed: launching them one by one takes longer."""

import logging
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

log = logging.getLogger(__name__)


class Replayed(nn.Module):
    """A module whose forward and backward pass are CUDA graphs from its first call on.

    Meant for one call a step: what a call returns is overwritten by the next. Inputs of another
    shape, calls without gradients, and a module that cannot be recorded take the ordinary way.
    """

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module
        self._recorded: Callable[..., Tensor] | None = None
        self._shapes: list[torch.Size] | None = None

    def forward(self, *inputs: Tensor) -> Tensor:
        shapes = [each.shape for each in inputs]
        if self._shapes is None and torch.is_grad_enabled():
            self._shapes = shapes
            self._recorded = self._record(inputs)
        if self._recorded is None or self._shapes != shapes or not torch.is_grad_enabled():
            return self.module(*inputs)
        return self._recorded(*inputs)

    def _record(self, inputs: tuple[Tensor, ...]) -> Callable[..., Tensor] | None:
        samples = tuple(x.detach().clone().requires_grad_(x.requires_grad) for x in inputs)
        try:
            # Recording replaces a module's forward; the module itself is to keep its own.
            recorded = torch.cuda.make_graphed_callables(
                _Alone(self.module), samples, allow_unused_input=True
            )
        except RuntimeError as error:
            log.warning("training cannot be recorded as a CUDA graph: %s", error)
            return None
        return cast(Callable[..., Tensor], recorded)


class _Alone(nn.Module):
    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.module(*inputs)
