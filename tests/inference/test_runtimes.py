"""Every runtime gives what the network gives."""

import pytest
import torch

from frcrn_app.errors import DeviceError
from frcrn_app.inference import export
from frcrn_app.inference.runtimes import load_runtime
from frcrn_app.model import FRCRN
from golden.seeded import waveform


@pytest.fixture(scope="module")
def network(both_ways) -> FRCRN:
    return both_ways[0]


@pytest.fixture(scope="module", params=["torch", "onnxruntime", "openvino"])
def runtime(request, both_ways):
    if request.param != "torch":
        pytest.importorskip(request.param)
    network, path = both_ways
    with pytest.MonkeyPatch.context() as patch:
        # What it exports would be this file again.
        patch.setattr(export, "onnx_bytes", lambda model, metadata: path.read_bytes())
        return load_runtime(request.param, network)


@pytest.mark.parametrize("length", [900, 12_345])
def test_runtimes_agree_with_the_network(network, runtime, length):
    noisy = torch.cat((waveform(length, seed=1), waveform(length, seed=2)))
    enhanced = runtime(noisy)
    assert enhanced.dtype == torch.float32
    # Without the lone frames at the ends: dividing by a vanishing window magnifies their rounding.
    torch.testing.assert_close(enhanced[:, 20:-320], network(noisy)[:, 20:-320], rtol=0, atol=1e-4)


def test_bfloat16_stays_near_float32(network):
    noisy = waveform(5_000)
    expected = network(noisy)[:, 20:-20]
    difference = load_runtime("torch", network, precision="bfloat16")(noisy)[:, 20:-20] - expected
    assert 0 < difference.norm() < 0.05 * expected.norm()


@pytest.mark.parametrize(
    ("name", "device", "precision", "code"),
    [
        ("tensorflow", "cpu", "float32", "no_such_runtime"),
        ("onnxruntime", "cpu", "bfloat16", "runtime_precision"),
        ("onnxruntime", "cuda:0", "float32", "runtime_device"),
        ("openvino", "cpu", "float16", "runtime_precision"),
    ],
)
def test_what_a_runtime_cannot_do_is_said(network, name, device, precision, code):
    if name in ("onnxruntime", "openvino"):
        pytest.importorskip(name)
    with pytest.raises(DeviceError) as refused:
        load_runtime(name, network, device, precision)
    assert refused.value.code == f"inference.{code}"
