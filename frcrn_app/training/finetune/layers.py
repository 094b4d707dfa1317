"""Which layers a fine-tuning trains, and how they are blended with the original ones."""

import copy

import torch

from frcrn_app.model import FRCRN

# Parts of each U-Net, by the beginning of their names, from the output inwards.
LAYERS = {
    "mask": ("linear.", "decoders.6.", "fsmn_dec.5.", "decoders.5."),
    "decoder": ("linear.", "decoders.", "fsmn_dec.", "se_layers_dec.", "context_dec."),
    "all": ("",),
}


def freeze_all_but(model: FRCRN, layers: str) -> FRCRN:
    """Leaves only the parameters of `layers`, a key of `LAYERS`, to be trained."""
    for name, parameter in model.named_parameters():
        inside = name.partition(".")[2]  # of the U-Net
        parameter.requires_grad_(inside.startswith(LAYERS[layers]))
    return model


def blended(original: FRCRN, trained: FRCRN, share: float) -> FRCRN:
    """A network of `share` of the trained parameters and the rest of the original ones."""
    model = copy.deepcopy(original)
    with torch.no_grad():
        for mine, new in zip(model.parameters(), trained.parameters(), strict=True):
            mine.lerp_(new.to(mine.device), share)
    return model
