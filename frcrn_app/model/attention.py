"""Complex squeeze-and-excitation: channel gates from the mean over frequencies and frames."""

import torch
from torch import Tensor, nn

from frcrn_app.model.around import mean_around
from frcrn_app.model.past import running_mean

REDUCTION = 8  # channels of the whole over channels of the squeeze


class SqueezeExcitation(nn.Module):
    """Gates of real and imaginary channels, [B, 2C, F, T] to the same.

    The mean is over the `frames` frames to either side, or where that is 0 over every frame, so
    that the network is not blind to padding; in a causal network it runs over each frame and those
    before it.
    """

    def __init__(self, channels: int, causal: bool = False, frames: int = 0):
        super().__init__()
        self.causal, self.frames = causal, frames

        def fully_connected() -> nn.Sequential:
            return nn.Sequential(
                nn.Linear(channels, channels // REDUCTION),
                nn.ReLU(),
                nn.Linear(channels // REDUCTION, channels),
                nn.Sigmoid(),
            )

        self.fc_r = fully_connected()
        self.fc_i = fully_connected()

    def gates(self, mean: Tensor) -> Tensor:
        """Gates [..., 2, C] of a mean [..., 2, C], real part first."""
        from_r, from_i = self.fc_r(mean), self.fc_i(mean)
        re = from_r[..., 0, :] - from_i[..., 1, :]
        im = from_r[..., 1, :] + from_i[..., 0, :]
        return torch.stack((re, im), -2)

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(2).transpose(1, 2).float()  # [B, T, 2C]
        mean = running_mean(mean, None, self) if self.causal else mean_around(mean, self.frames)
        gate = self.gates(mean.unflatten(2, (2, -1))).flatten(2)  # [B, T or 1, 2C]
        return x * gate.transpose(1, 2)[:, :, None]
