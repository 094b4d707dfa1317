"""The exported file computes the network, at any length, without torch."""

import numpy as np
import onnxruntime
import torch
from golden.seeded import waveform

from frcrn_app.checkpoints import load_weights
from frcrn_app.cli import main


def test_the_file_gives_what_the_network_gives(tmp_path, capsys):
    path = tmp_path / "small.onnx"
    assert main(["export", "--weights", "frcrn-small", "--out", str(path)]) == 0
    assert str(path) in capsys.readouterr().out
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    model = load_weights("frcrn-small").model
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
