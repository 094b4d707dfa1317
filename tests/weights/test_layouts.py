"""Weights in every layout that people have them in; what does not fit is refused by name."""

from pathlib import Path

import numpy as np
import pytest
import torch

from frcrn_app.errors import CheckpointError
from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.weights import load_weights, save_weights
from networks import SMALL, other_weights, with_statistics
from official_layouts import optimizer_state, prefixed, reference_layout

FORMS = {
    "ours, bare": lambda m: m.state_dict(),
    "ModelScope, as released": reference_layout,
    "ModelScope, trained by a user": lambda m: {
        "state_dict": prefixed(reference_layout(m), "model."),
        "meta": {"epoch": 3, "time": "today"},
    },
    "ClearVoice": lambda m: {
        "model": reference_layout(m),
        "optimizer": optimizer_state(),
        "epoch": 90,
        "step": 1000,
    },
    "ClearVoice, several GPUs": lambda m: {
        "model": prefixed(reference_layout(m), "module."),
        "optimizer": optimizer_state(),
        "best_loss": np.float64(0.5),
    },
    "compiled": lambda m: prefixed(m.state_dict(), "module._orig_mod."),
    "our training": lambda m: {
        "model": other_weights(m),
        "ema": m.state_dict(),
        "optimizer": optimizer_state(),
        "config": m.config.to_dict(),
        "step": 12,
    },
    "averaged": lambda m: {
        "model": {**prefixed(m.state_dict(), "module."), "n_averaged": torch.tensor(5)}
    },
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_every_pickled_form_gives_the_same_network(form, zipped, network, noisy, tmp_path):
    path = tmp_path / "checkpoint.pt"
    torch.save(FORMS[form](network), path, _use_new_zipfile_serialization=zipped)
    loaded = load_weights(path)
    assert loaded.config == SMALL
    assert not loaded.model.training
    torch.testing.assert_close(loaded.model(noisy), network(noisy), rtol=0, atol=0)


@pytest.mark.parametrize(("unets", "inputs"), [(1, 1), (2, 1), (1, 2), (1, 3)])
def test_safetensors_keep_every_number(unets, inputs, noisy, tmp_path):
    model = with_statistics(FRCRN(FRCRNConfig(16, unets, inputs))).eval()
    path = save_weights(tmp_path / "own.safetensors", model, half=False, metadata={"title": "Own"})
    loaded = load_weights(str(path))
    assert (loaded.config, loaded.entry.title) == (model.config, "Own")
    torch.testing.assert_close(loaded.model(noisy), model(noisy), rtol=0, atol=0)


@pytest.mark.parametrize(
    "config",
    [
        FRCRNConfig(16, 1, 3, real=True),
        FRCRNConfig(16, 2, 1, real=True, context=12),
        FRCRNConfig(16, 1, 3, context=12),
    ],
    ids=str,
)
def test_our_own_architectures_are_recognised_by_their_shapes(config, noisy, tmp_path):
    model = with_statistics(FRCRN(config)).eval()
    torch.save(model.state_dict(), tmp_path / "bare.pt")
    loaded = load_weights(tmp_path / "bare.pt")
    assert loaded.config == config
    torch.testing.assert_close(loaded.model(noisy), model(noisy), rtol=0, atol=0)
    path = save_weights(tmp_path / "with_metadata.safetensors", model, half=False)
    assert load_weights(path).config == config


def test_safetensors_are_known_by_their_content(network, tmp_path):
    path = save_weights(tmp_path / "own.safetensors", network)
    assert load_weights(path.rename(tmp_path / "blob")).config == SMALL


def test_the_released_network_is_recognised_by_its_shapes(tmp_path):
    model = FRCRN()
    layout = reference_layout(model)
    assert len(layout) == 1692
    torch.save(layout, tmp_path / "pytorch_model.bin")
    loaded = load_weights(tmp_path)
    assert loaded.config == FRCRNConfig(channels=128, unets=2)
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor), name


def refusal(state_dict: object, path: Path) -> CheckpointError:
    """The error of a file with this content, whose sentences in both languages name the file."""
    torch.save(state_dict, path)
    with pytest.raises(CheckpointError) as caught:
        load_weights(path)
    for language in ("en", "zh"):
        assert "checkpoint.pt" in caught.value.sentence(language, lambda path: path.name)
    return caught.value


@pytest.fixture
def stored(network):
    return dict(reference_layout(network))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint.pt"


