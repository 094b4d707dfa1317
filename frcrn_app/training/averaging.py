"""The mean of several weights files, such as those along the path of a run.

Izmailov et al., "Averaging weights leads to wider optima and better generalization", UAI 2018.
"""

import copy
from collections.abc import Sequence
from pathlib import Path

import torch

from frcrn_app.errors import CheckpointError
from frcrn_app.weights import LoadedWeights, load_weights, save_weights


def average_weights(weights: Sequence[str | Path], out: str | Path, *, half: bool = True) -> Path:
    """Writes the mean of weights of one architecture, statistics of normalisation included.

    Args:
        weights: names or paths, two or more.
        out: the safetensors file to write.
        half: store float16, as `save_weights` does.

    Raises:
        CheckpointError: fewer than two, of different architectures, or files that cannot be used.
    """
    if len(weights) < 2:
        raise CheckpointError("training.average_of_one")
    loaded = [load_weights(name) for name in weights]
    first = loaded[0]
    for other in loaded[1:]:
        if other.config != first.config:
            raise CheckpointError(
                "training.average_of_different", first=first.entry.path, other=other.entry.path
            )
    mean = copy.deepcopy(first.model)
    states = [one.model.state_dict() for one in loaded]
    with torch.no_grad():
        for name, tensor in mean.state_dict().items():
            if tensor.is_floating_point():
                values = torch.stack([state[name].double() for state in states])
                tensor.copy_(values.mean(0))
    return save_weights(out, mean, half=half, metadata=_facts(loaded))


def _facts(loaded: Sequence[LoadedWeights]) -> dict[str, str]:
    facts = {
        "title": f"mean of {len(loaded)} weights",
        "average_of": ", ".join(one.entry.name for one in loaded),
        "average_of_sha256": ", ".join(one.sha256 for one in loaded),
    }
    licences = {one.entry.licence for one in loaded}
    if len(licences) == 1 and (licence := licences.pop()):
        facts["licence"] = licence
    return facts
