"""Complex squeeze-and-excitation: channel gates from the mean over all frequencies and frames."""

import torch
from torch import Tensor, nn

REDUCTION = 8  # channels of the whole over channels of the squeeze


class SqueezeExcitation(nn.Module):
    """Gates of real and imaginary channels, [B, 2C, F, T] to the same.

    The mean runs over every frame, so the network is neither causal nor blind to padding.
    """

    def __init__(self, channels: int):
        super().__init__()

        def gates() -> nn.Sequential:
            return nn.Sequential(
                nn.Linear(channels, channels // REDUCTION),
                nn.ReLU(),
                nn.Linear(channels // REDUCTION, channels),
                nn.Sigmoid(),
            )

        self.fc_r = gates()
        self.fc_i = gates()

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean((2, 3)).unflatten(1, (2, -1))  # [B, 2, C]: real, imaginary
        from_r, from_i = self.fc_r(mean), self.fc_i(mean)
        gate = torch.cat((from_r[:, 0] - from_i[:, 1], from_r[:, 1] + from_i[:, 0]), 1)  # [B, 2C]
        return x * gate[..., None, None]