def test_missing_tensors_are_named_in_a_short_list(stored, path):
    stored = {name: t for name, t in stored.items() if not name.startswith("unet2.fsmn.")}
    error = refusal(stored, path)
    assert error.fields["missing"].startswith("16 (unet2.fsmn.fsmn_re_L1.linear.weight, ")
    assert error.fields["missing"].endswith("…)")
    assert error.fields["unknown"] == error.fields["misshaped"] == "0"
    assert len(str(error)) < 600


def test_one_of_two_duplicates_is_enough(stored, path, network, noisy):
    stored = {name: t for name, t in stored.items() if ".encoders." not in name}
    torch.save(stored, path)
    torch.testing.assert_close(load_weights(path).model(noisy), network(noisy))


def test_extra_tensors_are_named(stored, path):
    stored["unet.encoders.7.conv.weight"] = torch.zeros(3)
    assert refusal(stored, path).fields["unknown"] == "1 (unet.encoders.7.conv.weight)"


def test_a_misshaped_tensor_is_named_with_both_shapes(stored, path):
    for name in ("unet.encoders.2.bn.bn_re.bias", "unet.encoder2.bn.bn_re.bias"):
        stored[name] = torch.zeros(9)
    misshaped = refusal(stored, path).fields["misshaped"]
    assert misshaped == "1 (unet.encoders.2.bn.bn_re.bias [9] ≠ [8])"


def test_unequal_duplicates_are_an_error(stored, path):
    stored["unet2.se_layer_dec3.fc_r.0.bias"] = stored["unet2.se_layer_dec3.fc_r.0.bias"] + 1e-6
    error = refusal(stored, path)
    assert error.code == "weights.unequal"
    assert error.fields["first"] == "unet2.se_layers_dec.3.fc_r.0.bias"
    assert error.fields["second"] == "unet2.se_layer_dec3.fc_r.0.bias"


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers_are_refused(network, path, poison):
    stored = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    stored["unet.fsmn_dec.2.fsmn_im_L1.project.weight"][3, 1] = poison
    error = refusal(stored, path)
    assert error.code == "weights.not_finite"
    assert error.fields["name"] == "unet.fsmn_dec.2.fsmn_im_L1.project.weight"


def test_another_transform_is_refused(stored, path):
    stored["stft.weight"] = stored["stft.weight"] * torch.linspace(0.9, 1.1, 640)
    error = refusal(stored, path)
    assert (error.code, error.fields["name"]) == ("weights.transform", "stft.weight")


def test_another_size_of_transform_is_refused(stored, path):
    stored["istft.enframe"] = torch.eye(512)[:, None]
    error = refusal(stored, path)
    assert (error.code, error.fields["name"]) == ("weights.transform", "istft.enframe")


def test_quantised_weights_are_refused(network, path):
    stored = network.state_dict()
    stored["unet.linear.conv_re.weight"] = torch.ones(1, 1, 1, 1, dtype=torch.int8)
    error = refusal(stored, path)
    assert (error.code, error.fields["dtype"]) == ("weights.quantised", "torch.int8")


def test_another_network_is_refused_with_what_it_has(path):
    error = refusal(torch.nn.Sequential(torch.nn.Linear(3, 4)).state_dict(), path)
    assert (error.code, error.fields["found"]) == ("weights.not_frcrn", "0.weight, 0.bias")


def test_channels_that_the_network_cannot_have_are_refused(network, path):
    stored = network.state_dict()
    stored["unet.encoders.0.conv.conv_re.weight"] = torch.zeros(12, 1, 5, 2)
    error = refusal(stored, path)
    assert (error.code, error.fields["channels"]) == ("weights.architecture", 12)


def test_a_configuration_that_the_tensors_contradict_is_refused(network, path):
    content = {"model": network.state_dict(), "config": {"channels": 8, "unets": 1}}
    assert refusal(content, path).code == "weights.contradiction"


@pytest.mark.parametrize(
    ("content", "code", "fields"),
    [
        ({}, "weights.no_state_dict", {"found": "{}"}),
        ([1, 2], "weights.no_state_dict", {"found": "list"}),
        ({"epoch": 3, "model": {}}, "weights.no_tensor", {"name": "epoch", "type": "int"}),
        ({3: torch.zeros(1)}, "weights.no_name", {"name": "3"}),
    ],
)
def test_files_without_a_state_dict_are_refused(content, code, fields, path):
    error = refusal(content, path)
    assert error.code == code
    assert error.fields == {"path": path, **fields}
