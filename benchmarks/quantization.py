"""What quantization does to the network: size, speed and PESQ of each kind, in one table.

    python benchmarks/quantization.py

Compares float32, bfloat16, dynamic int8 as users know it (torch and ONNX Runtime) and static int8
(ONNX Runtime and OpenVINO). Speed is processor time for one noisy clip, the median of warm calls
that take turns; PESQ-WB is the mean over the labelled pairs under examples/. Calibration takes the
unlabelled clips there, so no scored recording. `--weights random` is the full-size network, seeded,
for size and speed alone.

Takes 1 to 2 minutes on one CPU core, `--weights random --seconds 1` about 4; needs onnx,
onnxruntime and pesq, and for its rows openvino.
"""

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import cycle, pairwise
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from frcrn_app.audio import load_audio, resample  # noqa: E402
from frcrn_app.constants import SAMPLE_RATE  # noqa: E402
from frcrn_app.inference import EDGE, computes_in_bfloat16, fuse  # noqa: E402
from frcrn_app.inference.benchmark import RANDOM, processor_name, random_network  # noqa: E402
from frcrn_app.inference.export import onnx_bytes, quiet  # noqa: E402
from frcrn_app.metrics import pesq_score  # noqa: E402
from frcrn_app.model import FRCRN, FRCRNConfig, prepared  # noqa: E402
from frcrn_app.model.unet import DECODER_KERNELS, STRIDE  # noqa: E402
from frcrn_app.weights import EMBEDDED, load_weights  # noqa: E402

EXAMPLES = ROOT / "examples"
REPEATS = 5  # warm calls of each network
CALIBRATION = slice(SAMPLE_RATE, 3 * SAMPLE_RATE)  # samples of each unlabelled clip
TIMED_CLIP = "keyboard-english.flac"  # 8.4 s
WINDOW = FRCRNConfig().win_length
MIN_CHANNELS = 8  # of a convolution in int8: narrower ones get slower and cost PESQ
BASELINE = "torch float32"
NO_BFLOAT16 = "this processor does not multiply in bfloat16"

Run = Callable[[Tensor], Tensor]  # noisy [B, samples] at the level of training, to enhanced


@dataclass(frozen=True)
class Network:
    """A network ready to run."""

    run: Run
    size: int  # bytes of its file
    int8: int  # parameters in int8
    parameters: int


@dataclass
class Row:
    """Figures of one network; None where there are none."""

    name: str
    megabytes: float | None = None
    int8: int | None = None  # parameters in int8, of `parameters`
    parameters: int | None = None
    seconds: float | None = None  # of a core, for a second of audio
    pesq: float | None = None
    problem: str = ""  # why there are no figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", default=EMBEDDED, help=f"a name, a path or {RANDOM!r}")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=8.0, help="of the audio that is timed")
    parser.add_argument("--markdown", type=Path, help="a file for the table")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    measured = measure(args.weights, args.threads, args.seconds)
    text = as_markdown(measured)
    print(text, end="")
    if args.markdown:
        args.markdown.write_text(text)
    if args.json:
        args.json.write_text(json.dumps(measured, indent=2) + "\n")


def measure(weights: str, threads: int, seconds: float) -> dict:
    """Every network's figures, "rows", and what they were measured on."""
    model = random_network() if weights == RANDOM else load_weights(weights).model
    model.eval()
    rows, networks = [], {}
    with tempfile.TemporaryDirectory() as folder:
        files = Files(model, Path(folder))
        for name, make in NETWORKS.items():
            report(f"{name}: building")
            row = Row(name)
            rows.append(row)
            try:
                with quiet():
                    network = make(files, threads)
                    network.run(torch.zeros(1, SAMPLE_RATE))
            except Exception as error:  # one that cannot be built here must not end the others
                row.problem = str(error).strip().split("\n")[0] or type(error).__name__
                continue
            networks[name] = network
            row.megabytes = network.size / 1e6
            row.int8, row.parameters = network.int8, network.parameters
        sound = timed_sound(seconds, model.config)
        costs = processor_seconds({name: each.run for name, each in networks.items()}, sound)
        for row in rows:
            if row.name in networks:
                row.seconds = costs[row.name] / (sound.shape[1] / SAMPLE_RATE)
                if weights != RANDOM:
                    report(f"{row.name}: PESQ")
                    row.pesq = mean_pesq(networks[row.name].run, model.config)
        transforms = transforms_size(files.float32)
    linear = [m for m in model.modules() if isinstance(m, nn.Linear)]
    return {
        "machine": {"processor": processor_name(), "threads": threads},
        "weights": weights,
        "seconds": sound.shape[1] / SAMPLE_RATE,
        "repeats": REPEATS,
        "parameters": count_parameters(model),
        "parameters_of_linear": sum(count_parameters(m) for m in linear),
        "transforms_megabytes": transforms / 1e6,
        "noisy_pesq": None if weights == RANDOM else mean_pesq(lambda noisy: noisy, FRCRNConfig()),
        "rows": [asdict(row) for row in rows],
    }


