"""What a user gets: length, level and rate kept, silence silent, no seams, noise gone."""

import gc
import os
import pickle
import signal
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from frcrn_app import metrics
from frcrn_app.audio import Audio, load_audio, rms_dbfs
from frcrn_app.errors import AudioError, Cancelled, CheckpointError, DeviceError, UserError
from frcrn_app.inference import Denoiser, window_starts
from frcrn_app.inference.windows import OVERLAP, cross_fade, longest_samples, window_length
from frcrn_app.model import FRCRNConfig
from frcrn_app.weights import save_weights
from golden.seeded import seeded_network

# dB of SI-SDR over the example pairs, of which the embedded weights reach 6.6.
LEAST_MEAN_GAIN = 6.0


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return Denoiser(device="cpu", precision="float32")


@pytest.fixture(scope="module")
def cleaned_examples(denoiser, example_pairs) -> list[np.ndarray]:
    """The noisy examples, cleaned, each [samples]."""
    return [denoiser(load_audio(noisy)).samples[0] for noisy, _ in example_pairs]


@pytest.fixture(scope="module")
def seeded(tmp_path_factory) -> str:
    """Weights of a small network, for what windows, batches and devices do to any network."""
    path = tmp_path_factory.mktemp("seeded") / "seeded.safetensors"
    return str(save_weights(path, seeded_network(8, 1), half=False))


def test_noise_goes_and_speech_stays(cleaned_examples, example_pairs):
    gains = []
    for enhanced, paths in zip(cleaned_examples, example_pairs, strict=True):
        noisy, clean = (load_audio(path).samples[0] for path in paths)
        gains.append(metrics.si_sdr(clean, enhanced) - metrics.si_sdr(clean, noisy))
    assert np.mean(gains) >= LEAST_MEAN_GAIN, f"SI-SDR gains in dB: {np.round(gains, 1)}"


@pytest.mark.parametrize(
    ("rate", "channels", "samples"),
    [
        (8_000, 1, 4_001),
        (16_000, 1, 1),
        (16_000, 1, 12_345),
        (44_100, 2, 30_000),
        (192_000, 1, 9_999),
    ],
)
def test_rate_channels_and_length_come_back(denoiser, rate, channels, samples):
    rng = np.random.default_rng(0)
    noisy = Audio((0.1 * rng.standard_normal((channels, samples))).astype(np.float32), rate)
    enhanced = denoiser(noisy)
    assert enhanced.sample_rate == rate
    assert enhanced.samples.shape == noisy.samples.shape
    assert enhanced.samples.dtype == np.float32
    assert np.isfinite(enhanced.samples).all()


def test_strength_zero_is_the_very_same_samples(denoiser, noisy_speech):
    assert np.array_equal(denoiser(noisy_speech, strength=0).samples, noisy_speech.samples)


def test_strength_mixes(denoiser, noisy_speech):
    full, half = denoiser(noisy_speech).samples, denoiser(noisy_speech, strength=0.5).samples
    np.testing.assert_allclose(half, (full + noisy_speech.samples) / 2, atol=1e-6)


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan")])
def test_strength_outside_its_range_is_refused(denoiser, noisy_speech, strength):
    with pytest.raises(UserError) as refused:
        denoiser(noisy_speech, strength=strength)
    assert refused.value.code == "inference.strength"


@pytest.mark.parametrize("given", [np.zeros(100, np.float32), [0.0], "noisy.wav", None])
def test_what_is_no_audio_is_refused_in_a_sentence(denoiser, given):
    with pytest.raises(AudioError, match=r"takes Audio, not \w+") as refused:
        denoiser(given)
    assert refused.value.code == "inference.not_audio"


def test_samples_before_channels_are_refused(denoiser):
    """As soundfile gives them: each sample would be cleaned as a recording of its own."""
    with pytest.raises(AudioError) as refused:
        denoiser(Audio(np.zeros((16_000, 2), np.float32), 16_000))
    assert refused.value.code == "inference.transposed"


