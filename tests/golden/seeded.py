"""Weights and waveforms that follow from a seed, equal on every machine and torch version."""

import numpy as np
import torch
from torch import Tensor

LENGTHS = (1_000, 8_000, 12_345)  # samples; none but 8,000 is a multiple of the hop


def seeded_state(model: torch.nn.Module, seed: int = 0) -> dict[str, Tensor]:
    """A state dict for `model`: fan-in scaled normal weights, batch norms with a life of their own.

    The masks come out between 0.1 and 1, so that a fault anywhere in the network is heard.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    state = {}
    for name, tensor in model.state_dict().items():
        shape = tuple(tensor.shape)
        values = rng.standard_normal(shape)
        if name.endswith("running_var"):
            values = 0.5 + rng.random(shape)
        elif name.endswith("running_mean") or (tensor.ndim == 1 and name.endswith("bias")):
            values = 0.1 * values
        elif tensor.ndim == 1:  # scales of batch norm
            values = 1 + 0.1 * values
        else:
            fan_in = int(np.prod(shape[1:])) if ".tconv_" not in name else shape[0] * shape[3] * 2
            values = values / np.sqrt(2 * fan_in)
        state[name] = torch.from_numpy(np.asarray(values, np.float32))
    return state


def seeded_network(channels: int, unets: int, inputs: int = 1, **further):
    """A network of this project with a `seeded_state`, in evaluation mode."""
    from frcrn_app.model import FRCRN, FRCRNConfig

    model = FRCRN(FRCRNConfig(channels, unets, inputs, **further)).eval().requires_grad_(False)
    model.load_state_dict(seeded_state(model))
    return model


def waveform(length: int, seed: int = 1) -> Tensor:
    """Noise with a slow envelope at about -25 dBFS, [1, length]."""
    rng = np.random.Generator(np.random.Philox(seed))
    samples = rng.standard_normal(length) * (0.2 + np.abs(np.sin(np.arange(length) / 1500)))
    return torch.from_numpy((0.07 * samples).astype(np.float32))[None]


def training_form(model, device: str):
    """The network as it trains, for the benchmark to compare with."""
    return torch.inference_mode()(model.to(device).eval())