def as_markdown(measured: dict) -> str:
    """The figures as a table, with what they were measured on above it."""
    count, linear = measured["parameters"], measured["parameters_of_linear"]
    header = (
        f"{measured['machine']['processor']}, {measured['machine']['threads']} thread(s); weights "
        f"{measured['weights']}: {count:,} parameters, of which nn.Linear holds {linear:,} "
        f"({100 * linear / count:.1f} %). Only the layers of attention run as nn.Linear: the "
        "memories' weights are used by convolutions, so torch's dynamic quantization can take the "
        f"former alone. {measured['seconds']:.1f} s of audio, median of {measured['repeats']} warm "
        f"calls. ONNX files hold {measured['transforms_megabytes']:.1f} MB of Fourier bases in "
        "float32, and each complex kernel twice, as a real one."
    )
    if measured["noisy_pesq"] is not None:
        header += f" PESQ-WB of the noisy pairs: {measured['noisy_pesq']:.3f}."
    lines = [
        "| | MB | parameters in int8 | s of a core per s of audio | of torch float32's | PESQ-WB |"
        " against float32 |",
        "|---|---|---|---|---|---|---|",
    ]
    baseline = next(row for row in measured["rows"] if row["name"] == BASELINE)
    for row in measured["rows"]:
        if row["problem"]:
            cells = [row["problem"], *["-"] * 5]
        else:
            cells = [f"{row['megabytes']:.2f}", f"{100 * row['int8'] / row['parameters']:.1f} %"]
            cells += [f"{row['seconds']:.4f}", f"{row['seconds'] / baseline['seconds']:.2f}"]
            if row["pesq"] is None:
                cells += ["-", "-"]
            else:
                difference = round(row["pesq"] - baseline["pesq"], 3) + 0  # no minus before 0.000
                cells += [f"{row['pesq']:.3f}", f"{difference:+.3f}"]
        lines.append(f"| {' | '.join([row['name'], *cells])} |")
    return "\n".join([header, "", *lines]) + "\n"


def report(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# Networks in torch


def fused(model: FRCRN, dtype: torch.dtype) -> Network:
    return torch_network(fuse(model, dtype), count_parameters(model))


def bfloat16(model: FRCRN) -> Network:
    if not computes_in_bfloat16():
        raise RuntimeError(NO_BFLOAT16)
    return fused(model, torch.bfloat16)


def training_form(model: FRCRN) -> Network:
    return torch_network(model, count_parameters(model))


def torch_dynamic(model: FRCRN) -> Network:
    """`quantize_dynamic` on the layers that run as nn.Linear, which are attention's.

    The memories' linear layers are nn.Linear too, but run as convolutions by their weights, which
    a quantized layer does not show.
    """
    from torch.ao.quantization import default_dynamic_qconfig, quantize_dynamic

    layers = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and ".se_layers_" in name
    }
    quantized = quantize_dynamic(model, dict.fromkeys(layers, default_dynamic_qconfig))
    weights = sum(layer.weight.numel() for layer in layers.values())  # biases stay in float32
    return torch_network(quantized, count_parameters(model), weights)


def torch_network(network: nn.Module, parameters: int, int8: int = 0) -> Network:
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    return Network(torch.inference_mode()(network), len(file.getvalue()), int8, parameters)


