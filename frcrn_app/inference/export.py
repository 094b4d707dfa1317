"""The network as an ONNX file: waveform [batch, samples] to waveform, any batch and any length.

torch's exporter translates the training form, in which batch normalisation is first folded into
the convolutions. It takes a minute or two.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import UserError
from frcrn_app.files import atomic_path
from frcrn_app.model import FRCRN
from frcrn_app.model.unet import Decoder, Encoder

LENGTHS = (500, 16_000, 25_123)  # samples that a file is verified with; the first is under a frame
TOLERANCE = 1e-4  # of the output's largest sample
EXAMPLE = 25_123  # samples; of a length with a last frame that the network does not take


class ExportError(UserError):
    """The network cannot be exported here, or the exported file does not compute it."""


def export_onnx(model: FRCRN, path: str | os.PathLike, metadata: dict[str, str]) -> Path:
    """Write the network to an ONNX file.

    Args:
        model: batch norm counts with its running statistics.
        path: the file to write, whole or not at all.
        metadata: texts to store in the file beside the network's configuration.

    The file's input "noisy" and output "enhanced" are float32 [batch, samples] at 16 kHz, the input
    as `model.prepared` returns it: at -25 dBFS RMS, for networks of more than one input without
    infrasound. That of a causal network may be at any level.

    Raises:
        ExportError: a package is missing, or the file cannot be written.
    """
    content, path = onnx_bytes(model, metadata), Path(path)
    try:
        with atomic_path(path) as draft:
            draft.write_bytes(content)
    except OSError as error:
        raise ExportError("inference.not_written", file=path, reason=error) from error
    return path


def onnx_bytes(model: FRCRN, metadata: dict[str, str]) -> bytes:
    """The content of the file that `export_onnx` writes."""
    onnx = _import("onnx")
    optimizer = _import("onnxscript.optimizer")
    dynamic = torch.export.Dim.DYNAMIC
    with torch.no_grad(), quiet():
        # Two recordings: a batch of one would be taken for the only one there is.
        example = torch.zeros(2, EXAMPLE)
        program = torch.onnx.export(
            _folded(model),
            (example,),
            input_names=["noisy"],
            output_names=["enhanced"],
            dynamic_shapes={"waveform": {0: dynamic, 1: dynamic}},
            dynamo=True,
            verbose=False,
            optimize=False,  # its many patterns take long, and runtimes fuse operations themselves
        )
        assert program is not None
        optimizer.fold_constants(program.model)
        optimizer.remove_unused_nodes(program.model)
    proto = program.model_proto
    entries = {"config": json.dumps(model.config.to_dict()), "sample_rate": str(SAMPLE_RATE)}
    onnx.helper.set_model_props(proto, entries | metadata)
    onnx.checker.check_model(proto)
    return proto.SerializeToString()


def verify_onnx(path: str | os.PathLike, model: FRCRN) -> float:
    """Largest difference between the file's output and the network's, over its largest sample.

    Compares recordings of several lengths, two at once; the longest goes beyond what limited
    attention hears.

    Raises:
        ExportError: they differ by more than `TOLERANCE`.
    """
    session = _import("onnxruntime").InferenceSession(os.fspath(path))
    generator = torch.Generator().manual_seed(0)
    worst = 0.0
    beyond = (model.config.attention + 50) * model.config.hop_length
    for length in (*LENGTHS, beyond):
        noisy = 0.1 * torch.randn(2, length, generator=generator)
        noisy[:, : length // 2] *= 0.01  # so that it matters how far attention hears
        with torch.inference_mode():
            expected = model(noisy).numpy()
        (enhanced,) = session.run(None, {"noisy": noisy.numpy()})
        if enhanced.shape != expected.shape or not np.isfinite(enhanced).all():
            raise ExportError(
                "inference.export_not_finite",
                file=Path(path),
                found=str(enhanced.shape),
                expected=str(expected.shape),
            )
        # Not the ends: a lone frame divided by a vanishing window magnifies rounding there.
        inner = slice(20, length - 320) if length > 640 else slice(20, length - 20)
        difference = np.abs(enhanced - expected)[:, inner].max()
        worst = max(worst, float(difference / np.abs(expected).max()))
    if worst > TOLERANCE:
        raise ExportError(
            "inference.export_differs", file=Path(path), difference=worst, tolerance=TOLERANCE
        )
    return worst


def _folded(model: FRCRN) -> FRCRN:
    """The network with its encoders and decoders as single plain convolutions."""
    model = deepcopy(model).eval()
    for module in list(model.modules()):
        for name, layer in module.named_children():
            if isinstance(layer, Encoder | Decoder):
                setattr(module, name, _FoldedLayer(layer))
    return model


class _FoldedLayer(nn.Module):
    """An encoder or a decoder by one convolution with constant kernels, and its leaky ReLU."""

    weight: Tensor
    bias: Tensor

    def __init__(self, layer: Encoder | Decoder):
        super().__init__()
        self.causal, self.transposed = layer.causal, isinstance(layer, Decoder)
        if isinstance(layer, Decoder):
            (weight, bias), self.padding = layer.transconv.folded(layer.bn), (0, 1)
        else:
            (weight, bias), self.padding = layer.conv.folded(layer.bn), layer.conv.padding
        self.register_buffer("weight", weight.clone())
        self.register_buffer("bias", bias.clone())

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, (1, 0)) if self.causal else x
        convolution = F.conv_transpose2d if self.transposed else F.conv2d
        return F.leaky_relu(convolution(x, self.weight, self.bias, (2, 1), self.padding))


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ExportError("inference.package_missing", package=name) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Without what exporters and quantizers print, warn and log about their own affairs."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
