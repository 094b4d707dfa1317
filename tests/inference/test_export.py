"""The exported file computes the network, at any length, without torch."""

import numpy as np
import onnxruntime
import pytest
import torch
from golden.seeded import seeded_network, waveform

from frcrn_app.cli.main import main
from frcrn_app.weights import save_weights


@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_the_file_gives_what_the_network_gives(inputs, tmp_path, capsys):
    model = seeded_network(16, 2, inputs)
    weights = save_weights(tmp_path / "seeded.safetensors", model, half=False)
    path = tmp_path / "seeded.onnx"
    assert main(["export", "--weights", str(weights), "--out", str(path)]) == 0
    assert str(path) in capsys.readouterr().out
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for length in (3_200, 20_001):
        noisy = waveform(length)
        (enhanced,) = session.run(None, {"noisy": noisy.numpy()})
        with torch.no_grad():
            expected = model(noisy).numpy()
        np.testing.assert_allclose(enhanced, expected, rtol=0, atol=1e-4)


def test_weights_that_are_not_there_write_nothing(tmp_path, capsys):
    path = tmp_path / "none.onnx"
    assert main(["export", "--weights", str(tmp_path / "none.pt"), "--out", str(path)]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not path.exists()
