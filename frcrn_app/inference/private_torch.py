"""The names that torch calls private and that speed depends on; nowhere else are there others.

`tests/inference/test_private_torch.py` fails when a version of torch moves one of them.
"""

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit._fuser import optimized_execution
from torch.jit._trace import is_tracing


def processor_multiplies_in_bfloat16() -> bool:
    """Whether this processor has instructions for it (AVX512-BF16 or AMX)."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def onednn_multiplies_in_bfloat16() -> bool:
    """Whether oneDNN takes bfloat16 on this processor, if only by way of float32."""
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()


def onednn_linear(x: Tensor, weight: Tensor, bias: Tensor | None, then: str) -> Tensor:
    """Linear layer over the last axis by oneDNN, and in the same pass `then`: "none" or "relu"."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, then, [], "")


def onednn_convolution_plus(
    x: Tensor, plus: Tensor, kernel: Tensor, stride: tuple[int, int], padding: tuple[int, int]
) -> Tensor:
    """Convolution by oneDNN, to which it adds `plus` before it rounds and writes."""
    add = ("add", None, None, [], None)
    return torch.ops.mkldnn._convolution_pointwise.binary(
        x, plus, kernel, None, padding, stride, (1, 1), 1, *add
    )


def record(module: nn.Module, example: tuple) -> Callable[..., Any]:
    """What a module does with an example, as a program that runs without Python."""
    with warnings.catch_warnings():
        # torch would have recordings made for compilers, which machines that run this need not
        # have; and what in a module is Python is meant to be constant.
        warnings.simplefilter("ignore")
        recorded: Any = torch.jit.trace(module, example, check_trace=False)
        return torch.jit.freeze(recorded.eval())


def recording() -> bool:
    """Whether this thread is in `record`."""
    return is_tracing()


def as_recorded() -> AbstractContextManager[None]:
    """In it recordings run as they are: optimising takes a second of the first call."""
    return optimized_execution(False)
