"""Noisy speech and its clean target, mixed on the fly from a corpus."""

from frcrn_app.training.mixtures.batches import batches
from frcrn_app.training.mixtures.config import Mixture, MixtureConfig
from frcrn_app.training.mixtures.mixture_set import MixtureSet
from frcrn_app.training.mixtures.validation import validation_mixtures

__all__ = ["Mixture", "MixtureConfig", "MixtureSet", "batches", "validation_mixtures"]
