"""The inference form computes what the training form computes, however its work is cut."""

import copy

import pytest
import torch

from frcrn_app.errors import Cancelled
from frcrn_app.inference import fuse
from frcrn_app.inference.fused import products
from frcrn_app.model import FRCRN
from golden.seeded import seeded_network, waveform

# The ends are lone frames divided by a vanishing window, which magnifies rounding.
INNER = slice(20, -20)
CAUSAL = {"causal": True, "lookahead": 2}


@pytest.fixture(scope="module")
def network() -> FRCRN:
    return seeded_network(16, 2)


@pytest.fixture(scope="module")
def fused(network):
    return fuse(network)


def relative(difference: torch.Tensor, expected: torch.Tensor) -> float:
    return (difference[:, INNER].norm() / expected[:, INNER].norm()).item()


@pytest.mark.parametrize("length", [1, 640, 900, 5_000, 16_000, 20_001])
def test_float32_equals_the_training_form(network, fused, length):
    noisy = waveform(length)
    enhanced, expected = fused(noisy), network(noisy)
    assert enhanced.shape == expected.shape
    assert enhanced.dtype == torch.float32
    torch.testing.assert_close(enhanced[:, INNER], expected[:, INNER], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "further"),
    [
        ((8, 1), {}),
        ((24, 1), {}),
        ((128, 2), {}),
        ((24, 1, 2), {}),
        ((16, 2, 3), {"context": 12}),
        ((16, 1, 3), {"attention": 4}),  # of the 13 frames that there are
        ((16, 2, 3), {"attention": 3, "real": True, "context": 12}),
        ((24, 2, 3), {"real": True, "context": 12}),
        ((16, 1, 3), CAUSAL | {"real": True}),
        ((16, 1), CAUSAL),
        ((16, 2, 3), CAUSAL | {"context": 12}),
        ((64, 1, 2), {"causal": True}),  # wide enough for frames that share products
    ],
)
def test_other_sizes_and_directions(size, further):
    network, noisy = seeded_network(*size, **further), waveform(4_000)
    enhanced, expected = fuse(network)(noisy), network(noisy)
    torch.testing.assert_close(enhanced[:, INNER], expected[:, INNER], rtol=0, atol=1e-4)


@pytest.mark.parametrize("further", [{}, CAUSAL], ids=["both ways", "causal"])
def test_working_in_chunks_changes_nothing(further, monkeypatch):
    """Attention takes the whole recording, and frames at the cuts see their neighbours."""
    fused, noisy = fuse(seeded_network(16, 2, **further)), waveform(20_001)
    whole = fused(noisy)
    monkeypatch.setattr(products, "CHUNK", 10_000)  # the first layers take eight chunks
    torch.testing.assert_close(fused(noisy)[:, INNER], whole[:, INNER], rtol=0, atol=1e-6)


@pytest.mark.parametrize("length", [1, 16_000, 16_320, 16_640])
def test_frames_that_share_products(length, monkeypatch):
    """Wide layers compute three frames at once, whatever number is left over, and in chunks."""
    network, noisy = seeded_network(products.TILED_CHANNELS // 2, 1), waveform(length)
    monkeypatch.setattr(products, "CHUNK", 100_000)
    fused, expected = fuse(network), network(noisy)
    assert any(getattr(module, "tiled", False) for module in fused.modules())
    torch.testing.assert_close(fused(noisy)[:, INNER], expected[:, INNER], rtol=0, atol=1e-5)


@pytest.mark.parametrize("together", [False, True])
def test_a_batch_equals_its_members_one_by_one(fused, together, monkeypatch):
    """Processors take the recordings of a batch one by one, graphics cards together."""
    noisy = torch.cat([waveform(8_000, seed) for seed in range(3)])
    one_by_one = torch.cat([fused(row[None]) for row in noisy])
    if together:

        def late_mask(spectrum, on_layer):
            return fused._mask(spectrum.permute(0, 3, 1, 2), on_layer, None).permute(0, 2, 3, 1)

        monkeypatch.setattr(fused, "late_mask", late_mask)
    torch.testing.assert_close(fused(noisy)[:, INNER], one_by_one[:, INNER], rtol=0, atol=1e-5)


@pytest.mark.parametrize("channels", [8, 32])
def test_bfloat16_stays_near(channels):
    network, noisy = seeded_network(channels, 1), waveform(5_000)
    expected = network(noisy)
    enhanced = fuse(network, torch.bfloat16)(noisy)
    assert enhanced.dtype == torch.float32
    assert 0 < relative(enhanced - expected, expected) < 0.03


def test_silence_gives_silence(fused):
    assert not fused(torch.zeros(1, 5_000)).any()


def test_the_network_is_left_as_it_is():
    network = seeded_network(8, 1).train().requires_grad_(True)
    before = copy.deepcopy(network.state_dict())
    fused = fuse(network)
    noisy = waveform(3_000)
    enhanced = fused(noisy)
    assert network.training
    assert all(p.requires_grad for p in network.parameters())
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    torch.testing.assert_close(fused(noisy), enhanced, msg="it must not follow later training")


def test_its_layers_can_be_counted_and_stopped(fused):
    done = []
    fused(waveform(2_000), lambda: done.append(None))
    assert len(done) == fused.layers

    def stop():
        raise Cancelled

    with pytest.raises(Cancelled):
        fused(waveform(2_000), stop)


def test_a_precision_that_makes_no_sense_is_refused(network):
    with pytest.raises(ValueError, match="float32"):
        fuse(network, torch.int8)
