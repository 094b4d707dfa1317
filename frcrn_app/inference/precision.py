"""Which device and which precision a network computes on and in."""

import torch

from frcrn_app.errors import DeviceError
from frcrn_app.inference.private_torch import (
    onednn_multiplies_in_bfloat16,
    processor_multiplies_in_bfloat16,
)

PRECISIONS = ("auto", "float32", "bfloat16", "float16")

# Whether oneDNN multiplies in these on this processor.
_ONEDNN = {
    torch.float32: torch.backends.mkldnn.is_available(),
    torch.bfloat16: torch.backends.mkldnn.is_available() and onednn_multiplies_in_bfloat16(),
    torch.float16: False,
}


def pick_device(device: str) -> str:
    """ "auto" (CUDA where there is one), "cpu", "cuda" or "cuda:N" as torch's own name for it.

    Raises:
        DeviceError: there is no such device.
    """
    if device == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        return device
    kind, _, index = device.partition(":")
    if kind != "cuda" or not (index.isdigit() or not index):
        raise DeviceError("inference.no_such_device", device=device)
    if not torch.cuda.is_available():
        raise DeviceError("inference.no_cuda")
    if int(index or 0) >= torch.cuda.device_count():
        raise DeviceError("inference.no_such_cuda", device=device, count=torch.cuda.device_count())
    return f"cuda:{index or 0}"


def pick_precision(precision: str, device: str) -> str:
    """One of `PRECISIONS` for a device that `pick_device` has returned; never "auto".

    "auto" is bfloat16 where the hardware computes in it, else float32.

    Raises:
        DeviceError: there is no such precision, or not on this device.
    """
    if precision not in PRECISIONS:
        known = ", ".join(PRECISIONS)
        raise DeviceError("inference.no_such_precision", precision=precision, known=known)
    if precision == "auto":
        if device.startswith("cuda"):
            return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
        return "bfloat16" if computes_in_bfloat16() else "float32"
    if precision == "float16" and device == "cpu":
        raise DeviceError("inference.float16_needs_cuda")
    return precision


def computes_in_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16, rather than by way of float32."""
    return processor_multiplies_in_bfloat16()


def on_onednn(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether oneDNN's own operations are there for tensors of this kind."""
    return device.type == "cpu" and _ONEDNN[dtype]
