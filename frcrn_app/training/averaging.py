"""The mean of several weights files, such as those along the path of a run.

Izmailov et al., "Averaging weights leads to wider optima and better generalization", UAI 2018.
"""

import copy
from collections.abc import Sequence
from pathlib import Path

import torch

from frcrn_app.errors import CheckpointError
from frcrn_app.training.growth import with_real_convolutions
from frcrn_app.weights import LoadedWeights, load_weights, save_weights


def average_weights(weights: Sequence[str | Path], out: str | Path, *, half: bool = True) -> Path:
    """Writes the mean of weights of one architecture, statistics of normalisation included.

    Among networks of real convolutions, complex ones count as the real ones that they are.

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
    models = [one.model for one in loaded]
    if any(model.config.real for model in models):
        models = [with_real_convolutions(model) for model in models]
    for one, model in zip(loaded, models, strict=True):
        if model.config != models[0].config:
            raise CheckpointError(
                "training.average_of_different", first=loaded[0].entry.path, other=one.entry.path
            )
    mean = copy.deepcopy(models[0])
    states = [model.state_dict() for model in models]
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
