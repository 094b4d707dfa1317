"""The device and the arithmetic that a run trains with."""

import torch

from frcrn_app.errors import DeviceError
from frcrn_app.training.trainer.processes import Processes

PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}


def training_device(name: str, processes: Processes) -> torch.device:
    """The device of a name: "auto", "cpu", "cuda" (this process's own of several) or "cuda:N".

    Raises:
        DeviceError: CUDA was asked for, and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if not name.startswith("cuda"):
        return torch.device(name)
    if not torch.cuda.is_available():
        raise DeviceError("training.no_cuda")
    device = torch.device(name if ":" in name else f"cuda:{processes.local_rank}")
    torch.cuda.set_device(device)
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    return device


def autocast_dtype(precision: str, device: torch.device) -> torch.dtype | None:
    """What to autocast to for "auto", "float32" or "bfloat16"; None: nothing.

    Raises:
        DeviceError: another precision.
    """
    if precision == "auto":
        fast = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
        precision = "bfloat16" if fast else "float32"
    if precision not in PRECISIONS:
        raise DeviceError("training.precision", precision=precision)
    return PRECISIONS[precision]
