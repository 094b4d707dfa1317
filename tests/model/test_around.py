"""Means around a frame, and networks whose attention hears no farther than that."""

import pytest
import torch

from frcrn_app.model.around import mean_around
from golden.seeded import seeded_network, waveform


@pytest.mark.parametrize("frames", [1, 3, 9, 50])
def test_the_mean_is_over_what_there_is(frames):
    x = torch.randn(2, 10, 3, generator=torch.Generator().manual_seed(0))
    expected = torch.stack(
        [x[:, max(0, t - frames) : t + frames + 1].mean(1) for t in range(10)], 1
    )
    torch.testing.assert_close(mean_around(x, frames), expected)


def test_no_number_of_frames_is_all_of_them():
    x = torch.randn(2, 10, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mean_around(x, 0), x.mean(1, keepdim=True))


@pytest.mark.parametrize("attention", [20, 0])
def test_what_lies_far_away_changes_nothing(attention):
    """A network of limited attention cleans a scene alike, whatever came long before."""
    network = seeded_network(16, 1, attention=attention)
    scene, second = waveform(48_000), 16_000
    quiet, loud = (torch.cat((gain * waveform(160_000), scene), 1) for gain in (0.01, 3.0))
    with torch.no_grad():
        after_quiet, after_loud = (network(noisy)[:, -second:] for noisy in (quiet, loud))
    changed = (after_quiet - after_loud).norm() / after_quiet.norm()
    assert (changed < 1e-4) == bool(attention)


def test_training_examples_are_heard_whole():
    """At three seconds an example both kinds of mean are one, so the weights serve either way."""
    far, whole = seeded_network(16, 1, attention=151), seeded_network(16, 1)
    noisy, inner = waveform(48_000), slice(320, -320)  # the ends magnify rounding
    with torch.no_grad():
        torch.testing.assert_close(far(noisy)[:, inner], whole(noisy)[:, inner], rtol=0, atol=1e-5)
