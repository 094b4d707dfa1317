"""The network as an ONNX file: waveform [batch, samples] to waveform, any batch and any length.

The graph is written node by node from the folded parameters. torch's own exporter takes minutes
over this network and bakes the length of its example into the result.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from frcrn_app.errors import UserError
from frcrn_app.model import FRCRN, SAMPLE_RATE
from frcrn_app.model.complex_layers import ComplexBatchNorm2d, ComplexConv2d, ComplexConvTranspose2d
from frcrn_app.model.frcrn import AROUND, COMPRESSION, QUIET
from frcrn_app.model.fsmn import FSMN, ORDER
from frcrn_app.model.unet import DEPTH, PADDING, STRIDE, UNet

if TYPE_CHECKING:
    import onnx

OPSET = 17
LENGTHS = (500, 16_000, 25_123)  # samples that a file is verified with; the first is under a frame
TOLERANCE = 1e-4  # of the output's largest sample


class ExportError(UserError):
    """The network cannot be exported here, or the exported file does not compute it."""


def export_onnx(model: FRCRN, path: str | os.PathLike, metadata: dict[str, str]) -> Path:
    """Write the network to an ONNX file.

    Args:
        model: batch norm counts with its running statistics.
        path: the file to write, whole or not at all.
        metadata: texts to store in the file beside the network's configuration.

    The file's input "noisy" and output "enhanced" are float32 [batch, samples] at 16 kHz, the input
    as `model.level.prepared` returns it: at -25 dBFS RMS, for networks of more than one input
    without infrasound.

    Raises:
        ExportError: the package onnx is missing.
    """
    content = onnx_bytes(model, metadata)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def onnx_bytes(model: FRCRN, metadata: dict[str, str]) -> bytes:
    """The content of the file that `export_onnx` writes."""
    onnx = _import("onnx")
    with torch.no_grad():
        proto = _Graph(onnx, model).proto
    entries = {"config": json.dumps(model.config.to_dict()), "sample_rate": str(SAMPLE_RATE)}
    onnx.helper.set_model_props(proto, entries | metadata)
    onnx.checker.check_model(proto)
    return proto.SerializeToString()


def verify_onnx(path: str | os.PathLike, model: FRCRN) -> float:
    """Largest difference between the file's output and the network's, over its largest sample.

    Compares sounds of several lengths, two at once.

    Raises:
        ExportError: they differ by more than `TOLERANCE`.
    """
    session = _import("onnxruntime").InferenceSession(os.fspath(path))
    generator = torch.Generator().manual_seed(0)
    worst = 0.0
    for length in LENGTHS:
        noisy = 0.05 * torch.randn(2, length, generator=generator)
        with torch.inference_mode():
            expected = model(noisy).numpy()
        (enhanced,) = session.run(None, {"noisy": noisy.numpy()})
        if enhanced.shape != expected.shape or not np.isfinite(enhanced).all():
            raise ExportError(
                f"{path} gives {enhanced.shape} where torch gives {expected.shape}, or numbers "
                "that are not finite: it must not be used."
            )
        # Not the ends: a lone frame divided by a vanishing window magnifies rounding there.
        inner = slice(20, length - 320) if length > 640 else slice(20, length - 20)
        difference = np.abs(enhanced - expected)[:, inner].max()
        worst = max(worst, float(difference / np.abs(expected).max()))
    if worst > TOLERANCE:
        raise ExportError(
            f"{path} differs from torch by {worst:.1e} of the largest sample, more than "
            f"{TOLERANCE:.0e}: it must not be used."
        )
    return worst


def _import(name: str):
    try:
        return __import__(name)
    except ImportError as error:
        raise ExportError(f"Exporting needs the package {name}: pip install {name}") from error


class _Graph:
    """The ONNX graph of a network. Activations are [B, 2C, F, T], the real part first."""

    def __init__(self, onnx: onnx, model: FRCRN):
        self._onnx = onnx
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: list[onnx.TensorProto] = []
        self._network(model)
        helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
        shape = ["batch", "samples"]
        graph = helper.make_graph(
            self._nodes,
            "frcrn",
            [helper.make_tensor_value_info("noisy", float32, shape)],
            [helper.make_tensor_value_info("enhanced", float32, shape)],
            self._tensors,
        )
        opset = helper.make_opsetid("", OPSET)
        self.proto = helper.make_model(graph, opset_imports=[opset], producer_name="frcrn_app")
        # The oldest format with this opset, for runtimes older than the onnx package.
        self.proto.ir_version = helper.find_min_ir_version_for([opset])

    # -- nodes --------------------------------------------------------------------------------

    def _add(
        self, operator: str, *inputs: str | Tensor | list[int], outputs: int = 1, **attributes
    ):
        """Adds a node; inputs are names of outputs, or constants. Returns its output's name(s)."""
        names = [f"{operator}_{len(self._nodes)}_{i}" for i in range(outputs)]
        inputs = [x if isinstance(x, str) else self._constant(x) for x in inputs]
        node = self._onnx.helper.make_node(operator, inputs, names, name=names[0], **attributes)
        self._nodes.append(node)
        return names[0] if outputs == 1 else names

    def _constant(self, value: Tensor | list[int]) -> str:
        array = np.array(value) if isinstance(value, list) else value.detach().cpu().numpy()
        name = f"constant_{len(self._tensors)}"
        array = np.ascontiguousarray(array)
        self._tensors.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    # -- around the network -------------------------------------------------------------------

    def _network(self, model: FRCRN) -> None:
        win_length, hop_length = model.config.win_length, model.config.hop_length
        bins = win_length // 2 + 1
        one = torch.ones(1, 1, 1)
        samples = self._add("Slice", self._add("Shape", "noisy"), [1], [2])  # int64 [1]
        rest = self._add("Max", self._add("Sub", samples, [win_length]), [0])
        heard = self._add("Add", self._add("Div", rest, [hop_length]), [1])
        hops = self._add("Div", self._add("Add", rest, [hop_length - 1]), [hop_length])
        frames = self._add("Add", hops, [1])
        length = self._add("Add", self._add("Mul", hops, [hop_length]), [win_length])
        missing = self._add("Sub", length, samples)
        padded = self._add("Pad", "noisy", self._add("Concat", [0, 0, 0], missing, axis=0))

        analysis = model.stft.basis.T[:, None]  # [2F, 1, win_length]
        x = self._add("Unsqueeze", padded, [1])
        spectrum = self._add("Conv", x, analysis, strides=[hop_length])  # [B, 2F, T]
        spectrum = self._add("Reshape", spectrum, [0, 2, bins, -1])

        x = self._add("Slice", spectrum, [0], heard, [3])
        if model.config.inputs > 1:
            x = self._with_compressed(x, model.config.inputs)
        first = self._unet(model.unet, x)
        mask = self._add("Tanh", first)
        if model.config.unets == 2:
            mask = self._add("Add", mask, self._add("Tanh", self._unet(model.unet2, first)))
        # The frame that the network does not hear gets the mask of the one before it.
        last = self._add("Slice", mask, [-1], [2**31], [3])
        mask = self._add("Slice", self._add("Concat", mask, last, axis=3), [0], frames, [3])

        s_re, s_im = self._add("Split", spectrum, [1, 1], outputs=2, axis=1)
        m_re, m_im = self._add("Split", mask, [1, 1], outputs=2, axis=1)
        re = self._add("Sub", self._add("Mul", s_re, m_re), self._add("Mul", s_im, m_im))
        im = self._add("Add", self._add("Mul", s_re, m_im), self._add("Mul", s_im, m_re))
        enhanced = self._add("Reshape", self._add("Concat", re, im, axis=1), [0, 2 * bins, -1])

        synthesis = model.istft.basis[:, None]  # [2F, 1, win_length]
        enhanced = self._add("ConvTranspose", enhanced, synthesis, strides=[hop_length])
        ones = self._add("Expand", one, self._add("Concat", [1, 1], frames, axis=0))
        window = model.istft.squared_window[None, None]
        power = self._add("ConvTranspose", ones, window, strides=[hop_length])
        enhanced = self._add("Div", enhanced, self._add("Add", power, one * 1e-8))
        enhanced = self._add("Squeeze", enhanced, [1])
        enhanced = self._add("Slice", enhanced, [0], samples, [1])
        self._nodes[-1].output[0] = "enhanced"

    # -- the network --------------------------------------------------------------------------

    def _with_compressed(self, spectrum: str, inputs: int) -> str:
        """See `model.frcrn.heard_spectrum`."""
        re, im = self._add("Split", spectrum, [1, 1], outputs=2, axis=1)
        power = self._add("Add", self._add("Mul", re, re), self._add("Mul", im, im))
        power = self._add("Add", power, torch.tensor(QUIET))
        gain = self._add("Pow", power, torch.tensor((COMPRESSION - 1) / 2))
        parts = [[part, self._add("Mul", part, gain)] for part in (re, im)]
        if inputs == 3:
            magnitude = self._add("Pow", power, torch.tensor(COMPRESSION / 2))
            around = self._add(
                "AveragePool",
                magnitude,
                kernel_shape=[1, 2 * AROUND + 1],
                pads=[0, AROUND, 0, AROUND],
                count_include_pad=0,
            )
            for part in parts:
                part.append(self._add("Div", part[1], around))
        return self._add("Concat", *parts[0], *parts[1], axis=1)

    def _unet(self, unet: UNet, x: str) -> str:
        skips = []
        for i, encoder in enumerate(unet.encoders):
            if i > 0:
                fsmn = unet.fsmn_enc[str(i)]
                x = self._memory(x, fsmn.fsmn_re_L1, fsmn.fsmn_im_L1)
            x = self._convolution(x, encoder.conv, encoder.bn)
            if i < DEPTH - 1:
                skips.append(self._attention(x, unet.se_layers_enc[str(i)]))
        x = self._add("Transpose", x, perm=[0, 1, 3, 2])
        x = self._memory(x, unet.fsmn.fsmn_re_L1, unet.fsmn.fsmn_im_L1)
        x = self._memory(x, unet.fsmn.fsmn_re_L2, unet.fsmn.fsmn_im_L2)
        x = self._add("Transpose", x, perm=[0, 1, 3, 2])
        for i, decoder in enumerate(unet.decoders):
            x = self._transposed_convolution(x, decoder.transconv, decoder.bn)
            if i < DEPTH - 1:
                fsmn = unet.fsmn_dec[str(i)]
                x = self._memory(x, fsmn.fsmn_re_L1, fsmn.fsmn_im_L1)
                if i < DEPTH - 2:
                    x = self._attention(x, unet.se_layers_dec[str(i)])
                x = self._add("Concat", x, skips.pop(), axis=1)
        weight, bias = unet.linear.real_parameters()
        return self._add("Conv", x, weight, bias)

    def _convolution(self, x: str, conv: ComplexConv2d, bn: ComplexBatchNorm2d) -> str:
        scale, shift = bn.scale_and_shift()
        weight, bias = conv.real_parameters()
        weight, bias = weight * scale[:, None, None, None], bias * scale + shift
        pads = [*PADDING, *PADDING]
        x = self._add("Conv", x, weight, bias, strides=list(STRIDE), pads=pads)
        return self._add("LeakyRelu", x, alpha=0.01)

    def _transposed_convolution(
        self, x: str, conv: ComplexConvTranspose2d, bn: ComplexBatchNorm2d
    ) -> str:
        scale, shift = bn.scale_and_shift()
        weight, bias = conv.real_parameters()
        weight, bias = weight * scale[:, None, None], bias * scale + shift
        pads = [*PADDING, *PADDING]
        x = self._add("ConvTranspose", x, weight, bias, strides=list(STRIDE), pads=pads)
        return self._add("LeakyRelu", x, alpha=0.01)

    def _memory(self, x: str, re: FSMN, im: FSMN) -> str:
        """See `model.fsmn.complex_fsmn`: groups of channels are (part, memory)."""
        channels = re.project.weight.shape[0]
        linear = torch.cat((re.linear.weight, im.linear.weight)).repeat(2, 1)[..., None, None]
        bias = torch.cat((re.linear.bias, im.linear.bias)).repeat(2)
        project = torch.cat((re.project.weight, im.project.weight)).repeat(2, 1)[..., None, None]
        memory = torch.cat((re.conv1.weight, im.conv1.weight)).repeat(2, 1, 1, 1)
        memory[:, :, -1] += 1  # "p +" of y = x + p + memory(p)
        hidden = self._add("Relu", self._add("Conv", x, linear, bias, group=2))
        p = self._add("Conv", hidden, project, group=4)
        p = self._add("Conv", p, memory, group=4 * channels, pads=[ORDER - 1, 0, 0, 0])
        parts = [channels] * 4
        re_of_re, im_of_re, re_of_im, im_of_im = self._add("Split", p, parts, outputs=4, axis=1)
        x_re, x_im = self._add("Split", x, parts[:2], outputs=2, axis=1)
        y_re = self._add("Sub", self._add("Add", x_re, re_of_re), self._add("Add", x_im, im_of_im))
        y_im = self._add("Add", self._add("Add", x_re, im_of_re), self._add("Add", x_im, re_of_im))
        return self._add("Concat", y_re, y_im, axis=1)

    def _attention(self, x: str, attention: nn.Module) -> str:
        mean = self._add("ReduceMean", x, axes=[2, 3], keepdims=0)  # [B, 2C]
        mean = self._add("Reshape", mean, [0, 2, -1])
        from_re, from_im = (self._gates(mean, fc) for fc in (attention.fc_r, attention.fc_i))
        rr, ri = self._add("Split", from_re, [1, 1], outputs=2, axis=1)
        ir, ii = self._add("Split", from_im, [1, 1], outputs=2, axis=1)
        gate = self._add("Concat", self._add("Sub", rr, ii), self._add("Add", ri, ir), axis=1)
        return self._add("Mul", x, self._add("Reshape", gate, [0, -1, 1, 1]))

    def _gates(self, mean: str, fc: nn.Sequential) -> str:
        """[B, 2, C] to the same: linear, ReLU, linear, sigmoid."""
        first, _, second, _ = fc
        x = self._add("Add", self._add("MatMul", mean, first.weight.T), first.bias)
        x = self._add("Relu", x)
        x = self._add("Add", self._add("MatMul", x, second.weight.T), second.bias)
        return self._add("Sigmoid", x)
