"""What repeats is recorded, if that is right and faster. Recording itself needs a card."""

import pytest
import torch

from frcrn_app.inference import fuse
from frcrn_app.inference import graphs as cuda_graphs
from frcrn_app.inference.graphs import GraphedNetwork
from frcrn_app.model import FRCRN, SAMPLE_RATE, FRCRNConfig


@pytest.fixture(scope="module")
def network():
    return fuse(FRCRN(FRCRNConfig(8, 1)))


class Clock:
    """By it the network takes a second, and recordings as much longer as they say."""

    now = 0.0

    def perf_counter(self):
        self.now += 1
        return self.now


clock = Clock()


@pytest.fixture(autouse=True)
def told(monkeypatch):
    monkeypatch.setattr(cuda_graphs, "time", clock)


class Recorder:
    """Records by keeping the right answer of the sound that was recorded for each sound."""

    def __init__(self, spoil=lambda enhanced: enhanced, longer=-0.5):
        self.recorded, self.played, self._spoil, self._longer = [], 0, spoil, longer

    def __call__(self, model, example):
        self.recorded.append(example.shape)
        answers = {}

        def play(windows):
            self.played += 1
            key = windows.numpy().tobytes()
            if key not in answers:
                answers[key] = self._spoil(model(windows))
            clock.now += self._longer
            return answers[key].clone()

        return play


def _sound(seconds, seed=0, count=1):
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(count, round(seconds * SAMPLE_RATE), generator=generator)


def test_what_repeats_is_recorded_once_and_sounds_the_same(network):
    recorder = Recorder()
    graphed = GraphedNetwork(network, recorder)
    for seed in range(4):
        torch.testing.assert_close(graphed(_sound(1, seed)), network(_sound(1, seed)))
    graphed(_sound(1.5))
    assert recorder.recorded == [(1, SAMPLE_RATE)]
    played = recorder.played
    graphed(_sound(1, 9))
    assert recorder.played == played + 1
    graphed(_sound(1, 9, count=2))  # another shape
    assert recorder.played == played + 1


@pytest.mark.parametrize(
    ("recorder", "reason"),
    [
        (Recorder(spoil=lambda enhanced: enhanced + 1), "differs"),
        (Recorder(spoil=lambda enhanced: enhanced * float("nan")), "differs"),
        (Recorder(longer=10), ""),
    ],
    ids=["wrong", "not a number", "slow"],
)
def test_a_recording_that_is_wrong_or_slow_is_not_used(network, recorder, reason, caplog):
    graphed = GraphedNetwork(network, recorder)
    graphed(_sound(1))
    graphed(_sound(1))
    played = recorder.played
    torch.testing.assert_close(graphed(_sound(1)), network(_sound(1)))
    assert recorder.played == played
    assert len(recorder.recorded) == 1  # and not tried again
    assert reason in caplog.text


def test_what_cannot_be_recorded_is_computed(network, caplog):
    def record(model, example):
        raise torch.OutOfMemoryError("no room for a graph")

    graphed = GraphedNetwork(network, record)
    for _ in range(3):
        torch.testing.assert_close(graphed(_sound(1)), network(_sound(1)))
    assert caplog.text.count("no room for a graph") == 1


def test_progress_is_no_part_of_a_recording(network):
    layers = []
    graphed = GraphedNetwork(network, Recorder())
    for _ in range(3):
        graphed(_sound(1), lambda: layers.append(1))
    # Of the first two calls, none of recording, timing and playing.
    assert len(layers) == 2 * network.layers


def test_memory_is_kept_for_few_and_short_sounds(network, monkeypatch):
    monkeypatch.setattr(cuda_graphs, "RECORDED", 2)
    monkeypatch.setattr(cuda_graphs, "LONGEST", 2 * SAMPLE_RATE)
    recorder = Recorder()
    graphed = GraphedNetwork(network, recorder)
    for seconds in (1, 1.1, 1.2, 2.5):
        graphed(_sound(seconds))
        graphed(_sound(seconds))
    assert [shape[1] for shape in recorder.recorded] == [16_000, 17_600, 19_200]
    graphed(_sound(1))  # the oldest has been given up
    assert len(recorder.recorded) == 4


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA")
def test_a_cuda_graph_sounds_like_the_network():
    network = fuse(FRCRN(FRCRNConfig(16, 2)).cuda(), torch.bfloat16)
    graphed = GraphedNetwork(network)
    for seed in range(4):
        sound = _sound(2, seed).cuda()
        expected = network(sound)
        assert (graphed(sound) - expected).abs().max() < 0.01 * expected.abs().max()
    assert graphed._recordings
