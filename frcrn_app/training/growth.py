"""A larger network that starts where a smaller one ended."""

from collections.abc import Iterable

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
    of duplicates. Further inputs start with weights of zero, blocks over time with an output of
    zero. A causal network takes over the same tensors, but is another function at first.

    Raises:
        CheckpointError: `large` has fewer channels, U-Nets or inputs than `small`.
    """
    old, new = small.config, large.config
    sizes = ("channels", "unets", "inputs", "context")
    if any(getattr(new, size) < getattr(old, size) for size in sizes):
        raise CheckpointError(
            "training.cannot_shrink", small=_size(old, sizes), large=_size(new, sizes)
        )
    source = small.state_dict()
    for name, tensor in large.state_dict().items():
        if name in source:
            _embed(name, source[name], tensor, old.channels, new.channels)
    if new.unets > old.unets:
        for parameter in large.unet2.linear.parameters():
            parameter.zero_()
    return large


def _size(config: FRCRNConfig, names: Iterable[str]) -> str:
    return ", ".join(f"{name} {getattr(config, name)}" for name in names)


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
    elif ".context_" in name and not _is_inside(name):
        # Real parts, then imaginary parts, as outputs of a block or as its inputs.
        axis = 1 if ".expand." in name else 0
        for mine, theirs in zip(new.chunk(2, axis), old.chunk(2, axis), strict=True):
            _embed_corner(theirs, mine)
    else:
        _embed_corner(old, new)


def _is_inside(name: str) -> bool:
    """Whether a tensor of a block over time has its inner channels alone, which are real."""
    return ".depthwise." in name or name.endswith(".expand.bias")


def _embed_corner(old: Tensor, new: Tensor) -> None:
    """Old outputs as they were, [out], or from the old inputs alone, [out, in, ...]."""
    if old.ndim > 1:
        new[: old.shape[0], old.shape[1] :] = 0
        new[: old.shape[0], : old.shape[1]] = old
    else:
        new[: len(old)] = old
