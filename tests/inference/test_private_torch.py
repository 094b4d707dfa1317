"""What torch calls private is still there, and still does what speed depends on."""

import pytest
import torch
from torch.nn import functional as F

from frcrn_app.inference import private_torch

onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN"
)


def test_the_processor_is_known():
    assert private_torch.processor_multiplies_in_bfloat16() in (True, False)
    assert private_torch.onednn_multiplies_in_bfloat16() in (True, False)


@onednn
def test_a_linear_layer_with_its_activation():
    x, weight, bias = torch.randn(3, 5, 8), torch.randn(6, 8), torch.randn(6)
    expected = F.linear(x, weight, bias)
    for then, y in (("none", expected), ("relu", expected.relu())):
        actual = private_torch.onednn_linear(x, weight, bias, then)
        torch.testing.assert_close(actual, y, rtol=1e-4, atol=1e-4)


@onednn
def test_a_convolution_that_adds():
    x, kernel = torch.randn(1, 8, 9, 11), torch.randn(6, 8, 1, 5)
    plus = torch.randn(1, 6, 9, 6)
    expected = F.conv2d(x, kernel, None, (1, 2), (0, 2)) + plus
    actual = private_torch.onednn_convolution_plus(x, plus, kernel, (1, 2), (0, 2))
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


def test_a_recording_does_what_the_module_does():
    class Twice(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * (2 if private_torch.recording() else 3)

    recorded = private_torch.record(Twice(), (torch.ones(2),))
    with private_torch.as_recorded():
        assert recorded(torch.ones(5)).tolist() == [2.0] * 5
    assert not private_torch.recording()
