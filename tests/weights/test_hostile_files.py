"""Hostile and damaged files are refused, and nothing in them runs."""

import os
import pickle
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from frcrn_app.errors import CheckpointError
from frcrn_app.weights import load_weights, save_weights


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
