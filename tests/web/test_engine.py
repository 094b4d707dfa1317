"""The queue of jobs in front of the networks, and the networks that all visitors share."""

import shutil
import threading
from dataclasses import replace

import numpy as np
import pytest

from frcrn_app.audio import Audio
from frcrn_app.errors import Cancelled, CheckpointError
from frcrn_app.web.options import WebOptions


def test_the_network_is_loaded_once_and_shared(engine):
    assert engine.get() is engine.get("auto") is engine.get(engine.at_work().name)


def test_waiting_jobs_run_in_order_and_can_be_cancelled(engine, noisy_speech):
    long = noisy_speech.with_samples(np.tile(noisy_speech.samples, (1, 12)))
    finished = []
    first = engine.submit(long, progress=lambda done, total: None)
    second = engine.submit(noisy_speech, progress=lambda *_: finished.append("second"))
    third = engine.submit(noisy_speech)
    assert engine.ahead_of(third) == 2
    second.cancel()
    first.cancel()
    for cancelled in (first, second):
        with pytest.raises(Cancelled):
            cancelled.result()
    assert third.result().samples.shape == noisy_speech.samples.shape
    assert finished == []
    assert engine.ahead_of(third) == 0


def test_a_failing_job_does_not_stop_the_next(engine, noisy_speech):
    def refuse(done: int, total: int) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        engine.run(noisy_speech, progress=refuse)
    assert engine.run(noisy_speech).samples.shape == noisy_speech.samples.shape


def test_weights_started_with_are_offered_by_name_alone(tmp_path):
    from frcrn_app.web.engine import Engine
    from frcrn_app.weights import EMBEDDED_FOLDER

    own = tmp_path / "mine.safetensors"
    shutil.copy(next(EMBEDDED_FOLDER.glob("*.safetensors")), own)
    engine = Engine(WebOptions(weights=str(own)))
    assert engine.at_work().name == engine.weights()[0].name == "mine"
    assert engine.get("mine") is engine.get("auto")
    with pytest.raises(CheckpointError):
        engine.get(str(own))
    engine.close()


def test_waiting_sounds_of_one_length_run_as_one_batch(noisy_speech):
    """Where the device takes several windows at once, as a GPU does; results are each one's own."""
    from frcrn_app.web.engine import Engine

    engine = Engine(WebOptions())
    denoiser = engine.get()
    denoiser.batch_size = 4
    sizes, placement = [], denoiser._placement
    busy, hold = threading.Event(), threading.Event()

    def slow(windows, *further):
        sizes.append(len(windows))
        busy.set()
        hold.wait(20)
        return placement.compute(windows, *further)

    denoiser._placement = replace(placement, compute=slow)
    length = 32_000
    sounds = [
        Audio(noisy_speech.samples[:, start : start + length], 16_000)
        for start in range(0, 5 * 8_000, 8_000)
    ]
    jobs = [engine.submit(sounds[0])]
    assert busy.wait(20)
    jobs += [engine.submit(sound) for sound in sounds[1:]]  # wait while the first is under way
    hold.set()
    results = [job.result().samples for job in jobs]
    assert sizes == [1, 4]
    denoiser.batch_size, denoiser._placement = 1, placement
    for sound, result in zip(sounds, results, strict=True):
        expected = denoiser(sound).samples
        assert np.sqrt(np.mean((result - expected) ** 2)) < 0.02 * np.std(expected)
    assert engine.close()


def test_windows_of_different_visitors_take_turns(small_weights, noisy_speech):
    """A long recording, and another's behind it, do not keep a third visitor's short one waiting;
    nor do files of a batch keep what the same visitor drops beside it."""
    from frcrn_app.web.engine import Engine

    engine = Engine(WebOptions(weights=str(small_weights)))
    denoiser = engine.get()
    denoiser._longest_whole = denoiser._longest_window = 5 * 16_000
    long = noisy_speech.with_samples(np.tile(noisy_speech.samples, (1, 4)))
    short = noisy_speech.with_samples(noisy_speech.samples[:, :16_000])
    ended = []

    def submit(name, audio, visitor, work=""):
        job = engine.submit(audio, visitor=visitor, work=work)
        finish = job.finish
        job.finish = lambda outcome: (ended.append(name), finish(outcome))
        return job

    began = threading.Event()
    jobs = [engine.submit(long, visitor="a", progress=lambda *_: began.set(), work="batch")]
    assert began.wait(20)
    jobs += [
        submit("a's next", short, "a", "batch"),
        submit("b's long one", long, "b"),
        submit("c's short one", short, "c"),
        submit("a's own", short, "a"),
    ]
    results = [job.result().samples for job in jobs]
    assert set(ended[:2]) == {"c's short one", "a's own"}
    assert set(ended[2:]) == {"a's next", "b's long one"}
    np.testing.assert_array_equal(results[0], results[2])
    np.testing.assert_allclose(results[0], denoiser(long).samples, atol=1e-6)
    assert engine.close()
