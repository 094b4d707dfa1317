"""Weights in every form in which people have them load; anything else is refused with a reason."""

import os
import pickle
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from official_layouts import optimizer_state, prefixed, reference_layout
from safetensors import safe_open
from safetensors.torch import save_file

from frcrn_app.cli.main import main
from frcrn_app.errors import CheckpointError
from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.weights import checkpoints, hub, list_weights, load_weights, save_weights

SMALL = FRCRNConfig(channels=8, unets=2)


@pytest.fixture(autouse=True)
def _own_weights_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FRCRN_WEIGHTS_DIR", str(tmp_path / "weights"))


@pytest.fixture(scope="module")
def network() -> FRCRN:
    torch.manual_seed(0)
    return with_statistics(FRCRN(SMALL)).eval()


@pytest.fixture(scope="module")
def noisy() -> torch.Tensor:
    return 0.05 * torch.randn(1, 8000, generator=torch.Generator().manual_seed(1))


def with_statistics(model: FRCRN) -> FRCRN:
    """Running statistics as training leaves them, not the ones and zeros of a new network."""
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.3)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2)
    return model


def other_weights(model: FRCRN) -> dict:
    return {name: tensor + 1 for name, tensor in model.state_dict().items()}


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


def test_safetensors_are_known_by_their_content(network, tmp_path):
    path = save_weights(tmp_path / "own.safetensors", network)
    assert load_weights(path.rename(tmp_path / "blob")).config == SMALL


def test_half_precision_halves_the_file_and_keeps_the_sound(network, noisy, tmp_path):
    whole = save_weights(tmp_path / "whole.safetensors", network, half=False)
    half = save_weights(tmp_path / "half.safetensors", network)
    assert half.stat().st_size < 0.65 * whole.stat().st_size  # names and statistics weigh too
    difference = load_weights(half).model(noisy) - network(noisy)
    assert difference.square().mean() < 1e-4 * network(noisy).square().mean()


def test_half_precision_never_overflows(tmp_path):
    model = FRCRN(FRCRNConfig(channels=8, unets=1)).eval()
    with torch.no_grad():
        model.unet.decoders[6].bn.bn_re.running_var.fill_(1e6)
        model.unet.linear.conv_re.weight.fill_(1e5)
    loaded = load_weights(save_weights(tmp_path / "large.safetensors", model)).model
    assert loaded.unet.decoders[6].bn.bn_re.running_var.item() == 1e6
    assert loaded.unet.linear.conv_re.weight.item() == 1e5


def test_a_failed_save_leaves_the_old_file(network, tmp_path, monkeypatch):
    path = save_weights(tmp_path / "own.safetensors", network)
    before = path.read_bytes()

    def full_disk(*args, **kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoints.os, "replace", full_disk)
    with pytest.raises(OSError, match="no space"):
        save_weights(path, network, half=False)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["own.safetensors"]


def test_the_released_network_is_recognised_by_its_shapes(tmp_path):
    model = FRCRN()
    layout = reference_layout(model)
    assert len(layout) == 1692
    torch.save(layout, tmp_path / "pytorch_model.bin")
    loaded = load_weights(tmp_path)
    assert loaded.config == FRCRNConfig(channels=128, unets=2)
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor), name


# Folders and names


def test_a_folder_gives_its_only_checkpoint(network, tmp_path):
    save_weights(tmp_path / "whatever.safetensors", network)
    (tmp_path / "notes.txt").write_text("not weights")
    assert load_weights(tmp_path).entry.name == "whatever"


def test_a_training_run_gives_its_best_weights(network, tmp_path):
    for name in ("last.safetensors", "best.safetensors"):
        save_weights(tmp_path / name, network)
    torch.save({"model": network.state_dict()}, tmp_path / "state.pt")
    assert load_weights(tmp_path).entry.path == tmp_path / "best.safetensors"


def test_a_folder_gives_what_its_pointer_names(network, tmp_path):
    torch.save({"model": other_weights(network)}, tmp_path / "last_best_checkpoint.pt")
    torch.save({"model": network.state_dict()}, tmp_path / "model.ckpt-90.pt")
    (tmp_path / "last_best_checkpoint").write_text("model.ckpt-90.pt\n")
    assert load_weights(tmp_path).entry.path == tmp_path / "model.ckpt-90.pt"


