"""A causal network waits for no more than its look-ahead, at any level, and starts from others."""

import pytest
import torch

from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.model.past import MEMORY, Past, running_mean
from golden.seeded import seeded_network, waveform

HOP = 320
SETTINGS = [
    {"channels": 8, "unets": 1},
    {"channels": 8, "unets": 1, "inputs": 3, "context": 8},
    {"channels": 8, "unets": 2, "inputs": 2},
]


def network(lookahead: int, channels: int, unets: int, **further) -> FRCRN:
    return seeded_network(channels, unets, causal=True, lookahead=lookahead, **further)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("lookahead", [0, 1, 3])
def test_what_comes_later_than_the_delay_changes_nothing(settings, lookahead):
    model = network(lookahead, **settings)
    noisy, changed = waveform(8_000), waveform(8_000)
    known = 20 * HOP  # samples that are the same
    changed[:, known:] = 3 * waveform(8_000, seed=2)[:, known:]
    enhanced, other = model(noisy), model(changed)
    told = known - model.config.delay  # samples that can be told by then
    torch.testing.assert_close(enhanced[:, : told + 1], other[:, : told + 1], rtol=0, atol=1e-6)
    # And no sooner than it must: of the next hop the mask has already heard what was changed.
    assert (enhanced - other)[:, told + HOP : told + 2 * HOP].abs().max() > 1e-4


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("gain_db", [-40, 20])
def test_the_level_is_its_own_affair(settings, gain_db):
    model, noisy = network(1, **settings), waveform(16_000)
    gain = 10 ** (gain_db / 20)
    expected = model(noisy)
    torch.testing.assert_close(model(gain * noisy) / gain, expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("length", [1, 319, 640, 5_001])
def test_every_sample_comes_back(length):
    noisy = waveform(length)
    enhanced = network(2, 8, 1)(noisy)
    assert enhanced.shape == noisy.shape
    assert enhanced.isfinite().all()


def test_silence_and_what_follows_it_are_numbers():
    model = network(0, 8, 1, inputs=3)
    noisy = torch.cat((torch.zeros(1, 3_000), waveform(3_000), torch.zeros(1, 3_000)), 1)
    enhanced = model(noisy)
    assert enhanced.isfinite().all()
    assert not enhanced[:, : 3_000 - 640].any()


def test_trained_weights_of_the_other_direction_fit():
    trained = seeded_network(8, 1, 3, context=8)
    model = FRCRN(FRCRNConfig(8, 1, 3, context=8, causal=True, lookahead=1))
    model.load_state_dict(trained.state_dict())


def test_it_learns():
    model = FRCRN(FRCRNConfig(8, 1, 3, context=8, causal=True, lookahead=1)).train()
    noisy = waveform(8_000)
    model(noisy).square().mean().backward()
    gradients = [p.grad for name, p in model.named_parameters() if "context" not in name]
    used = [g for g in gradients if g is not None]
    assert all(g.isfinite().all() for g in used)
    assert sum(bool(g.abs().max() > 0) for g in used) > 0.9 * len(used)


def test_the_direction_is_part_of_the_configuration():
    config = FRCRNConfig(8, 1, causal=True, lookahead=2)
    assert FRCRNConfig.from_dict(config.to_dict()) == config
    assert not FRCRNConfig.from_dict({"channels": 8, "unets": 1}).causal, "as files of old say"


def test_a_running_mean_forgets():
    x = torch.cat((torch.zeros(1, 1000), torch.ones(1, 3 * MEMORY)), 1)
    mean = running_mean(x, None, "x")[0]
    assert not mean[:1000].any()
    assert mean[1000 + MEMORY - 1] == pytest.approx(1 - 1 / 2.71828, abs=0.01)
    assert mean[-1] > 0.94


def test_a_running_mean_in_pieces_is_that_of_the_whole():
    x, weight = torch.rand(2, 500, 3), torch.rand(2, 500)
    past = Past()
    pieces = [
        running_mean(x[:, start:stop], past, "x", weight[:, start:stop])
        for start, stop in ((0, 1), (1, 2), (2, 300), (300, 500))
    ]
    torch.testing.assert_close(torch.cat(pieces, 1), running_mean(x, None, "x", weight))


def test_a_weight_of_zero_has_no_part():
    x, weight = torch.tensor([[5.0, 1.0, 7.0]]), torch.tensor([[0.0, 1.0, 0.0]])
    assert running_mean(x, None, "x", weight).tolist() == [[0.0, 1.0, 1.0]]
