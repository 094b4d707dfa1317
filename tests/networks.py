"""Small networks as training leaves them."""

import math
from pathlib import Path

import torch

from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.weights import save_weights
from golden.seeded import seeded_network

SMALL = FRCRNConfig(channels=8, unets=2)


def with_statistics(model: FRCRN) -> FRCRN:
    """Running statistics as training leaves them, not the ones and zeros of a new network."""
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.3)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2)
    return model


def other_weights(model: FRCRN) -> dict:
    return {name: tensor + 1 for name, tensor in model.state_dict().items()}


def save_halving(path: Path) -> str:
    """A causal network whose mask is one half everywhere: what it should put out is known."""
    model = seeded_network(8, 1, causal=True, lookahead=1)
    with torch.no_grad():
        for parameter in model.unet.linear.parameters():
            parameter.zero_()
        real, imaginary = (part.bias for part in model.unet.linear.children())
        real.fill_(math.atanh(0.5) / 2)
        imaginary.fill_(-math.atanh(0.5) / 2)
    return str(save_weights(path, model, half=False))
