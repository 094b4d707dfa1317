"""Saved weights give the same network again, and a failed save costs nothing."""

import os

import pytest
import torch

from frcrn_app import files
from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.weights import load_weights, save_weights


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

    monkeypatch.setattr(files.os, "replace", full_disk)
    with pytest.raises(OSError, match="no space"):
        save_weights(path, network, half=False)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["own.safetensors"]
