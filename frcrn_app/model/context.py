"""Blocks over time for the deeper levels of the U-Net, where a look at the past costs little.

The released network looks over time by two taps a layer and, at the bottleneck, by a memory of 20
frames on as many channels as everywhere. What distinguishes a voice from sounds like one is told
from its course, so these blocks give the levels of few rows more channels and more frames to tell
it from. They are residual and start as nothing: a trained network grows them without a change.

Depth-wise separable and inverted as in Sandler et al., "MobileNetV2", CVPR 2018; dilated over time
as in Luo and Mesgarani, "Conv-TasNet", TASLP 2019.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

KERNEL = (3, 9)  # frequency, time
# Frames between the taps of the block after an encoder, by its level; a decoder whose output is as
# high has a block of the same dilation.
DILATIONS = {2: 1, 3: 2, 4: 4, 5: 8, 6: 16}


class ContextBlock(nn.Module):
    """Residual block, [B, 2C, F, T] to the same.

    Args:
        channels: complex channels C of what it takes and gives.
        width: real channels inside.
        dilation: frames between neighbouring taps over time.
        causal: whether the last tap, rather than the middle one, is on the present frame.
    """

    def __init__(self, channels: int, width: int, dilation: int, causal: bool = False):
        super().__init__()
        self.dilation = dilation
        self.causal = causal
        self.expand = nn.Conv2d(2 * channels, width, 1)
        self.depthwise = nn.Conv2d(width, width, KERNEL, dilation=(1, dilation), groups=width)
        self.project = nn.Conv2d(width, 2 * channels, 1)
        nn.init.zeros_(self.project.weight)
        assert self.project.bias is not None
        nn.init.zeros_(self.project.bias)

    @property
    def around(self) -> tuple[int, int]:
        """Frames before and after the present one that the block looks at."""
        reach = (KERNEL[1] - 1) * self.dilation
        return (reach, 0) if self.causal else (reach // 2, reach // 2)

    def forward(self, x: Tensor) -> Tensor:
        y = F.leaky_relu(self.expand(x))
        rows = (KERNEL[0] - 1) // 2
        y = F.leaky_relu(self.depthwise(F.pad(y, (*self.around, rows, rows))))
        return torch.add(x, self.project(y))
