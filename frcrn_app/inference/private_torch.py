"""The names that torch calls private and that speed depends on; nowhere else are there others.

`tests/inference/test_private_torch.py` fails when a version of torch moves one of them.
"""

import torch
from torch import Tensor


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
