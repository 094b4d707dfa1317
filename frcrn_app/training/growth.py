"""A larger network that starts where a smaller one ended."""

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor

from frcrn_app.errors import CheckpointError
from frcrn_app.model import (
    FRCRN,
    BlockConvolution,
    FRCRNConfig,
    RealConv2d,
    RealConvTranspose2d,
)


@torch.no_grad()
def grow(small: FRCRN, large: FRCRN) -> FRCRN:
    """Copies `small` into `large` so that both compute the same function; returns `large`.

    New channels start with `large`'s own random weights and feed nothing into the old ones, a
    new second U-Net starts with an output of zero: training sets out from the old quality and
    finds the new capacity by gradient. Chen et al., "Net2Net", ICLR 2016, with zeros in place
    of duplicates. Further inputs start with weights of zero, blocks over time with an output of
    zero, and real convolutions as what the complex ones are. A causal network takes over the same
    tensors, but is another function at first.

    Raises:
        CheckpointError: `large` has fewer channels, U-Nets or inputs than `small`, or complex
            convolutions where `small` has real ones.
    """
    old, new = small.config, large.config
    sizes = ("channels", "unets", "inputs", "real", "context")
    if any(getattr(new, size) < getattr(old, size) for size in sizes):
        raise CheckpointError(
            "training.cannot_shrink", small=_size(old, sizes), large=_size(new, sizes)
        )
    if new.real and not old.real:
        small = with_real_convolutions(grow(small, FRCRN(replace(new, real=False))))
        old = new
    source = small.state_dict()
    for name, tensor in large.state_dict().items():
        if name in source:
            _embed(name, source[name], tensor, old.channels)
    if new.unets > old.unets:
        for parameter in large.unet2.linear.parameters():
            parameter.zero_()
    return large


@torch.no_grad()
def with_real_convolutions(network: FRCRN) -> FRCRN:
    """The same function by real convolutions, or the network itself where it has such."""
    if network.config.real:
        return network
    real = FRCRN(replace(network.config, real=True))
    real.load_state_dict(network.state_dict(), strict=False)
    real.train(network.training)
    for name, module in real.named_modules():
        if isinstance(module, RealConv2d | RealConvTranspose2d):
            source = network.get_submodule(name)
            assert isinstance(source, BlockConvolution)
            weight, bias = source.real_parameters()
            module.kernel.weight.copy_(weight)
            module.kernel.bias.copy_(bias)
    return real


def _size(config: FRCRNConfig, names: Iterable[str]) -> str:
    return ", ".join(f"{name} {int(getattr(config, name))}" for name in names)


def _embed(name: str, old: Tensor, new: Tensor, channels: int) -> None:
    """Writes one old tensor, of a network of so many `channels`, into its place in the new one."""
    if old.shape == new.shape:
        new.copy_(old)
        return
    if "transconv" in name and old.ndim == 4:  # [in, out, kF, kT]
        old, new = old.transpose(0, 1), new.transpose(0, 1)
    outputs, inputs = _parts(name, old, channels)
    for mine, theirs in zip(new.chunk(outputs), old.chunk(outputs), strict=True):
        if old.ndim == 1:
            mine[: len(theirs)] = theirs
            continue
        for my_part, their_part in zip(mine.chunk(inputs, 1), theirs.chunk(inputs, 1), strict=True):
            # Old outputs follow from the old inputs alone.
            my_part[: len(their_part), their_part.shape[1] :] = 0
            my_part[: len(their_part), : their_part.shape[1]] = their_part


def _parts(name: str, tensor: Tensor, channels: int) -> tuple[int, int]:
    """Into how many parts that grow by themselves the outputs and inputs of a tensor fall.

    Real and imaginary parts are such parts of what is real, and the inputs of a decoder are the
    upsampled part, then the skip.
    """
    if ".kernel." in name:
        return 2, tensor.shape[1] // channels if "transconv" in name and tensor.ndim > 1 else 2
    if "transconv" in name and tensor.ndim > 1:
        return 1, tensor.shape[1] // channels
    if ".context_" in name:  # blocks over time, real inside
        if ".expand." in name and tensor.ndim > 1:
            return 1, 2
        return (2, 1) if ".project." in name else (1, 1)
    return 1, 1
