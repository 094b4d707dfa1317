"""The runtimes that can compute the network, behind one interface.

A runtime is a function from waveforms, float32 [B, samples] at 16 kHz and the level of training, to
the denoised waveforms. `python -m frcrn_app benchmark --runtime ...` measures them side by side;
"torch" is what the `Denoiser` uses, because none of the others was faster (see the README).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType

import torch
from torch import Tensor

from frcrn_app.errors import DeviceError
from frcrn_app.inference.fused import fuse
from frcrn_app.model import FRCRN

Runtime = Callable[[Tensor], Tensor]


def load_runtime(
    name: str, model: FRCRN, device: str = "cpu", precision: str = "float32"
) -> Runtime:
    """The network in a runtime, which computes with as many threads as torch is set to.

    Args:
        name: of `RUNTIMES`. "torch" is the fused network; "compile" hands it to torch.compile,
            which needs a C++ compiler and minutes at the first call of each length; "onnxruntime"
            and "openvino" are packages of these names and run the exported network.
        model: batch norm counts with its running statistics.
        device: "cpu", or for the first two also "cuda" or "cuda:N".
        precision: "float32", "bfloat16" (not onnxruntime), or "float16" (CUDA).

    Raises:
        DeviceError: the runtime is unknown, is not installed, or has no such device or precision.
    """
    if name not in RUNTIMES:
        raise DeviceError("inference.no_such_runtime", runtime=name, known=", ".join(RUNTIMES))
    return RUNTIMES[name](model, device, precision)


def _torch(model: FRCRN, device: str, precision: str) -> Runtime:
    return torch.inference_mode()(fuse(model.to(device), getattr(torch, precision)))


def _compile(model: FRCRN, device: str, precision: str) -> Runtime:
    return torch.no_grad()(torch.compile(fuse(model.to(device), getattr(torch, precision))))


def _onnxruntime(model: FRCRN, device: str, precision: str) -> Runtime:
    from frcrn_app.inference.export import onnx_bytes

    onnxruntime = _package("onnxruntime", device)
    if precision != "float32":
        raise DeviceError("inference.runtime_precision", runtime="onnxruntime", known="float32")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        onnx_bytes(model, {}), options, providers=["CPUExecutionProvider"]
    )
    return lambda noisy: torch.from_numpy(session.run(None, {"noisy": noisy.numpy()})[0])


def _openvino(model: FRCRN, device: str, precision: str) -> Runtime:
    from frcrn_app.inference.export import onnx_bytes

    openvino = _package("openvino", device)
    hints = {"float32": "f32", "bfloat16": "bf16"}
    if precision not in hints:
        known = ", ".join(hints)
        raise DeviceError("inference.runtime_precision", runtime="openvino", known=known)
    core = openvino.Core()
    settings = {
        "INFERENCE_PRECISION_HINT": hints[precision],
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
    }
    compiled = core.compile_model(core.read_model(onnx_bytes(model, {})), "CPU", settings)
    request = compiled.create_infer_request()
    return lambda noisy: torch.from_numpy(request.infer({"noisy": noisy.numpy()})[0].copy())


def _package(name: str, device: str) -> ModuleType:
    if device != "cpu":
        raise DeviceError("inference.runtime_device", runtime=name, device=device)
    try:
        return importlib.import_module(name)
    except ImportError:
        raise DeviceError("inference.package_missing", package=name) from None


RUNTIMES: dict[str, Callable[[FRCRN, str, str], Runtime]] = {
    "torch": _torch,
    "compile": _compile,
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
}
