"""The names that layers have in published and trained checkpoints, brought to one form.

That form is the reference's names with every tensor once, as `FRCRN.state_dict()` has them. Each
tensor of a file is used, or is a known duplicate, constant or unused layer of the reference, or it
is an error.
"""

import json
import re
from pathlib import Path

import torch
from torch import Tensor

from frcrn_app.errors import CheckpointError
from frcrn_app.model import FRCRNConfig
from frcrn_app.model.context import DILATIONS
from frcrn_app.model.unet import UNUSED_LAYERS
from frcrn_app.weights.reading import shortened

COUNTER = ".num_batches_tracked"  # of batch norm; plays no part with a fixed momentum

# Wrappers that a training framework puts around the network.
_PREFIXES = re.compile(r"^(?:(?:module|model|_orig_mod)\.)+")
# The reference registers each layer in a list and as a numbered attribute of its own.
_ATTRIBUTE = re.compile(
    r"^(unet2?)\.(encoder|decoder|fsmn_enc|fsmn_dec|se_layer_enc|se_layer_dec)(\d+)\."
)
_LISTS = {
    "encoder": "encoders",
    "decoder": "decoders",
    "se_layer_enc": "se_layers_enc",
    "se_layer_dec": "se_layers_dec",
}
_UNUSED = tuple(f"{unet}.{layer}" for unet in ("unet", "unet2") for layer in UNUSED_LAYERS)
_AVERAGED = "n_averaged"  # of torch's AveragedModel
_FIRST_KERNEL = "unet.encoders.0.conv.conv_re.weight"
_FIRST_REAL_KERNEL = "unet.encoders.0.conv.kernel.weight"  # of real convolutions, both parts in one
_FIRST_CONTEXT = f"unet.context_enc.{min(DILATIONS)}.expand.weight"
_TRANSFORMS = ("stft.", "istft.")


