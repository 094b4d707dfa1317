"""The loss of a batch, from waveforms at any level."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from frcrn_app.inference import fuse
from frcrn_app.model import FRCRN, apply_mask, prepared
from frcrn_app.training.losses import EnhancementLoss, LossWeights, mask_loss
from frcrn_app.training.scoring import at_own_level
from frcrn_app.training.trainer.replay import Replayed


class Objective:
    """What a network is trained for.

    Args:
        model: the network, on its device.
        weights: of the loss.
        autocast: what the networks' arithmetic is cast to, or None.
        teacher: a network whose output is to be met as well, with its share of the loss; it may be
            of another kind, and hears the waveforms as it was trained to.
    """

    def __init__(
        self,
        model: FRCRN,
        weights: LossWeights,
        autocast: torch.dtype | None = None,
        teacher: FRCRN | None = None,
        teacher_share: float = 0.5,
    ):
        self._model = model
        self._weights = weights
        self._autocast = autocast
        self._teacher = fuse(teacher, autocast or torch.float32) if teacher else None
        self._teacher_share = teacher_share
        self._device = next(model.parameters()).device
        self._distance: nn.Module = EnhancementLoss(weights).to(self._device)

    def __call__(self, network: Callable[[Tensor], Tensor], noisy: Tensor, clean: Tensor) -> Tensor:
        """Mean loss of a batch [B, samples] on any device; `network` maps a spectrum to a mask."""
        model, weights = self._model, self._weights
        waveform, gain = self.prepared(noisy)
        clean = self._cut(clean) * gain
        spectrum = model.stft(waveform)
        enabled = self._autocast is not None
        # Each weight is used once a step, so that its cast need not be kept; a graph could not.
        with torch.autocast(self._device.type, self._autocast, enabled, cache_enabled=False):
            mask = network(spectrum)
        mask = mask.float()
        enhanced = model.istft(apply_mask(spectrum, mask))
        loss = self._distance(enhanced, clean)
        if weights.mask:
            loss = loss + weights.mask * mask_loss(mask, spectrum, model.stft(clean))
        if self._teacher is not None:
            taught = at_own_level(self._teacher, self._cut(noisy)) * gain
            share = self._teacher_share
            loss = (1 - share) * loss + share * self._distance(enhanced, taught)
        return loss.mean()

    def replay(self) -> None:
        """The distance of what is enhanced to what is clean is a CUDA graph from the next call on.

        Not with a teacher, whose output is a second such distance a step.
        """
        if not isinstance(self._distance, Replayed):
            self._distance = Replayed(self._distance)

    def prepared(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """A batch [B, samples] as the network takes it, whole frames long, and its gain [B, 1]."""
        return prepared(self._cut(waveform), self._model.config)

    def _cut(self, waveform: Tensor) -> Tensor:
        """[B, samples], on the device, cut to a length that frames cover without padding."""
        hop = self._model.config.hop_length
        return waveform[:, : waveform.shape[1] // hop * hop].to(self._device, non_blocking=True)
