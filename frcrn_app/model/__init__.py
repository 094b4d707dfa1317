"""The FRCRN network: tensors in, tensors out; imports torch alone."""

from frcrn_app.model.frcrn import FRCRN, SAMPLE_RATE, FRCRNConfig

__all__ = ["FRCRN", "SAMPLE_RATE", "FRCRNConfig"]
