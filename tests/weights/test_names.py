"""Names, folders and checksums: which file is meant, and whether it is the known one."""

import pytest
import torch
from safetensors import safe_open

from frcrn_app.errors import CheckpointError
from frcrn_app.weights import (
    EMBEDDED,
    EMBEDDED_FOLDER,
    folder,
    list_weights,
    listing,
    load_weights,
    save_weights,
    weights_folder,
)
from networks import SMALL, other_weights


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
    assert loaded.entry.name == EMBEDDED
    assert loaded.checksum_known
    assert loaded.entry.licence != "unknown"
    assert loaded.model(noisy).isfinite().all()


def test_embedded_weights_are_small_and_in_half_precision():
    path = EMBEDDED_FOLDER / f"{EMBEDDED}.safetensors"
    with safe_open(path, "pt") as file:
        dtypes = {name: file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118
    kernels = {n: d for n, d in dtypes.items() if ".encoders.1.conv." in n and n.endswith("weight")}
    assert set(kernels.values()) == {torch.float16}
    assert dtypes["unet.encoders.1.bn.bn_re.running_var"] == torch.float32


def test_official_weights_are_the_default_once_they_are_there(install_official, network):
    path = install_official("frcrn-se-16k")
    entry = next(entry for entry in list_weights() if entry.name == "frcrn-se-16k")
    assert (entry.present, entry.path) == (True, path)
    assert load_weights("auto").entry.name == "frcrn-se-16k"
    assert load_weights("auto").entry.licence == "Apache-2.0"


def test_official_weights_are_known_wherever_they_lie(install_official, network, tmp_path):
    path = install_official("frcrn-16k")
    moved = path.rename(tmp_path / "renamed.bin")
    assert load_weights(moved).entry.licence == "Apache-2.0"


def test_a_known_name_needs_the_known_bytes(install_official, network):
    path = install_official("frcrn-16k")
    torch.save(other_weights(network), path)
    with pytest.raises(CheckpointError, match=r'not the published "frcrn-16k".*weights fetch'):
        load_weights("frcrn-16k")


def test_changed_embedded_weights_are_refused(tmp_path, monkeypatch, network):
    save_weights(tmp_path / "frcrn-small.safetensors", network)
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  frcrn-small.safetensors\n")
    for module in (folder, listing):
        monkeypatch.setattr(module, "EMBEDDED_FOLDER", tmp_path)
    with pytest.raises(CheckpointError, match="give weights of your own another name"):
        load_weights()


def test_official_weights_that_are_absent_say_how_to_get_them():
    with pytest.raises(CheckpointError, match=r"weights fetch frcrn-16k.*477a2f82"):
        load_weights("frcrn-16k")


def test_own_safetensors_in_the_weights_folder_have_a_name(network):
    folder = weights_folder()
    save_weights(folder / "mine.safetensors", network, metadata={"title": "Mine"})
    (folder / "broken.safetensors").write_bytes(b"nothing")
    named = {entry.name: entry for entry in list_weights()}
    assert (named["mine"].title, named["mine"].config) == ("Mine", SMALL)
    assert "broken" not in named
    assert load_weights("mine").config == SMALL


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(CheckpointError, match=r'"frcm".*auto, frcrn-16k, frcrn-se-16k'):
        load_weights("frcm")


def test_the_embedded_weights_say_what_they_are():
    entry = load_weights(EMBEDDED).entry
    assert entry.licence == "CC-BY-SA-4.0"
    assert entry.source == "weights/MODEL_CARD.md"
    assert "trained by this project" in entry.title
