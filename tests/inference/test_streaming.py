"""A stream gives what the whole recording gives, in chunks of any size: no clicks, no NaN."""

import io
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from frcrn_app.audio import Audio
from frcrn_app.cli.main import main
from frcrn_app.errors import AudioError, CheckpointError, UserError
from frcrn_app.inference import Denoiser, LiveDenoiser, LiveNetwork, push_together
from frcrn_app.inference.benchmark import live_as_markdown, run_live_benchmark
from frcrn_app.model.past import Past
from frcrn_app.weights import save_weights
from golden.seeded import seeded_network

LOOKAHEAD = 1


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> str:
    """A causal network of every kind of layer; its numbers are seeded, for none is trained yet."""
    model = seeded_network(8, 1, 3, context=8, causal=True, lookahead=LOOKAHEAD)
    path = tmp_path_factory.mktemp("live") / "live.safetensors"
    return str(save_weights(path, model, half=False))


@pytest.fixture(scope="module")
def network(weights) -> LiveNetwork:
    return LiveNetwork(weights, pairs=True)


@pytest.fixture(scope="module")
def noisy(noisy_speech) -> np.ndarray:
    """Two seconds, [samples] at 16 kHz."""
    return noisy_speech.samples[0, 16_000:48_000]


@pytest.fixture(scope="module")
def whole(weights, noisy) -> np.ndarray:
    """The whole recording as `Denoiser` cleans it."""
    return Denoiser(weights, "cpu", "float32")(Audio(noisy[None], 16_000)).samples[0]


def cleaned(live: LiveDenoiser, noisy: np.ndarray, chunk: int) -> np.ndarray:
    """All that comes out of a stream for [..., samples] in chunks."""
    parts = [
        live.push(noisy[..., start : start + chunk]) for start in range(0, noisy.shape[-1], chunk)
    ]
    end = live.flush()
    return np.concatenate([*parts, end if noisy.ndim == 2 else end[0]], -1)


@pytest.mark.parametrize("chunk", [1, 100, 320, 640, 777, 16_000])
def test_chunks_give_what_the_whole_gives(network, noisy, whole, chunk):
    samples = 3_000 if chunk == 1 else noisy.size  # the past alone counts: the start is the same
    out = cleaned(LiveDenoiser(network=network), noisy[:samples], chunk)
    assert out.shape == (samples,)
    same = samples if samples == noisy.size else samples - 640 - LOOKAHEAD * 320
    np.testing.assert_allclose(out[:same], whole[:same], rtol=0, atol=1e-4)
    assert np.abs(whole).max() > 0.01


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_any_rate(network, weights, noisy, rate):
    stereo = np.stack([noisy, noisy[::-1]])[:, :12_000]  # as if it had been recorded at that rate
    denoiser = Denoiser(weights, "cpu", "float32", full_band=False)
    expected = denoiser(Audio(stereo, rate)).samples
    few, many = (
        cleaned(LiveDenoiser(network=network, sample_rate=rate, channels=2), stereo, chunk)
        for chunk in (3_001, 480)
    )
    assert few.shape == stereo.shape
    np.testing.assert_allclose(few, many, rtol=0, atol=1e-4)
    same = stereo.shape[1] - rate // 20
    np.testing.assert_allclose(few[:, :same], expected[:, :same], rtol=0, atol=1e-4)


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_nothing_comes_later_than_the_delay_says(network, noisy, rate):
    live = LiveDenoiser(network=network, sample_rate=rate)
    assert live.delay >= 0.06
    assert live.delay < 0.08
    given = taken = 0
    for start in range(0, 9_600, 160):
        taken += live.push(noisy[start : start + 160]).size
        given += 160
        assert given - taken <= live.delay * rate + 1


def test_streams_of_one_network_do_not_touch_each_other(network, noisy):
    """They advance in one batch, join in the middle, and each gives what it gives alone."""
    recordings = [noisy[:9_600], 0.1 * noisy[9_600:19_200], noisy[12_000:21_600][::-1]]
    alone = [cleaned(LiveDenoiser(network=network), each, 320) for each in recordings]
    live = [LiveDenoiser(network=network) for _ in recordings]
    parts = [[] for _ in recordings]
    for step in range(32):
        present = [
            (i, each, recordings[i][(step - 2 * i) * 320 :][:320])
            for i, each in enumerate(live)
            if 0 <= step - 2 * i < 30 and not (i == 1 and step % 3 == 0)  # one of them stalls
        ]
        for (i, _, _), out in zip(
            present, push_together([(each, x) for _, each, x in present]), strict=True
        ):
            parts[i].append(out)
    for i in (0,):
        out = np.concatenate([*parts[i], live[i].flush()[0]])
        np.testing.assert_allclose(out, alone[i], rtol=0, atol=1e-5)
    out = np.concatenate(parts[2])
    np.testing.assert_allclose(out, alone[2][: out.size], rtol=0, atol=1e-5)