def test_a_pointer_does_not_lead_out_of_its_folder(network, tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    torch.save(network.state_dict(), tmp_path / "outside.pt")
    (inside / "last_best_checkpoint").write_text("../outside.pt\n")
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        load_weights(inside)


def test_a_folder_with_several_checkpoints_asks_which(network, tmp_path):
    for name in ("a.pt", "b.pt"):
        torch.save(network.state_dict(), tmp_path / name)
    with pytest.raises(CheckpointError, match=r"several checkpoints.*a\.pt, b\.pt"):
        load_weights(tmp_path)


def test_the_embedded_weights_work_without_anything_else(noisy):
    loaded = load_weights()
    assert loaded.entry.name == checkpoints.EMBEDDED
    assert loaded.checksum_known
    assert loaded.entry.licence != "unknown"
    assert loaded.model(noisy).isfinite().all()


def test_embedded_weights_are_small_and_in_half_precision():
    path = checkpoints.EMBEDDED_FOLDER / f"{checkpoints.EMBEDDED}.safetensors"
    with safe_open(path, "pt") as file:
        dtypes = {name: file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118
    assert dtypes["unet.encoders.1.conv.conv_re.weight"] == torch.float16
    assert dtypes["unet.encoders.1.bn.bn_re.running_var"] == torch.float32


def test_official_weights_are_the_default_once_they_are_there(network, monkeypatch):
    path = install_official("frcrn-se-16k", network, monkeypatch)
    entry = next(entry for entry in list_weights() if entry.name == "frcrn-se-16k")
    assert (entry.present, entry.path) == (True, path)
    assert load_weights("auto").entry.name == "frcrn-se-16k"
    assert load_weights("auto").entry.licence == "Apache-2.0"


def test_official_weights_are_known_wherever_they_lie(network, monkeypatch, tmp_path):
    path = install_official("frcrn-16k", network, monkeypatch)
    moved = path.rename(tmp_path / "renamed.bin")
    assert load_weights(moved).entry.licence == "Apache-2.0"


def test_a_known_name_needs_the_known_bytes(network, monkeypatch):
    path = install_official("frcrn-16k", network, monkeypatch)
    torch.save(other_weights(network), path)
    with pytest.raises(CheckpointError, match=r'not the known "frcrn-16k".*weights fetch'):
        load_weights("frcrn-16k")


def test_changed_embedded_weights_are_refused(tmp_path, monkeypatch, network):
    save_weights(tmp_path / "frcrn-small.safetensors", network)
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  frcrn-small.safetensors\n")
    monkeypatch.setattr(checkpoints, "EMBEDDED_FOLDER", tmp_path)
    with pytest.raises(CheckpointError, match="give weights of your own another name"):
        load_weights()


def test_official_weights_that_are_absent_say_how_to_get_them():
    with pytest.raises(CheckpointError, match=r"weights fetch frcrn-16k.*477a2f82"):
        load_weights("frcrn-16k")


def test_own_safetensors_in_the_weights_folder_have_a_name(network):
    folder = checkpoints.weights_folder()
    save_weights(folder / "mine.safetensors", network, metadata={"title": "Mine"})
    (folder / "broken.safetensors").write_bytes(b"nothing")
    named = {entry.name: entry for entry in list_weights()}
    assert (named["mine"].title, named["mine"].config) == ("Mine", SMALL)
    assert "broken" not in named
    assert load_weights("mine").config == SMALL


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(CheckpointError, match=r'"frcm".*auto, frcrn-16k, frcrn-se-16k'):
        load_weights("frcm")


def install_official(name: str, model: FRCRN, monkeypatch) -> Path:
    """Put `model` where the official file would be, as if the hub published it."""
    path = hub.OFFICIAL[name].path_in(checkpoints.weights_folder())
    path.parent.mkdir(parents=True)
    torch.save({"model": reference_layout(model)}, path)
    published = replace(
        hub.OFFICIAL[name], size=path.stat().st_size, sha256=checkpoints.file_sha256(path)
    )
    monkeypatch.setitem(hub.OFFICIAL, name, published)
    return path


# Strictness


def refusal(state_dict: dict, path: Path) -> str:
    torch.save(state_dict, path)
    with pytest.raises(CheckpointError) as caught:
        load_weights(path)
    return str(caught.value)


@pytest.fixture
def stored(network):
    return dict(reference_layout(network))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint.pt"


def test_missing_tensors_are_named_in_a_short_list(stored, path):
    stored = {name: t for name, t in stored.items() if not name.startswith("unet2.fsmn.")}
    message = refusal(stored, path)
    assert "16 missing: unet2.fsmn.fsmn_re_L1.linear.weight" in message
    assert "and 12 more" in message
    assert len(message) < 600


def test_one_of_two_duplicates_is_enough(stored, path, network, noisy):
    stored = {name: t for name, t in stored.items() if ".encoders." not in name}
    torch.save(stored, path)
    torch.testing.assert_close(load_weights(path).model(noisy), network(noisy))


def test_extra_tensors_are_named(stored, path):
    stored["unet.encoders.7.conv.weight"] = torch.zeros(3)
    assert "1 unknown: unet.encoders.7.conv.weight" in refusal(stored, path)


def test_a_misshaped_tensor_is_named_with_both_shapes(stored, path):
    for name in ("unet.encoders.2.bn.bn_re.bias", "unet.encoder2.bn.bn_re.bias"):
        stored[name] = torch.zeros(9)
    assert "unet.encoders.2.bn.bn_re.bias is [9] instead of [8]" in refusal(stored, path)


def test_unequal_duplicates_are_an_error(stored, path):
    stored["unet2.se_layer_dec3.fc_r.0.bias"] = stored["unet2.se_layer_dec3.fc_r.0.bias"] + 1e-6
    message = refusal(stored, path)
    assert "unet2.se_layers_dec.3.fc_r.0.bias and unet2.se_layer_dec3.fc_r.0.bias" in message


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers_are_refused(network, path, poison):
    stored = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    stored["unet.fsmn_dec.2.fsmn_im_L1.project.weight"][3, 1] = poison
    message = refusal(stored, path)
    assert "NaN or infinite numbers in unet.fsmn_dec.2.fsmn_im_L1.project.weight" in message


def test_another_transform_is_refused(stored, path):
    stored["stft.weight"] = stored["stft.weight"] * torch.linspace(0.9, 1.1, 640)
    assert "another short-time Fourier transform: stft.weight" in refusal(stored, path)


def test_another_size_of_transform_is_refused(stored, path):
    stored["istft.enframe"] = torch.eye(512)[:, None]
    assert "another short-time Fourier transform: istft.enframe" in refusal(stored, path)


def test_quantised_weights_are_refused(network, path):
    stored = network.state_dict()
    stored["unet.linear.conv_re.weight"] = torch.ones(1, 1, 1, 1, dtype=torch.int8)
    assert "unet.linear.conv_re.weight as torch.int8" in refusal(stored, path)


def test_another_network_is_refused_with_what_it_has(path):
    message = refusal(torch.nn.Sequential(torch.nn.Linear(3, 4)).state_dict(), path)
    assert "not an FRCRN checkpoint" in message
    assert "0.weight, 0.bias" in message


def test_channels_that_the_network_cannot_have_are_refused(network, path):
    stored = network.state_dict()
    stored["unet.encoders.0.conv.conv_re.weight"] = torch.zeros(12, 1, 5, 2)
    assert "another architecture: channels must be a positive multiple of 8" in refusal(
        stored, path
    )


def test_a_configuration_that_the_tensors_contradict_is_refused(network, path):
    content = {"model": network.state_dict(), "config": {"channels": 8, "unets": 1}}
    assert "contradicts itself" in refusal(content, path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({}, "an empty dict"),
        ([1, 2], "a list"),
        ({"epoch": 3, "model": {}}, "epoch is a int"),
        ({3: torch.zeros(1)}, "has the key 3"),
    ],
)
def test_files_without_a_state_dict_are_refused(content, found, path):
    assert found in refusal(content, path)


# Hostile and damaged files


class Bomb:
    """Unpickled, it would run a shell command that leaves a mark."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_code_in_a_checkpoint_is_refused_and_not_run(zipped, network, path, tmp_path):
    mark = tmp_path / "mark"
    content = {"model": network.state_dict(), "epoch": Bomb(mark)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"holds Python code \(\w+\.system\).*would run"):
        load_weights(path)
    assert not mark.exists()


def test_a_plain_pickle_with_code_is_refused_and_not_run(path, tmp_path):
    mark = tmp_path / "mark"
    path.write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(CheckpointError):
        load_weights(path)
    assert not mark.exists()


def test_a_whole_pickled_network_is_refused(network, path):
    torch.save(network, path)
    with pytest.raises(CheckpointError, match=r"holds Python code \(frcrn_app"):
        load_weights(path)


def test_a_torchscript_program_is_refused(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the format is old, and still met
        torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)).save(str(path))
    with pytest.raises(CheckpointError, match="TorchScript"):
        load_weights(path)


def test_a_compressed_archive_is_refused(network, path, tmp_path):
    torch.save(network.state_dict(), tmp_path / "plain.pt")
    with (
        zipfile.ZipFile(tmp_path / "plain.pt") as plain,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    with pytest.raises(CheckpointError, match="compressed archive"):
        load_weights(path)


@pytest.mark.parametrize("kept", [0.0, 0.001, 0.3, 0.9, 0.9999])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".legacy.bin"])
def test_a_truncated_file_is_called_damaged(kept, suffix, network, tmp_path):
    path = tmp_path / f"checkpoint{suffix}"
    if suffix == ".safetensors":
        save_weights(path, network)
    else:
        torch.save(network.state_dict(), path, _use_new_zipfile_serialization=suffix == ".pt")
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(CheckpointError, match="copy or fetch it again"):
        load_weights(path)


def test_a_flipped_bit_in_a_torch_file_is_noticed(network, path):
    torch.save(network.state_dict(), path)
    content = bytearray(path.read_bytes())
    weight = network.unet2.encoders[3].conv.conv_im.weight.detach().numpy().tobytes()
    content[content.index(weight) + 100] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        load_weights(path)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".bin", ".wav"])
@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n" + bytes(500), b"hello\n", b"\xff" * 64, b"<html>404</html>"],
    ids=["picture", "text", "ones", "page"],
)
def test_what_is_no_checkpoint_is_said_to_be_none(content, suffix, tmp_path):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged or not a checkpoint"):
        load_weights(path)


def test_a_lying_safetensors_header_is_refused(tmp_path):
    path = tmp_path / "lying.safetensors"
    save_file({"a": torch.zeros(4)}, path)
    content = path.read_bytes()
    path.write_bytes((2**60).to_bytes(8, "little") + content[8:])
    with pytest.raises(CheckpointError, match="damaged"):
        load_weights(path)


# Command line


def test_weights_list_marks_what_auto_takes(network, monkeypatch, capsys):
    assert main(["weights", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith("*")] == [["*", "frcrn-small"]]
    assert any("frcrn-16k" in line and "can be fetched" in line for line in lines)
    install_official("frcrn-16k", network, monkeypatch)
    main(["weights", "list"])
    assert capsys.readouterr().out.startswith("*  frcrn-16k")


def test_weights_verify_names_what_is_broken_and_goes_on(network, monkeypatch, capsys):
    path = install_official("frcrn-16k", network, monkeypatch)
    path.write_bytes(path.read_bytes()[:-1])
    assert main(["weights", "verify"]) == 1
    out, complaint = capsys.readouterr()
    assert "frcrn-small: whole. " in out
    assert "frcrn-16k: wrong. The file" in complaint


def test_weights_verify_of_one_name_or_path(network, tmp_path, capsys):
    path = save_weights(tmp_path / "own.safetensors", network)
    assert main(["weights", "verify", str(path)]) == 0
    assert "8 channels, 2 U-Net(s); no known sha256" in capsys.readouterr().out
    assert main(["weights", "verify", str(tmp_path / "absent")]) == 2


def test_weights_fetch_of_an_unknown_name_is_a_usage_error(capsys):
    assert main(["weights", "fetch", "frcrn-small"]) == 2
    assert "there are: frcrn-16k, frcrn-se-16k" in capsys.readouterr().err


def test_the_embedded_weights_say_what_they_are():
    entry = load_weights(checkpoints.EMBEDDED).entry
    assert entry.licence == "CC-BY-SA-4.0"
    assert entry.source == "weights/MODEL_CARD.md"
    assert "trained by this project" in entry.title
