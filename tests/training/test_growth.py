"""A grown network starts exactly where the smaller one ended."""

import pytest
import torch
from golden.seeded import seeded_state, waveform

from frcrn_app.errors import CheckpointError
from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.training.growth import grow


@pytest.mark.parametrize("larger", [(16, 2), (24, 1), (40, 2), (16, 1, 2), (24, 2, 3)])
def test_growing_keeps_the_function(larger):
    small = FRCRN(FRCRNConfig(16, 1)).eval()
    small.load_state_dict(seeded_state(small))
    grown = grow(small, FRCRN(FRCRNConfig(*larger))).eval()
    noisy = waveform(9_600)
    with torch.no_grad():
        torch.testing.assert_close(grown(noisy), small(noisy), rtol=0, atol=1e-5)


def test_new_channels_get_gradients():
    small = FRCRN(FRCRNConfig(16, 1))
    grown = grow(small, FRCRN(FRCRNConfig(24, 2)))
    grown(waveform(6_400)).square().mean().backward()
    new_inputs = grown.unet.encoders[2].conv.conv_re.weight.grad[:16, 16:]
    assert new_inputs.abs().max() > 0
    assert grown.unet2.linear.conv_re.weight.grad.abs().max() > 0


def test_a_smaller_network_is_refused():
    with pytest.raises(CheckpointError, match="channels 24"):
        grow(FRCRN(FRCRNConfig(24, 1)), FRCRN(FRCRNConfig(16, 1)))
    with pytest.raises(CheckpointError, match="inputs 2"):
        grow(FRCRN(FRCRNConfig(16, 1, 2)), FRCRN(FRCRNConfig(16, 1)))
