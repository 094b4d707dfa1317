"""A larger network that starts where a smaller one ended."""

import torch
from torch import Tensor

from frcrn_app.errors import CheckpointError
from frcrn_app.model import FRCRN, FRCRNConfig


@torch.no_grad()
def grow(small: FRCRN, large: FRCRN) -> FRCRN:
    """Copies `small` into `large` so that both compute the same function; returns `large`.

    New channels start with `large`'s own random weights and feed nothing into the old ones, a
    new second U-Net starts with an output of zero: training sets out from the old quality and
    finds the new capacity by gradient. Chen et al., "Net2Net", ICLR 2016, with zeros in place
    of duplicates. Further inputs are at first not listened to.

    Raises:
        CheckpointError: `large` has fewer channels, U-Nets or inputs than `small`.
    """
    old, new = small.config, large.config
    sizes = ("channels", "unets", "inputs", "context")
    if any(getattr(new, size) < getattr(old, size) for size in sizes):
        raise CheckpointError(
            f"Weights with {_size(old)} cannot start a smaller network ({_size(new)}): ask for at "
            "least their size."
        )
    source = small.state_dict()
    for name, tensor in large.state_dict().items():
        if name in source:
            _embed(name, source[name], tensor, old.channels, new.channels)
    if new.unets > old.unets:
        for parameter in large.unet2.linear.parameters():
            parameter.zero_()
    return large


def _size(config: FRCRNConfig) -> str:
    return (
        f"{config.channels} channels, {config.unets} U-Nets, {config.inputs} inputs, "
        f"context {config.context}"
    )


def _embed(name: str, old: Tensor, new: Tensor, old_channels: int, new_channels: int) -> None:
    """Writes one old tensor into its place in the new one."""
    if old.shape == new.shape:
        new.copy_(old)
    elif "transconv" in name and old.ndim == 4:  # [in, out, kF, kT]
        # The inputs of a decoder are the upsampled part, then the skip: each has its own place.
        for part in range(old.shape[0] // old_channels):
            rows = new[part * new_channels : (part + 1) * new_channels]
            rows[old_channels:, : old.shape[1]] = 0
            rows[:old_channels, : old.shape[1]] = old[
                part * old_channels : (part + 1) * old_channels
            ]
    elif old.ndim == 1:
        new[: len(old)] = old
    else:  # [out, in, ...]
        new[: old.shape[0], old.shape[1] :] = 0
        new[: old.shape[0], : old.shape[1]] = old