def count_parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


# Networks as ONNX files


class Files:
    """The network and the ONNX files made of it, each once."""

    def __init__(self, model: FRCRN, folder: Path):
        self.model = model
        self._folder = folder

    @cached_property
    def float32(self) -> Path:
        path = self._folder / "float32.onnx"
        path.write_bytes(onnx_bytes(self.model, {}))
        return path

    @cached_property
    def convolutions(self) -> Path:
        path = self._folder / "convolutions.onnx"
        onnx.save(with_convolutions(onnx.load(self.float32)), path)
        return path

    def dynamic(self, kind: str) -> Path:
        """Every Conv and MatMul, the transforms' too, with weights of a kind of `QuantType`."""
        path = self._folder / f"dynamic-{kind}.onnx"
        quantize_dynamic(self.float32, path, weight_type=QuantType[kind])
        return path

    def static(self, *, outputs: bool) -> Path:
        """Encoders' and decoders' convolutions in int8, calibrated, with or without their outputs.

        Memories, attention, transforms and mask stay in float, and so do the layers with the
        spectrum or the mask at one side. A convolution without a quantized output computes in int8
        in OpenVINO alone.

        Quantized memories were slower than float ones and cost 0.02 of PESQ, int8 activations in
        OpenVINO 0.1; percentiles and entropy instead of extremes changed PESQ by 0.002 at most.
        """
        path = self._folder / ("static.onnx" if outputs else "static-inputs.onnx")
        if path.exists():
            return path
        options = {} if outputs else {"OpTypesToExcludeOutputQuantization": ["Conv"]}
        quantize_static(
            self.convolutions,
            path,
            Clips(self.model.config),
            op_types_to_quantize=["Conv"],
            nodes_to_quantize=wide_convolutions(onnx.load(self.convolutions)),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options=options,
        )
        return path


class Clips(CalibrationDataReader):
    """A piece of each unlabelled clip, as the network takes it."""

    def __init__(self, config: FRCRNConfig):
        self._sounds = (prepared(sound[:, CALIBRATION], config)[0] for sound in unlabelled_clips())

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(({"noisy": sound.numpy()} for sound in self._sounds), None)