def test_a_view_is_cleaned_as_its_copy_is(denoiser, noisy_speech):
    backwards = noisy_speech.samples[:, ::-1]
    of_view = denoiser(noisy_speech.with_samples(backwards)).samples
    assert np.array_equal(of_view, denoiser(noisy_speech.with_samples(backwards.copy())).samples)


@pytest.mark.parametrize("option", ["batch_size", "window_seconds"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_an_option_that_cannot_be_is_refused(option, value):
    with pytest.raises(UserError) as refused:
        Denoiser(**{option: value})
    assert refused.value.code == "inference.not_positive"


def test_a_pickled_denoiser_gives_the_same_samples(seeded, noisy_speech):
    one = Denoiser(seeded, "cpu", "float32", window_seconds=5.0, full_band=False)
    other = pickle.loads(pickle.dumps(one))
    assert (other.full_band, other.sha256) == (False, one.sha256)
    assert np.array_equal(one(noisy_speech).samples, other(noisy_speech).samples)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # it has threads, indeed
def test_a_fork_of_a_process_that_has_cleaned_cleans_as_well(denoiser, noisy_speech):
    """Without a word of ours it would wait for its parent's threads for ever."""
    torch.set_num_threads(2)
    ours = denoiser(noisy_speech).samples
    if (fork := os.fork()) == 0:
        signal.alarm(60)
        theirs = denoiser(noisy_speech).samples
        os._exit(0 if np.allclose(theirs, ours, atol=1e-5) else 1)
    assert os.waitpid(fork, 0)[1] == 0


def test_silence_stays_silence(denoiser):
    silence = Audio(np.zeros((2, 48_000), np.float32), 48_000)
    assert not denoiser(silence).samples.any()


@pytest.mark.parametrize("gain_db", [-30, 15])
def test_the_level_is_given_back(denoiser, noisy_speech, gain_db):
    """The same audio at another level comes out the same, at that level."""
    gain = np.float32(10 ** (gain_db / 20))
    reference = denoiser(noisy_speech).samples
    other = denoiser(noisy_speech.with_samples(noisy_speech.samples * gain)).samples
    difference = other / gain - reference
    assert rms_dbfs(difference) < rms_dbfs(reference) - 40


def test_channels_are_cleaned_apart(denoiser, noisy_speech):
    mono = noisy_speech.samples
    other = mono[:, ::-1] * np.float32(0.3)
    both = denoiser(noisy_speech.with_samples(np.concatenate([mono, other]))).samples
    for channel, samples in zip(both, (mono, other), strict=True):
        alone = denoiser(noisy_speech.with_samples(np.ascontiguousarray(samples))).samples[0]
        np.testing.assert_allclose(channel, alone, atol=1e-5)


@pytest.mark.parametrize("window_seconds", [None, 5])
def test_rumble_below_hearing_changes_next_to_nothing(noisy_speech, window_seconds):
    """Not even where it is as loud as the sound, which it would otherwise quieten."""
    denoiser = Denoiser(device="cpu", precision="float32", window_seconds=window_seconds)
    noisy = noisy_speech.samples
    seconds = np.arange(noisy.shape[1], dtype=np.float32) / noisy_speech.sample_rate
    rumble = np.sqrt(2 * np.mean(noisy**2)) * np.sin(2 * np.pi * 8 * seconds) + 0.05
    reference = denoiser(noisy_speech).samples
    difference = denoiser(noisy_speech.with_samples(noisy + rumble)).samples - reference
    inner = slice(noisy_speech.sample_rate // 10, -noisy_speech.sample_rate // 10)
    assert rms_dbfs(difference[:, inner]) < rms_dbfs(reference) - 30


def windowed_and_whole(noisy: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """The sound [samples] cleaned in windows, and as one window; and how long the windows are."""
    audio = Audio(noisy[None], 16_000)
    windows, one = (
        Denoiser(device="cpu", precision="float32", window_seconds=longest)
        for longest in (None, audio.duration)
    )
    windowed, whole = windows(audio).samples[0], one(audio).samples[0]
    assert not np.array_equal(windowed, whole)
    return windowed, whole, windows.shape(audio)[0]


def test_windows_are_not_heard(example_pairs):
    """PESQ is that of the whole, there is no step at a seam."""
    [pair] = [pair for pair in example_pairs if pair[1].stem == "french_street"]
    noisy, clean = (np.tile(load_audio(path).samples[0], 9)[: 45 * 16_000] for path in pair)
    windowed, whole, window = windowed_and_whole(noisy)
    scores = [metrics.pesq_score(clean, enhanced) for enhanced in (windowed, whole)]
    assert scores[0] == pytest.approx(scores[1], abs=0.01)
    # Where one window hands over to the next, the two differ no more than they do around it.
    difference = np.abs(windowed - whole)
    for start in window_starts(len(clean), window)[1:]:
        begin, end = start + OVERLAP // 2, start + OVERLAP
        around = [difference[begin - 80_000 : begin], difference[end : end + 80_000]]
        assert difference[begin:end].max() < max(0.02, np.concatenate(around).max())


def test_windows_serve_where_speaker_and_noise_change(example_pairs):
    """In whatever windows, the network hears the scene that it cleans, not the mean of several."""
    scenes = [[load_audio(path).samples[0] for path in pair] for pair in example_pairs]
    noisy, clean = (np.concatenate(part) for part in zip(*scenes, strict=True))
    ends = np.cumsum([len(scene[0]) for scene in scenes])
    windowed, whole, _ = windowed_and_whole(noisy)
    scores = [
        np.mean(
            [
                metrics.pesq_score(clean[start:end], enhanced[start:end])
                for start, end in pairwise([0, *ends])
            ]
        )
        for enhanced in (windowed, whole)
    ]
    assert scores[0] > scores[1] - 0.01, scores


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_batches_of_windows_equal_single_windows(seeded, noisy_speech, precision):
    single = Denoiser(seeded, "cpu", precision, window_seconds=4)
    batched = Denoiser(seeded, "cpu", precision, window_seconds=4, batch_size=3)
    a, b = single(noisy_speech).samples, batched(noisy_speech).samples
    bound = {"float32": -80, "bfloat16": -35}[precision]
    assert rms_dbfs(a - b) < rms_dbfs(a) + bound


def test_sounds_that_share_a_batch_come_out_as_alone(seeded, noisy_speech):
    """Two users' sounds of equal length, one of another, a broken and a cancelled one."""
    alone = Denoiser(seeded, "cpu", "float32")
    shared = Denoiser(seeded, "cpu", "float32", batch_size=4)
    batches = []
    run = shared._placement.compute
    watch(shared, lambda windows, *how: batches.append(len(windows)) or run(windows, *how))
    piece = noisy_speech.samples[:, : 3 * 16_000]
    sounds = [
        Audio(piece, 16_000),
        Audio(0.1 * piece[:, ::-1].copy(), 16_000),
        Audio(piece[:, :20_000], 16_000),
        Audio(np.full_like(piece, np.nan), 16_000),
        Audio(piece, 16_000),
    ]

    def cancel(done, total):
        if done:
            raise Cancelled

    strengths = [1.0, 0.5, 1.0, 1.0, 1.0]
    progress = [None, None, None, None, cancel]
    outcomes = shared.together(list(zip(sounds, strengths, progress, strict=True)))
    assert sorted(batches) == [1, 3]
    for sound, strength, outcome in zip(sounds[:3], strengths, outcomes, strict=False):
        np.testing.assert_allclose(outcome.samples, alone(sound, strength).samples, atol=1e-5)
    assert isinstance(outcomes[3], AudioError)
    assert isinstance(outcomes[4], Cancelled)


def test_bfloat16_sounds_like_float32(denoiser, example_pairs):
    """Two seconds of two examples: processors without bfloat16 take long over it."""
    low = Denoiser(device="cpu", precision="bfloat16")
    differences = []
    for paths in example_pairs[:2]:
        noisy, clean = (load_audio(path).samples[:, 16_000:48_000] for path in paths)
        scores = [
            metrics.pesq_score(clean[0], d(Audio(noisy, 16_000)).samples[0])
            for d in (denoiser, low)
        ]
        differences.append(scores[1] - scores[0])
    assert abs(np.mean(differences)) < 0.01


@pytest.mark.parametrize(
    ("samples", "window"),
    [(10, 100_000), (100_000, 100_000), (100_001, 100_000), (999_999, 100_000)],
)
def test_windows_cover_everything_with_real_samples(samples, window):
    starts = window_starts(samples, window)
    assert starts[0] == 0
    assert starts[-1] + window >= samples
    if samples > window:
        assert starts[-1] + window == samples, "the last window is moved back, not padded"
    for a, b in pairwise(starts):
        assert b - a <= window - OVERLAP, "neighbours overlap by what the cross-fade needs"


def test_one_window_fades_into_the_next():
    """Slowly, when the second one's memory has filled up (39 frames, 0.8 s), and before the first
    one runs out of frames that follow; what is padded to a whole window is left out."""
    enhanced = np.zeros(7 * 16_000, np.float32)
    for number, level in enumerate((0.25, 0.5, 1)):
        cross_fade(enhanced, np.full(4 * 16_000, level, np.float32), 2 * 16_000 * number)
    assert (enhanced[: 2 * 16_000 + 12_800] == 0.25).all()
    assert (enhanced[4 * 16_000 - 6_400 : 4 * 16_000 + 12_800] == 0.5).all()
    assert (enhanced[6 * 16_000 - 6_400 :] == 1).all()
    steps = np.diff(enhanced)
    assert steps.min() >= 0
    assert steps.max() < 1 / 4_000


@pytest.mark.parametrize(("seconds", "samples"), [(1, 64_000), (5.001, 80_320), (40, 640_000)])
def test_windows_are_whole_frames_with_room_for_two_overlaps(seconds, samples):
    assert longest_samples(seconds, FRCRNConfig()) == samples


@pytest.mark.parametrize(
    ("seconds", "window", "windows"),
    [(3, 3, 1), (40, 40, 1), (41, 22, 2), (60, 31, 2), (120, 32, 4), (3600, 40, 95)],
)
def test_what_is_long_passes_in_windows_that_share_it_evenly(denoiser, seconds, window, windows):
    stereo = Audio(np.zeros((2, seconds * 8_000), np.float32), 8_000)
    assert denoiser.shape(stereo) == (window * 16_000, 2 * windows)


@pytest.mark.parametrize(
    ("network", "seconds", "window", "windows"),
    [
        ({"inputs": 3}, 20, 20, 1),
        ({"inputs": 3}, 21, 12, 2),
        ({"inputs": 3}, 60, 14, 5),
        ({"inputs": 3}, 3600, 15, 277),
        ({"inputs": 2, "causal": True}, 60, 31, 2),
        ({"inputs": 1}, 120, 120, 1),  # as the released pipelines
        ({"inputs": 1}, 121, 32, 4),
        ({"inputs": 1}, 3600, 40, 95),
    ],
)
def test_windows_are_short_where_attention_hears_all_of_them(
    tmp_path, network, seconds, window, windows
):
    path = save_weights(tmp_path / "w.safetensors", seeded_network(8, 1, **network))
    mono = Audio(np.zeros((1, seconds * 8_000), np.float32), 8_000)
    assert Denoiser(str(path), "cpu", "float32").shape(mono) == (window * 16_000, windows)


@pytest.mark.parametrize("longest", [4, 5, 7.5, 15])
@pytest.mark.parametrize("seconds", [15.02, 16, 31.7, 100.3, 1000])
def test_windows_are_no_longer_than_allowed_and_no_more_than_needed(longest, seconds):
    samples, longest = round(seconds * 16_000), longest_samples(longest, FRCRNConfig())
    window = window_length(samples, longest, longest)
    fewest = len(window_starts(samples, longest))
    assert 2 * OVERLAP <= window <= longest
    assert len(window_starts(samples, window)) == fewest


def test_no_click_at_either_end(cleaned_examples):
    """A lone frame's synthesis must not stand out from the sound beside it."""
    for enhanced in map(np.abs, cleaned_examples):
        assert enhanced[:20].max() <= max(1e-3, 1.5 * enhanced[20:640].max())
        assert enhanced[-20:].max() <= max(1e-3, 1.5 * enhanced[-640:-20].max())


def test_threads_share_a_denoiser(denoiser, noisy_speech):
    """Each gets its own audio and its own progress; a cancelled one stops none of the others."""
    pieces = [
        noisy_speech.with_samples(noisy_speech.samples[:, start : start + 24_000])
        for start in range(0, 60_000, 20_000)
    ]
    expected = [denoiser(piece).samples for piece in pieces]

    def cancel(done, total):
        if done > total // 2:
            raise Cancelled

    def clean(piece):
        seen = []
        return denoiser(piece, progress=lambda done, total: seen.append(done)).samples, seen

    with ThreadPoolExecutor(4) as threads:
        cancelled = threads.submit(denoiser, pieces[0], progress=cancel)
        results = list(threads.map(clean, pieces))
        with pytest.raises(Cancelled):
            cancelled.result()
    for (samples, seen), wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(samples, wanted, atol=1e-6)
        assert seen == sorted(seen)
        assert set(seen) == set(range(denoiser._placement.model.layers + 1))


def test_progress_is_reported_and_can_cancel(seeded, noisy_speech):
    denoiser = Denoiser(seeded, "cpu", window_seconds=4)
    seen = []
    denoiser(noisy_speech, progress=lambda done, total: seen.append((done, total)))
    assert seen[0][0] == 0
    assert seen[-1][0] == seen[-1][1] > 1

    def cancel(done, total):
        if done:
            raise Cancelled

    with pytest.raises(Cancelled):
        denoiser(noisy_speech, progress=cancel)


def test_samples_that_are_not_finite_are_refused(denoiser):
    broken = Audio(np.array([[0.1, np.nan, 0.2]], np.float32), 16_000)
    with pytest.raises(AudioError):
        denoiser(broken)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_where_there_is_none_is_one_sentence():
    with pytest.raises(DeviceError) as refused:
        Denoiser(device="cuda")
    assert refused.value.code == "inference.no_cuda"


@pytest.mark.parametrize("arguments", [{"device": "tpu"}, {"precision": "int3"}])
def test_unknown_devices_and_precisions_are_refused(arguments):
    with pytest.raises(DeviceError, match=next(iter(arguments.values()))):
        Denoiser(**arguments)


def test_missing_weights_are_one_sentence(tmp_path):
    with pytest.raises(CheckpointError):
        Denoiser(weights=str(tmp_path / "none.safetensors"))


def renamed(denoiser: Denoiser) -> None:
    denoiser._placement = replace(denoiser._placement, device="cuda:0")


def watch(denoiser: Denoiser, compute) -> None:
    """Lets `compute` stand for the network, until the Denoiser moves to another device."""
    denoiser._placement = replace(denoiser._placement, compute=compute)


@pytest.fixture
def card(monkeypatch):
    """Lets a device that is cuda:0 in name compute on the processor; says what happened, in order.

    For a Denoiser made on the CPU and then `renamed`.
    """
    happened = []

    class Event:
        def record(self, stream):
            happened.append("started")

        def synchronize(self):
            happened.append("awaited")

    to, empty = torch.Tensor.to, torch.empty

    def moved(self, *args, **kwargs):
        return to(self, *("cpu" if str(a).startswith("cuda") else a for a in args), **kwargs)

    monkeypatch.setattr(torch.Tensor, "to", moved)
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: self)
    monkeypatch.setattr(torch, "empty", lambda *a, pin_memory=False, **kw: empty(*a, **kw))
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: None)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    return happened


def test_a_card_computes_while_the_batch_before_is_put_together(card, seeded, noisy_speech):
    settings = {"weights": seeded, "device": "cpu", "precision": "float32", "window_seconds": 4}
    expected = Denoiser(**settings)(noisy_speech).samples
    denoiser = Denoiser(**settings)
    renamed(denoiser)
    seen = []
    enhanced = denoiser(noisy_speech, progress=lambda done, total: seen.append((done, total)))
    np.testing.assert_allclose(enhanced.samples, expected, atol=1e-5)
    assert card[:3] == ["started", "started", "awaited"]
    assert card.count("started") == card.count("awaited") > 2
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]


def test_a_card_that_fills_up_under_way_loses_nothing(card, seeded, noisy_speech):
    """The window that moves to the processor is done before the one on the card has come back."""
    settings = {"weights": seeded, "device": "cpu", "precision": "float32"}
    settings |= {"window_seconds": 4, "batch_size": 1}
    expected = Denoiser(**settings)(noisy_speech).samples
    denoiser = Denoiser(**settings)
    renamed(denoiser)
    run = denoiser._placement.compute

    def full_after_one(windows, on_layer):
        if card:
            raise torch.OutOfMemoryError("no room")
        return run(windows, on_layer)

    watch(denoiser, full_after_one)
    with pytest.warns(RuntimeWarning, match="on the CPU"):
        enhanced = denoiser(noisy_speech).samples
    assert card == ["started", "awaited"]
    assert rms_dbfs(enhanced - expected) < rms_dbfs(expected) - 25  # bfloat16 where the CPU has it


def test_a_fault_of_the_card_is_the_sounds_own(card, seeded, noisy_speech, monkeypatch):
    """Faults of a card show when its result is waited for."""
    denoiser = Denoiser(seeded, "cpu")
    renamed(denoiser)

    def fault(event):
        raise RuntimeError("CUDA error")

    monkeypatch.setattr(torch.cuda.Event, "synchronize", fault)
    with pytest.raises(RuntimeError, match="CUDA error"):
        denoiser(noisy_speech)


def test_out_of_memory_takes_smaller_batches_then_the_cpu(card, seeded, noisy_speech):
    """A device that holds no more than two windows, then none at all."""
    settings = {"weights": seeded, "device": "cpu", "precision": "float32", "window_seconds": 4}
    denoiser = Denoiser(**settings, batch_size=4)
    expected = Denoiser(**settings)(noisy_speech).samples
    run, room = denoiser._placement.compute, {"windows": 2}

    def limited(windows, on_layer):
        if len(windows) > room["windows"]:
            raise torch.OutOfMemoryError("no room")
        return run(windows, on_layer)

    watch(denoiser, limited)
    renamed(denoiser)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        enhanced = denoiser(noisy_speech).samples
        room["windows"] = 0
        again = denoiser(noisy_speech).samples
    texts = [str(w.message) for w in caught if issubclass(w.category, RuntimeWarning)]
    assert any("2 windows at once" in text for text in texts), texts
    assert any("on the CPU" in text for text in texts), texts
    assert denoiser.device == "cpu"
    np.testing.assert_allclose(enhanced, expected, atol=1e-5)
    assert rms_dbfs(again - expected) < rms_dbfs(expected) - 25  # bfloat16 where the CPU has it


def test_a_cancelled_call_lets_go_of_its_memory_at_once(denoiser, noisy_speech):
    """Not only when the garbage collector comes by, which may be after hours."""
    audio = noisy_speech.with_samples(np.tile(noisy_speech.samples, (1, 6)))

    def cancel_under_way(done: int, total: int) -> None:
        if done == 3:
            raise Cancelled

    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        (outcome,) = denoiser.together([(audio, 1.0, cancel_under_way)])
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert isinstance(outcome, Cancelled)
    assert held < audio.samples.nbytes / 2
