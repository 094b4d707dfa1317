"""The mean of weights files is a weights file whose tensors lie between theirs."""

import pytest
import torch
from safetensors import safe_open

from frcrn_app.cli import main as cli
from frcrn_app.errors import CheckpointError
from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.training import average_weights
from frcrn_app.training.growth import grow
from frcrn_app.weights import load_weights, save_weights
from golden.seeded import waveform


@pytest.fixture
def files(tmp_path):
    """Three networks that differ in weights and statistics."""
    paths = []
    for seed in range(3):
        torch.manual_seed(seed)
        model = FRCRN(FRCRNConfig(8, 1))
        for name, buffer in model.named_buffers():
            if "running_var" in name:
                buffer.uniform_(0.5, 2)
        paths.append(save_weights(tmp_path / f"{seed}.safetensors", model, half=False))
    return paths


def test_every_tensor_is_the_mean(files, tmp_path):
    out = tmp_path / "mean.safetensors"
    command = ["weights", "average", *map(str, files), "--out", str(out)]
    assert cli.main(command) == 0
    states = [load_weights(path).model.state_dict() for path in files]
    for name, tensor in load_weights(out).model.state_dict().items():
        if tensor.is_floating_point():
            mean = torch.stack([state[name] for state in states]).mean(0)
            torch.testing.assert_close(tensor, mean, rtol=1e-3, atol=1e-5)  # half precision
    with safe_open(out, "pt") as stored:
        assert stored.metadata()["average_of_sha256"].count(",") == 2


def test_complex_convolutions_count_as_the_real_ones_that_they_are(files, tmp_path):
    grown = grow(load_weights(files[1]).model, FRCRN(FRCRNConfig(8, 1, real=True)))
    real = save_weights(tmp_path / "real.safetensors", grown, half=False)
    means = [
        load_weights(average_weights([files[0], other], tmp_path / "mean.safetensors", half=False))
        for other in (files[1], real)
    ]
    noisy = waveform(3_200)
    assert [mean.config.real for mean in means] == [False, True]
    expected, enhanced = (mean.model(noisy) for mean in means)
    torch.testing.assert_close(enhanced, expected, rtol=0, atol=1e-5)


def test_what_has_no_mean_is_refused(files, tmp_path):
    other = save_weights(tmp_path / "other.safetensors", FRCRN(FRCRNConfig(16, 1)))
    for names, code in (
        (files[:1], "training.average_of_one"),
        ([files[0], other], "training.average_of_different"),
    ):
        with pytest.raises(CheckpointError) as caught:
            average_weights(names, tmp_path / "mean.safetensors")
        assert caught.value.code == code
    assert not (tmp_path / "mean.safetensors").exists()