def with_convolutions(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The same function with decoders as convolutions, in place of transposed ones.

    Both runtimes compute transposed ones in float. One of stride 2 over frequency is a convolution
    with even and odd rows as channels of their own, laid one between the other afterwards.
    """
    graph = proto.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    heights = cycle(decoder_heights())
    nodes: list[onnx.NodeProto] = []
    rows: dict[str, tuple[int, int, int]] = {}  # of a new convolution's output: see `in_rows`
    for node in graph.node:
        if node.op_type == "ConvTranspose":
            weight, bias = (constants[name] for name in node.input[1:])
            height, full_height = next(heights)
            kernel = numpy_helper.to_array(weight)  # [C_in, C_out, kF, kT]
            channels, taps = kernel.shape[1], -(-kernel.shape[2] // STRIDE[0])
            weight.CopyFrom(numpy_helper.from_array(by_rows(kernel), weight.name))
            repeated = np.repeat(numpy_helper.to_array(bias), STRIDE[0])
            bias.CopyFrom(numpy_helper.from_array(repeated, bias.name))
            pads = [taps - 1, 0, taps - 1, 0]
            node = helper.make_node("Conv", node.input, node.output, node.name, pads=pads)
            rows[node.output[0]] = channels, height + taps - 1, full_height
            nodes.append(node)
        elif (
            node.input and node.input[0] in rows
        ):  # the activation, which runs before the rows are laid out
            output = node.output[0]
            node.output[0] = f"{output}_by_rows"
            nodes.append(node)
            more, shapes = in_rows(node.output[0], output, *rows[node.input[0]])
            nodes += more
            graph.initializer.extend(shapes)
        else:
            nodes.append(node)
    rewritten = helper.make_graph(nodes, graph.name, graph.input, graph.output, graph.initializer)
    graph.CopyFrom(rewritten)
    onnx.checker.check_model(proto)
    return proto


def decoder_heights() -> list[tuple[int, int]]:
    """Frequencies that go into each decoder and come out of it."""
    heights = [1]
    for taps, _ in DECODER_KERNELS:
        heights.append(STRIDE[0] * (heights[-1] - 1) + taps)
    return list(pairwise(heights))


def by_rows(kernel: np.ndarray) -> np.ndarray:
    """Transposed kernel [C_in, C_out, kF, kT] as one for a convolution, [2 C_out, C_in, kF', kT].

    Output channels are (channel, parity); of an odd kF the odd rows have a tap less, here zero.
    """
    c_in, c_out, taps, frames = kernel.shape
    kernel = np.pad(kernel, ((0, 0), (0, 0), (0, taps % 2), (0, 0)))
    kernel = kernel.reshape(c_in, c_out, -1, 2, frames).transpose(1, 3, 0, 2, 4)
    # A transposed convolution meets its taps in the reverse order.
    return np.ascontiguousarray(kernel.reshape(2 * c_out, c_in, -1, frames)[:, :, ::-1, ::-1])


def in_rows(
    source: str, target: str, channels: int, height: int, full_height: int
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Nodes from [B, (C, 2), F, T] to [B, C, 2 F, T] without the rows past `full_height`.

    Returns them and their constants.
    """
    values = {
        "apart": [0, channels, 2, height, -1],
        "together": [0, channels, 2 * height, -1],
        "start": [0],
        "stop": [full_height],
        "axis": [2],
    }
    name = {key: f"{target}_{key}" for key in (*values, "split", "swapped", "joined")}
    constants = [
        numpy_helper.from_array(np.array(value), name[key]) for key, value in values.items()
    ]
    nodes = [
        helper.make_node("Reshape", [source, name["apart"]], [name["split"]]),
        helper.make_node("Transpose", [name["split"]], [name["swapped"]], perm=[0, 1, 3, 2, 4]),
        helper.make_node("Reshape", [name["swapped"], name["together"]], [name["joined"]]),
        helper.make_node(
            "Slice", [name["joined"], name["start"], name["stop"], name["axis"]], [target]
        ),
    ]
    return nodes, constants


def wide_convolutions(proto: onnx.ModelProto) -> list[str]:
    """Convolutions of encoders and decoders but those with the spectrum or the mask at one side.

    Unlike those of the memories they have kernels of more than one number.
    """
    shapes = {tensor.name: tensor.dims for tensor in proto.graph.initializer}
    names = []
    for node in proto.graph.node:
        grouped = any(a.name == "group" and a.i > 1 for a in node.attribute)
        shape = shapes.get(node.input[1], []) if node.op_type == "Conv" and not grouped else []
        if shape and min(shape[:2]) >= MIN_CHANNELS and max(shape[2:]) > 1:
            names.append(node.name)
    return names


def is_transform(weight: onnx.TensorProto) -> bool:
    """Whether a constant is a basis of the Fourier transforms."""
    return sorted(weight.dims) == [WINDOW, WINDOW + 2]


def in_onnxruntime(source: Path, path: Path, threads: int) -> Network:
    """A file made of another, `source`, in ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(noisy: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {"noisy": noisy.numpy()})[0])

    return Network(run, path.stat().st_size, *quantized_parameters(source, path))


def in_openvino(source: Path, path: Path, threads: int) -> Network:
    """A file made of another, `source`, in OpenVINO; what is not int8 is bfloat16 where it can."""
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if computes_in_bfloat16() else "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
    }
    core = openvino.Core()
    request = core.compile_model(core.read_model(path), "CPU", settings).create_infer_request()

    def run(noisy: Tensor) -> Tensor:
        return torch.from_numpy(request.infer({"noisy": noisy.numpy()})[0].copy())

    return Network(run, path.stat().st_size, *quantized_parameters(source, path))


def quantized_parameters(source: Path, path: Path) -> tuple[int, int]:
    """Parameters that a file holds in int8 of those of its source, and the source's."""
    small = (onnx.TensorProto.INT8, onnx.TensorProto.UINT8)
    tensors = onnx.load(path).graph.initializer
    int8 = {tensor.name for tensor in tensors if tensor.data_type in small}
    sizes = {
        tensor.name: int(np.prod(tensor.dims))
        for tensor in onnx.load(source).graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT and not is_transform(tensor)
    }
    quantized = sum(size for name, size in sizes.items() if f"{name}_quantized" in int8)
    return quantized, sum(sizes.values())


def transforms_size(path: Path) -> int:
    """Bytes of the Fourier transforms' bases in a file."""
    return sum(len(t.raw_data) for t in onnx.load(path).graph.initializer if is_transform(t))


# The networks that the table compares


def openvino_bfloat16(files: Files, threads: int) -> Network:
    if not computes_in_bfloat16():
        raise RuntimeError(NO_BFLOAT16)
    return in_openvino(files.float32, files.float32, threads)


Make = Callable[[Files, int], Network]  # of the files and a number of threads

NETWORKS: dict[str, Make] = {
    BASELINE: lambda files, _: fused(files.model, torch.float32),
    "torch bfloat16": lambda files, _: bfloat16(files.model),
    "torch float32, training form": lambda files, _: training_form(files.model),
    "torch dynamic int8, training form": lambda files, _: torch_dynamic(files.model),
    "ONNX Runtime float32": lambda files, n: in_onnxruntime(files.float32, files.float32, n),
    "ONNX Runtime dynamic int8": lambda files, n: in_onnxruntime(
        files.float32, files.dynamic("QInt8"), n
    ),
    "ONNX Runtime dynamic int8, weights uint8": lambda files, n: in_onnxruntime(
        files.float32, files.dynamic("QUInt8"), n
    ),
    "ONNX Runtime static int8": lambda files, n: in_onnxruntime(
        files.convolutions, files.static(outputs=True), n
    ),
    "OpenVINO bfloat16": openvino_bfloat16,
    "OpenVINO static int8": lambda files, n: in_openvino(
        files.convolutions, files.static(outputs=True), n
    ),
    "OpenVINO static int8, outputs bfloat16": lambda files, n: in_openvino(
        files.convolutions, files.static(outputs=False), n
    ),
}


# Audio, time and score


def unlabelled_clips() -> list[Tensor]:
    return [samples(path) for path in sorted((EXAMPLES / "noisy").iterdir())]


def samples(path: Path) -> Tensor:
    """A file's first channel, [1, samples] at 16 kHz."""
    audio = load_audio(path)
    return torch.from_numpy(resample(audio.samples[:1], audio.sample_rate, SAMPLE_RATE))


def timed_sound(seconds: float, config: FRCRNConfig) -> Tensor:
    """An unlabelled clip, again and again where it is too short, as the network takes it."""
    clip = samples(EXAMPLES / "noisy" / TIMED_CLIP)
    length = round(seconds * SAMPLE_RATE)
    return prepared(clip.repeat(1, -(-length // clip.shape[1]))[:, :length], config)[0]


def processor_seconds(networks: dict[str, Run], sound: Tensor) -> dict[str, float]:
    """Median processor time of a warm call of each; they take turns."""
    times: dict[str, list[float]] = {name: [] for name in networks}
    for turn in range(1 + REPEATS):
        report(f"calls, round {turn + 1} of {1 + REPEATS}")
        for name, run in networks.items():
            began = time.process_time()
            run(sound)
            times[name].append(time.process_time() - began)
    return {name: statistics.median(each[1:]) for name, each in times.items()}


def mean_pesq(run: Run, config: FRCRNConfig) -> float:
    """Mean PESQ-WB over the labelled pairs, with level and ends as the Denoiser has them."""
    scores = []
    for path in sorted((EXAMPLES / "pairs" / "clean").iterdir()):
        noisy, gain = prepared(samples(EXAMPLES / "pairs" / "noisy" / path.name), config)
        enhanced = run(noisy) / gain
        ramp = (torch.arange(EDGE) / EDGE) ** 2
        enhanced[:, :EDGE] *= ramp
        enhanced[:, -EDGE:] *= ramp.flip(0)
        scores.append(pesq_score(samples(path)[0].numpy(), enhanced[0].numpy()))
    return statistics.mean(scores)


if __name__ == "__main__":
    main()
