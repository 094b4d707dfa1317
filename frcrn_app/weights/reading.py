"""Checkpoint files to tensors by name, without running any code that a file may hold."""

import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy._core.multiarray import scalar
from safetensors import SafetensorError, safe_open
from torch import Tensor

from frcrn_app.errors import CheckpointError


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by name as the file has them, and its metadata.

    Raises:
        CheckpointError: the file is damaged, holds code, or holds no tensors.
        OSError: it cannot be read at all.
    """
    if is_safetensors(path):
        metadata = safetensors_metadata(path)
        try:
            with safe_open(path, framework="pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise _damaged(path, error) from error
    content = _unpickled(path)
    return _state_dict(content, path), _pickled_metadata(content)


def is_safetensors(path: Path) -> bool:
    """By name or by content: the length of a JSON header, then the header."""
    if path.suffix == ".safetensors":
        return True
    with open(path, "rb") as file:
        return file.read(9)[8:] == b"{"


def safetensors_metadata(path: Path) -> dict[str, str]:
    """The texts that a safetensors file carries.

    Raises:
        CheckpointError: the file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error


def shortened(names: Iterable[object], limit: int = 4) -> str:
    """The first few names of a list, for a sentence."""
    names = [str(name)[:120] for name in names]
    return ", ".join(names[:limit]) + (", …" if len(names) > limit else "")


def _unpickled(path: Path) -> object:
    if path.stat().st_size == 0:
        raise CheckpointError("weights.empty_file", path=path)
    if zipfile.is_zipfile(path):
        _check_archive(path)
    # Counters and losses beside the weights are often numpy scalars; these build plain numbers.
    numpy_scalars = [
        np.dtype,
        np.dtypes.Float64DType,
        np.dtypes.Float32DType,
        np.dtypes.Int64DType,
        np.dtypes.BoolDType,
        (scalar, "numpy.core.multiarray.scalar"),
        (scalar, "numpy._core.multiarray.scalar"),
    ]
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(numpy_scalars):
            warnings.simplefilter("ignore")  # of old storage classes; nothing a user can act on
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        program = re.search(r"GLOBAL ([\w.]+)|reduce for unrecognized function (\S+)", str(error))
        if program:
            raise CheckpointError(
                "weights.holds_code", path=path, found=program[1] or program[2]
            ) from error
        raise _damaged(path, "torch.load") from error
    except Exception as error:  # torch raises many types for a broken file
        raise _damaged(path, "torch.load") from error


def _check_archive(path: Path) -> None:
    """Refuse a zip that torch.save did not write, and one whose checksums are wrong."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if any(Path(member.filename).name == "constants.pkl" for member in members):
                raise CheckpointError("weights.torchscript", path=path)
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise CheckpointError("weights.compressed", path=path)
            broken = archive.testzip()
    except (zipfile.BadZipFile, OSError, NotImplementedError, EOFError) as error:
        raise _damaged(path, error) from error
    if broken is not None:
        raise _damaged(path, f"CRC-32: {broken}")


def _damaged(path: Path, reason: object) -> CheckpointError:
    if not isinstance(reason, OSError):
        reason = str(reason).split("\n")[0].rstrip(".") or type(reason).__name__
    return CheckpointError("weights.damaged", path=path, reason=reason)


def _state_dict(content: object, path: Path) -> dict[str, Tensor]:
    """The tensors in what a torch file held.

    Forms: a bare state dict; {"state_dict"} (ModelScope); {"model"} (ClearVoice); the training
    checkpoints of this project, {"model", "ema"}, whose averaged weights are the better ones.
    """
    if isinstance(content, Mapping):
        for key in ("ema", "state_dict", "model"):
            if isinstance(content.get(key), Mapping) and content[key]:
                content = content[key]
                break
    if not isinstance(content, Mapping) or not content:
        found = "{}" if isinstance(content, Mapping) else type(content).__name__
        raise CheckpointError("weights.no_state_dict", path=path, found=found)
    return dict(content)


def _pickled_metadata(content: object) -> dict[str, str]:
    config = content.get("config") if isinstance(content, Mapping) else None
    if isinstance(config, Mapping) and {"channels", "unets"} <= set(config):
        numbers = {key: value for key, value in config.items() if isinstance(value, int)}
        return {"config": json.dumps(numbers)}
    return {}
