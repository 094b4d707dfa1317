"""A grown network starts exactly where the smaller one ended."""

from dataclasses import replace

import pytest
import torch

from frcrn_app.errors import CheckpointError
from frcrn_app.inference import fuse
from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.training.growth import grow
from golden.seeded import seeded_state, waveform


@pytest.mark.parametrize("larger", [(16, 2), (24, 1), (16, 1, 2), (24, 2, 3)])
def test_growing_keeps_the_function(larger):
    small = FRCRN(FRCRNConfig(16, 1)).eval()
    small.load_state_dict(seeded_state(small))
    grown = grow(small, FRCRN(FRCRNConfig(*larger))).eval()
    noisy = waveform(3_200)
    with torch.no_grad():
        torch.testing.assert_close(grown(noisy), small(noisy), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "larger",
    [
        FRCRNConfig(16, 1, 3, context=24),
        FRCRNConfig(16, 1, 3, context=40),  # wider blocks
        FRCRNConfig(24, 1, 3, context=24),  # more channels around the same blocks
        FRCRNConfig(24, 2, 3, context=40),
        FRCRNConfig(24, 2, 3, real=True, context=40),
    ],
    ids=str,
)
def test_growing_blocks_over_time_keeps_the_function(larger):
    torch.manual_seed(0)
    without = FRCRN(FRCRNConfig(16, 1, 3)).eval()
    without.load_state_dict(seeded_state(without))
    # New blocks do nothing at first; those that have learnt something go on doing it.
    learnt = grow(without, FRCRN(FRCRNConfig(16, 1, 3, context=24))).eval()
    noisy = waveform(3_200)
    with torch.no_grad():
        torch.testing.assert_close(learnt(noisy), without(noisy), rtol=0, atol=1e-5)
        for name, parameter in learnt.named_parameters():
            if ".context_" in name and ".project." in name:
                parameter.normal_(std=0.1)
        assert (learnt(noisy) - without(noisy)).abs().max() > 1e-3
        grown = grow(learnt, FRCRN(larger)).eval()
        torch.testing.assert_close(grown(noisy), learnt(noisy), rtol=0, atol=1e-5)
        # The form that inference runs is the same function.
        torch.testing.assert_close(fuse(grown)(noisy), grown(noisy), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "larger",
    [
        FRCRNConfig(16, 1, real=True),
        FRCRNConfig(16, 2, 3, real=True, context=24),
        FRCRNConfig(24, 1, 2, real=True),
        FRCRNConfig(16, 1, 1, real=True, causal=True),
    ],
    ids=str,
)
def test_real_convolutions_keep_the_function_and_have_twice_the_weights(larger):
    small = FRCRN(FRCRNConfig(16, 1, causal=larger.causal)).eval()
    small.load_state_dict(seeded_state(small))
    noisy = waveform(3_200)
    grown = grow(small, FRCRN(larger)).eval()
    with torch.no_grad():
        torch.testing.assert_close(grown(noisy), small(noisy), rtol=0, atol=1e-5)
        complex_kernel, real_kernel = (
            [p for n, p in net.unet.encoders[3].conv.named_parameters() if n.endswith("weight")]
            for net in (grow(small, FRCRN(replace(larger, real=False))), grown)
        )
        assert sum(map(torch.numel, real_kernel)) == 2 * sum(map(torch.numel, complex_kernel))
        # Trained, their blocks part: then, too, the form that inference runs is the same function.
        generator = torch.Generator().manual_seed(0)
        for name, parameter in grown.named_parameters():
            if name.endswith("kernel.weight"):
                parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
        torch.testing.assert_close(fuse(grown)(noisy), grown(noisy), rtol=0, atol=1e-4)
        wider = grow(grown, FRCRN(replace(larger, channels=32))).eval()
        torch.testing.assert_close(wider(noisy), grown(noisy), rtol=0, atol=1e-5)


def test_a_real_network_does_not_become_a_complex_one():
    with pytest.raises(CheckpointError, match="real 1"):
        grow(FRCRN(FRCRNConfig(16, 1, real=True)), FRCRN(FRCRNConfig(16, 1)))


def test_new_channels_get_gradients():
    small = FRCRN(FRCRNConfig(16, 1))
    grown = grow(small, FRCRN(FRCRNConfig(24, 2)))
    grown(waveform(3_200)).square().mean().backward()
    new_inputs = grown.unet.encoders[2].conv.conv_re.weight.grad[:16, 16:]
    assert new_inputs.abs().max() > 0
    assert grown.unet2.linear.conv_re.weight.grad.abs().max() > 0


def test_a_smaller_network_is_refused():
    with pytest.raises(CheckpointError, match="channels 24"):
        grow(FRCRN(FRCRNConfig(24, 1)), FRCRN(FRCRNConfig(16, 1)))
    with pytest.raises(CheckpointError, match="inputs 2"):
        grow(FRCRN(FRCRNConfig(16, 1, 2)), FRCRN(FRCRNConfig(16, 1)))
