"""The FRCRN network: tensors in, tensors out; imports torch alone."""

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.model.complex_layers import (
    BlockConvolution,
    ComplexBatchNorm2d,
    RealConv2d,
    RealConvTranspose2d,
)
from frcrn_app.model.config import FRCRNConfig
from frcrn_app.model.context import DILATIONS
from frcrn_app.model.frcrn import FRCRN, apply_mask
from frcrn_app.model.level import (
    REACH,
    SPEECH_STARTS_HZ,
    TARGET_RMS,
    infrasound_taps,
    normalisation_gain,
    prepared,
    without_infrasound,
)
from frcrn_app.model.unet import UNUSED_LAYERS

__all__ = [
    "DILATIONS",
    "FRCRN",
    "REACH",
    "SAMPLE_RATE",
    "SPEECH_STARTS_HZ",
    "TARGET_RMS",
    "UNUSED_LAYERS",
    "BlockConvolution",
    "ComplexBatchNorm2d",
    "FRCRNConfig",
    "RealConv2d",
    "RealConvTranspose2d",
    "apply_mask",
    "infrasound_taps",
    "normalisation_gain",
    "prepared",
    "without_infrasound",
]
