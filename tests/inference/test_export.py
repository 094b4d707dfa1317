"""The exported file computes the network, at any length, without torch."""

import json
from copy import deepcopy
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch

from frcrn_app.cli.main import main
from frcrn_app.errors import UserError
from frcrn_app.inference.export import verify_onnx
from frcrn_app.model import FRCRN
from golden.seeded import waveform


@pytest.fixture(params=["both_ways", "causal"])
def exported(request):
    """A network and its exported file."""
    return request.getfixturevalue(request.param)


def test_the_file_gives_what_the_network_gives(exported):
    model, path = exported
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for length in (1, 3_200, 40_001):
        noisy = waveform(length)
        (enhanced,) = session.run(None, {"noisy": noisy.numpy()})
        with torch.no_grad():
            expected = model(noisy).numpy()
        assert enhanced.shape == expected.shape
        assert np.isfinite(enhanced).all()
        # The ends are lone frames divided by a vanishing window, which magnifies rounding.
        np.testing.assert_allclose(enhanced[:, 20:-20], expected[:, 20:-20], rtol=0, atol=1e-4)
    stored = session.get_modelmeta().custom_metadata_map
    assert json.loads(stored["config"]) == model.config.to_dict()
    assert stored["sample_rate"] == "16000"


def test_a_file_that_computes_something_else_is_found_out(exported):
    model, path = deepcopy(exported[0]), exported[1]
    with torch.no_grad():
        model.unet.linear.conv_re.bias.add_(0.1)
    with pytest.raises(UserError) as found:
        verify_onnx(path, model)
    assert found.value.code == "inference.export_differs"


def test_a_file_whose_attention_hears_farther_is_found_out(both_ways):
    model, path = both_ways
    nearer = FRCRN(replace(model.config, attention=model.config.attention // 2)).eval()
    nearer.load_state_dict(model.state_dict())
    with pytest.raises(UserError) as found:
        verify_onnx(path, nearer)
    assert found.value.code == "inference.export_differs"


def test_weights_that_are_not_there_write_nothing(tmp_path, capsys):
    path = tmp_path / "none.onnx"
    assert main(["export", "--weights", str(tmp_path / "none.pt"), "--out", str(path)]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not path.exists()