@pytest.mark.parametrize("count", [1, 2])
def test_recorded_frames_are_those_of_the_layers(network, noisy, count):
    """For any number of streams, also such as begin among others."""
    pasts = [[Past(1), Past(1)] for _ in range(2)]
    size = 320 * (count + 1)
    samples = noisy[: size * 9].reshape(3, 3, size)  # of three moments, three streams
    for moment in samples:
        frames = []
        for of, run in zip(pasts, (network._recorded[count], network._frames), strict=True):
            of.append(Past(1))  # one more begins
            past = Past.of([(each, 0) for each in of])
            with torch.inference_mode():
                frames.append(run(torch.from_numpy(moment).repeat(2, 1)[: len(of)], past))
            of[:] = past.apart()
        torch.testing.assert_close(*frames, rtol=0, atol=1e-5)


def test_threads_share_a_network(network, noisy):
    recordings = [noisy[start : start + 8_000] for start in (0, 8_000, 16_000)]
    alone = [cleaned(LiveDenoiser(network=network), each, 320) for each in recordings]
    with ThreadPoolExecutor(3) as threads:
        shared = threads.map(
            lambda each: cleaned(LiveDenoiser(network=network), each, 320), recordings
        )
        for out, expected in zip(shared, alone, strict=True):
            np.testing.assert_allclose(out, expected, rtol=0, atol=1e-5)


def test_after_a_reset_it_is_as_new(network, noisy):
    live = LiveDenoiser(network=network)
    first = cleaned(live, noisy[:4_000], 500)
    live.push(noisy[::-1][:3_000])
    live.reset()
    np.testing.assert_array_equal(cleaned(live, noisy[:4_000], 500), first)


def test_the_original_is_aligned_with_the_cleaned(network, noisy):
    """Strength may change at any time, and 0 gives back the very samples."""
    live = LiveDenoiser(network=network, strength=0)
    np.testing.assert_array_equal(cleaned(live, noisy[:4_000], 500), noisy[:4_000])
    live.strength = 0.5
    half = cleaned(live, noisy[:4_000], 500)
    full = cleaned(LiveDenoiser(network=network), noisy[:4_000], 500)
    np.testing.assert_allclose(half, (full + noisy[:4_000]) / 2, atol=1e-6)
    with pytest.raises(UserError):
        live.strength = 1.5


def test_what_is_broken_passes_by(network, noisy):
    """NaN, far too loud, silence, clipping: later samples are numbers, and silence is silent."""
    bad = [
        np.full(1_000, np.nan, np.float32),
        np.full(1_000, 1e30, np.float32),
        np.full(1_000, -np.inf, np.float32),
        np.zeros(3_200, np.float32),
        np.sign(noisy[:3_200]),
    ]
    live = LiveDenoiser(network=network)
    out = np.concatenate([live.push(x) for x in [*bad, noisy[:8_000]]] + [live.flush()[0]])
    assert out.size == sum(x.size for x in bad) + 8_000
    assert np.isfinite(out).all()
    quiet = slice(3_000 + 1_600, 6_200 - 1_600)
    assert not out[quiet].any()


def test_no_click_at_the_start(network, noisy):
    """The first samples are no larger than those after them."""
    out = np.abs(cleaned(LiveDenoiser(network=network), noisy[4_000:8_000], 320))
    assert out[:20].max() <= 1.5 * out[20:640].max()


def test_other_chunks_than_the_stream_was_opened_for(network):
    with pytest.raises(AudioError) as refused:
        LiveDenoiser(network=network).push(np.zeros((2, 10), np.float32))
    assert refused.value.code == "inference.live_channels"
    with pytest.raises(AudioError) as refused:
        LiveDenoiser(network=network, sample_rate=384_000)
    assert refused.value.code == "inference.live_rate"


def test_weights_that_cannot_run_live_are_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(CheckpointError) as refused:
        LiveDenoiser("frcrn-small")
    assert refused.value.code == "inference.live_not_causal"


def test_the_command_cleans_pcm(weights, noisy, monkeypatch, capsysbinary):
    pcm = np.rint(noisy[:8_000] * 32768).astype("<i2")

    class Pipe(io.BytesIO):
        def read1(self, size=-1):
            return super().read1(777)  # an odd number: samples are cut in two

    monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": Pipe(pcm.tobytes())}))
    assert main(["live", "--pcm", "--weights", weights]) == 0
    out = np.frombuffer(capsysbinary.readouterr().out, "<i2")
    live = LiveDenoiser(weights)
    expected = cleaned(live, pcm.astype(np.float32) / 32768, 320)
    assert out.size == pcm.size
    assert np.abs(out / 32768 - expected).max() < 1e-4


def test_the_benchmark_counts_streams(weights):
    measured = run_live_benchmark(weights, streams=(1, 3), seconds=0.4)
    assert [row["streams"] for row in measured["results"]] == [1, 3]
    for row in measured["results"]:
        assert 0 < row["median_ms"] <= row["p99_ms"]
        assert row["real_time_factor"] == pytest.approx(row["median_ms"] / 20)
    assert live_as_markdown(measured).count("\n| ") == 4
