"""A file of any known form becomes a network; a network becomes a file."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from safetensors.torch import save_file

from frcrn_app.errors import CheckpointError
from frcrn_app.files import atomic_path, sha256_of
from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.weights.layouts import COUNTER, check_fit, configuration, network_tensors
from frcrn_app.weights.listing import WeightsEntry, find_weights
from frcrn_app.weights.official import OFFICIAL
from frcrn_app.weights.reading import read_checkpoint


@dataclass(frozen=True, eq=False)
class LoadedWeights:
    """A network ready for inference (float32, on the CPU) and where it came from."""

    model: FRCRN
    entry: WeightsEntry
    config: FRCRNConfig
    sha256: str  # of the file
    checksum_known: bool  # whether the file had a known sha256 to agree with


def load_weights(weights: str | os.PathLike = "auto") -> LoadedWeights:
    """The network with the weights of a name, a file or a folder that holds one checkpoint.

    Args:
        weights: "auto" (official weights where they are present, else the embedded ones), a name
            from `list_weights`, or a path.

    Raises:
        CheckpointError: nothing there, or the file is damaged, unsafe, or of another architecture.
    """
    entry = find_weights(weights)
    if not entry.present:
        raise _absent(entry)
    try:
        digest = sha256_of(entry.path)
        if entry.sha256 is not None and digest != entry.sha256:
            raise _other_bytes(entry, digest)
        tensors, metadata = read_checkpoint(entry.path)
    except OSError as error:
        raise CheckpointError("weights.unreadable", path=entry.path, reason=error) from error
    tensors = network_tensors(tensors, entry.path)
    config = configuration(tensors, metadata, entry.path)
    model = FRCRN(config)
    check_fit(tensors, model.state_dict(), config, entry.path)
    model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    model = model.eval().requires_grad_(False)
    checksum_known = entry.sha256 is not None
    entry = replace(entry, sha256=digest, config=config)
    for official in OFFICIAL.values():
        if digest == official.sha256:  # wherever the file lies
            entry = replace(
                entry, title=official.title, licence=official.licence, source=official.page
            )
    return LoadedWeights(model, entry, config, digest, checksum_known)


def save_weights(
    path: str | os.PathLike,
    model: FRCRN,
    *,
    half: bool = True,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a network's weights as safetensors, with its configuration in the metadata.

    Args:
        path: where; an existing file is replaced at once when the new one is complete.
        model: the network in its training form.
        half: store float16, except batch norm's running statistics and whatever would overflow:
            a variance of 29,000 is usual, and half precision ends at 65,504.
        metadata: further texts, such as title, licence and source.
    """
    tensors = {}
    for name, tensor in model.state_dict().items():
        if name.endswith(COUNTER):
            continue
        tensor = tensor.detach().cpu().float()
        if half and ".running_" not in name and tensor.half().isfinite().all():
            tensor = tensor.half()
        tensors[name] = tensor.contiguous()
    texts = {**(metadata or {}), "config": json.dumps(model.config.to_dict())}
    with atomic_path(path) as draft:
        save_file(tensors, draft, metadata=texts)
    return Path(path)


def _absent(entry: WeightsEntry) -> CheckpointError:
    if not entry.fetchable:
        return CheckpointError("weights.absent", name=entry.name, path=entry.path)
    return CheckpointError(
        "weights.not_fetched",
        name=entry.name,
        path=entry.path,
        page=entry.source,
        sha256=entry.sha256,
    )


def _other_bytes(entry: WeightsEntry, digest: str) -> CheckpointError:
    code = "weights.other_official" if entry.fetchable else "weights.other_embedded"
    return CheckpointError(code, path=entry.path, name=entry.name, found=digest, known=entry.sha256)
