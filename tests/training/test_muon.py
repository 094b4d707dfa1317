"""Muon moves a matrix alike in all directions, and leaves alone what is none."""

import pytest
import torch

from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.training.muon import ADAMW_STEP, Muon, is_hidden_matrix, orthogonalised


@pytest.mark.parametrize("shape", [(2, 32, 320), (3, 64, 16), (1, 48, 96)])
def test_singular_values_end_near_one(shape):
    generator = torch.Generator().manual_seed(0)
    matrices = torch.randn(shape, generator=generator)
    matrices *= torch.linspace(0.3, 3, shape[2])  # some directions dominate
    values = torch.linalg.svdvals(orthogonalised(matrices))
    assert values.min() > 0.5
    assert values.max() < 1.4


def test_a_step_is_as_large_as_one_of_adamw_whatever_the_gradient():
    for scale in (1e-6, 1.0, 1e4):
        kernel = torch.nn.Parameter(torch.zeros(32, 32, 5, 2))
        kernel.grad = scale * torch.randn(32, 32, 5, 2, generator=torch.Generator().manual_seed(0))
        Muon([kernel], lr=1e-3).step()
        step = float(kernel.detach().square().mean().sqrt())
        assert step == pytest.approx(ADAMW_STEP * 1e-3, rel=0.3)


def test_only_layers_between_many_channels_are_its_own():
    names = {n for n, p in FRCRN(FRCRNConfig(32, 1)).named_parameters() if is_hidden_matrix(p)}
    assert "unet.encoders.3.conv.conv_re.weight" in names
    assert "unet.decoders.2.transconv.tconv_im.weight" in names
    assert "unet.fsmn_enc.1.fsmn_re_L1.linear.weight" in names
    for part in ("bias", "bn_", "se_layers", "conv1", "encoders.0.", "decoders.6.", "unet.linear"):
        assert not any(part in name for name in names)