def network_tensors(stored: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """The tensors that belong to a network, by its own names; duplicates and constants checked.

    Raises:
        CheckpointError: an entry is no tensor, two copies of one layer differ, or the file was
            made for another short-time Fourier transform.
    """
    tensors = _canonical(stored, path)
    _check_transforms(tensors, path)
    return {
        name: tensor
        for name, tensor in tensors.items()
        if not name.endswith(COUNTER) and not name.startswith((*_UNUSED, *_TRANSFORMS))
    }


def configuration(tensors: dict[str, Tensor], metadata: dict[str, str], path: Path) -> FRCRNConfig:
    """What the metadata says and the tensors' shapes agree with; without metadata, the shapes.

    Raises:
        CheckpointError: no such network, or the two contradict each other.
    """
    real = _FIRST_REAL_KERNEL in tensors
    kernel = tensors.get(_FIRST_REAL_KERNEL if real else _FIRST_KERNEL)
    if kernel is None or kernel.ndim != 4:
        raise CheckpointError(
            "weights.not_frcrn", path=path, name=_FIRST_KERNEL, found=shortened(tensors)
        )
    expansion = tensors.get(_FIRST_CONTEXT)
    sizes = {
        "channels": kernel.shape[0] // (2 if real else 1),
        "unets": 2 if any(name.startswith("unet2.") for name in tensors) else 1,
        "inputs": kernel.shape[1] // (2 if real else 1),
        "real": real,
        "context": 0 if expansion is None else len(expansion),
    }
    try:
        shaped = FRCRNConfig.from_dict(sizes)
    except ValueError as error:
        raise CheckpointError("weights.architecture", path=path, **sizes) from error
    written = stored_configuration(metadata, path)
    if written is None:
        return shaped
    if any(getattr(written, name) != size for name, size in sizes.items()):
        raise CheckpointError(
            "weights.contradiction", path=path, written=str(written), shaped=str(shaped)
        )
    return written


def stored_configuration(metadata: dict[str, str], path: Path) -> FRCRNConfig | None:
    """The configuration in a file's metadata, where it has one.

    Raises:
        CheckpointError: it is of a network that this project does not have.
    """
    if "config" not in metadata:
        return None
    try:
        return FRCRNConfig.from_dict(json.loads(metadata["config"]))
    except (ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(
            "weights.configuration", path=path, config=metadata["config"][:200]
        ) from error


def check_fit(
    tensors: dict[str, Tensor], expected: dict[str, Tensor], config: FRCRNConfig, path: Path
) -> None:
    """Exactly the expected names and shapes, of finite floating-point numbers.

    Raises:
        CheckpointError: names what is missing, unknown, of another shape, or not finite.
    """
    missing = [name for name in expected if name not in tensors]
    unknown = [name for name in tensors if name not in expected]
    misshaped = [
        f"{name} {list(tensors[name].shape)} ≠ {list(expected[name].shape)}"
        for name in expected
        if name in tensors and tensors[name].shape != expected[name].shape
    ]
    if missing or unknown or misshaped:
        raise CheckpointError(
            "weights.misfit",
            path=path,
            channels=config.channels,
            unets=config.unets,
            missing=_counted(missing),
            unknown=_counted(unknown),
            misshaped=_counted(misshaped),
        )
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            raise CheckpointError(
                "weights.quantised", path=path, name=name, dtype=str(tensor.dtype)
            )
        if not tensor.isfinite().all():
            raise CheckpointError("weights.not_finite", path=path, name=name)


def _counted(names: list[str]) -> str:
    return f"{len(names)} ({shortened(names)})" if names else "0"


def _canonical(stored: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Tensors by the names of `FRCRN.state_dict()`; duplicates must be equal."""
    tensors: dict[str, Tensor] = {}
    first_names: dict[str, str] = {}
    for name, tensor in stored.items():
        if not isinstance(name, str):
            raise CheckpointError("weights.no_name", path=path, name=repr(name))
        if name in (_AVERAGED, "_metadata"):
            continue
        if not isinstance(tensor, Tensor):
            raise CheckpointError(
                "weights.no_tensor", path=path, name=name, type=type(tensor).__name__
            )
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta:
            raise CheckpointError("weights.odd_tensor", path=path, name=name)
        canonical = _canonical_name(name)
        if canonical not in tensors:
            tensors[canonical] = tensor
            first_names[canonical] = name
        elif not _same(tensors[canonical], tensor):
            raise CheckpointError(
                "weights.unequal", path=path, first=first_names[canonical], second=name
            )
    return tensors


def _canonical_name(name: str) -> str:
    def listed(match: re.Match) -> str:
        unet, kind, index = match.groups()
        return f"{unet}.{_LISTS.get(kind, kind)}.{index}."

    return _ATTRIBUTE.sub(listed, _PREFIXES.sub("", name))


def _same(a: Tensor, b: Tensor) -> bool:
    # Bit for bit, so that equal NaN count as equal here and are named as NaN later.
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(_bits(a), _bits(b))


def _bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().flatten().view(torch.uint8)


def _check_transforms(tensors: dict[str, Tensor], path: Path) -> None:
    """The transforms' kernels are constants; others mean a network for other frames."""
    if not any(name.startswith(_TRANSFORMS) for name in tensors):
        return
    for name, constant in _transform_constants().items():
        tensor = tensors.get(name)
        if tensor is None:
            continue
        if tensor.shape != constant.shape or not torch.allclose(
            tensor.float(), constant, rtol=0, atol=2e-3 * float(constant.abs().max())
        ):
            raise CheckpointError("weights.transform", path=path, name=name)


def _transform_constants() -> dict[str, Tensor]:
    """The reference's transform weights, which it stores with its checkpoints."""
    config = FRCRNConfig()
    n = config.win_length
    window = torch.hann_window(n, dtype=torch.float64).sqrt()
    spectrum = torch.fft.rfft(torch.eye(n, dtype=torch.float64))  # [n, n // 2 + 1]
    analysis = torch.cat((spectrum.real, spectrum.imag), 1).T  # [n + 2, n]
    # The pseudo-inverse of the analysis is the inverse transform: each bin but 0 Hz and Nyquist
    # stands for two.
    share = torch.full((n // 2 + 1, 1), 2 / n, dtype=torch.float64)
    share[[0, -1]] = 1 / n
    synthesis = analysis * share.repeat(2, 1)
    synthesis[[n // 2 + 1, -1]] = 0  # the imaginary parts of 0 Hz and Nyquist are rounding errors
    return {
        "stft.weight": (analysis * window)[:, None, :].float(),
        "istft.weight": (synthesis * window)[:, None, :].float(),
        "istft.window": window[None, :, None].float(),
        "istft.enframe": torch.eye(n)[:, None, :],
    }
