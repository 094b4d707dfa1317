"""The device and the arithmetic that a run trains with."""

import torch

from frcrn_app.errors import DeviceError
from frcrn_app.inference import computes_in_bfloat16, pick_device
from frcrn_app.training.trainer.processes import Processes

PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}


def training_device(name: str, processes: Processes) -> torch.device:
    """The device of a name: "auto", "cpu", "cuda" (this process's own of several) or "cuda:N".

    Raises:
        DeviceError: there is no such device.
    """
    device = torch.device(pick_device(name))
    if device.type == "cpu":
        return device
    if ":" not in name:
        device = torch.device("cuda", processes.local_rank)
    torch.cuda.set_device(device)
    # Spectra and losses are products of matrices, and quiet bins lie below what TF32 keeps.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True  # batches are all of one shape
    return device


def autocast_dtype(precision: str, device: torch.device) -> torch.dtype | None:
    """What to autocast to for "auto", "float32" or "bfloat16"; None: nothing.

    Raises:
        DeviceError: another precision.
    """
    if precision == "auto":
        fast = device.type == "cuda" or computes_in_bfloat16()
        precision = "bfloat16" if fast else "float32"
    if precision not in PRECISIONS:
        raise DeviceError("training.precision", precision=precision)
    return PRECISIONS[precision]
