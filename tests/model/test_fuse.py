"""The inference form is the same function as the training form, for any length and batch."""

import pytest
import torch
from golden.seeded import seeded_state, waveform

from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.model import fuse as fuse_module
from frcrn_app.model.fuse import fuse


@pytest.fixture(scope="module", params=[(16, 2), (32, 1)], ids=["16x2", "32x1"])
def network(request) -> FRCRN:
    model = FRCRN(FRCRNConfig(*request.param)).eval().requires_grad_(False)
    model.load_state_dict(seeded_state(model))
    return model


@pytest.mark.parametrize("length", [1, 640, 1_000, 20_001])
def test_float32_equals_the_training_form(network, length):
    noisy = waveform(length)
    torch.testing.assert_close(fuse(network)(noisy), network(noisy), rtol=0, atol=1e-4)


def test_full_size_equals_the_training_form():
    model = FRCRN().eval().requires_grad_(False)
    model.load_state_dict(seeded_state(model))
    noisy = waveform(8_000)
    torch.testing.assert_close(fuse(model)(noisy), model(noisy), rtol=0, atol=1e-4)


def test_bfloat16_stays_close(network):
    noisy = waveform(16_000)
    expected = network(noisy)
    difference = fuse(network, torch.bfloat16)(noisy) - expected
    assert difference.square().mean() < 1e-3 * expected.square().mean()


def test_chunks_of_frames_do_not_show(network, monkeypatch):
    """Layers work through their frames in chunks; how long these are changes nothing."""
    noisy = waveform(48_000)
    whole = fuse(network)(noisy)
    monkeypatch.setattr(fuse_module, "CHUNK", 1 << 14)
    torch.testing.assert_close(fuse(network)(noisy), whole, rtol=0, atol=1e-4)


def test_a_batch_gives_what_its_members_give_alone(network):
    fused = fuse(network)
    batch = torch.cat([waveform(9_600, seed) for seed in (1, 2, 3)])
    alone = torch.cat([fused(member[None]) for member in batch])
    torch.testing.assert_close(fused(batch), alone, rtol=0, atol=1e-5)


def test_every_layer_reports_and_may_stop_the_call(network):
    fused = fuse(network)
    seen = []
    fused.on_layer = lambda: seen.append(1)
    fused(waveform(3_200))
    assert len(seen) == fused.layers

    def stop() -> None:
        raise KeyboardInterrupt

    fused.on_layer = stop
    with pytest.raises(KeyboardInterrupt):
        fused(waveform(3_200))


def test_the_network_itself_stays_as_it_is(network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fuse(network, torch.bfloat16)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_integers_are_refused(network):
    with pytest.raises(ValueError, match="dtype"):
        fuse(network, torch.int8)
