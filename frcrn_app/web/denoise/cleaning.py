"""One recording on its way through the page: read, cleaned, described, kept for its downloads."""

from __future__ import annotations

import itertools
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from gradio.utils import get_upload_folder

from frcrn_app.audio import Audio, peak, save_audio, to_mono
from frcrn_app.errors import AudioError, Cancelled
from frcrn_app.web.denoise.downloads import mixed, save_cleaned
from frcrn_app.web.denoise.facts import MAX_REDUCTION_DB, dnsmos_of_both, noise_reduction_db
from frcrn_app.web.denoise.recording import load_recording
from frcrn_app.web.faults import request_language, sentence
from frcrn_app.web.figures import DYNAMIC_RANGE, save_spectrograms, waveform_peaks
from frcrn_app.web.static_files import PREFIX

if TYPE_CHECKING:
    from frcrn_app.web.engine import Engine, Job

POLL_SECONDS = 0.15  # between two looks at a job's progress
_FOLLOWERS = 8  # whose leaving is watched; who came before has been replaced by a reload
MAX_PLAYED_CHANNELS = 2  # of the two versions that are played; downloads keep all channels

# What the page shows, by "state"; assets/denoise/result.js draws it. A "turn" that grows with each
# cleaning lets the page tell late answers from new ones.
EMPTY = {"state": "empty"}


class Cleaning:
    """A recording, the job that cleans it, and what came of it.

    `follow` gives what a page shows, from wherever the work stands: a page that is opened again
    follows on. The ticket is the secret that finds it; whoever has it may play and download.
    """

    _turns = itertools.count(1)

    def __init__(self, engine: Engine, path: str, weights: str, max_seconds: float):
        self.ticket = secrets.token_hex(16)
        self.turn = next(self._turns)
        self.path = Path(path)
        self.weights = weights
        self.began = time.monotonic()
        self.folder = Path(get_upload_folder()) / self.ticket
        self.shared = False  # others may follow it, too
        self._engine, self._max_seconds = engine, max_seconds
        self._lock = threading.RLock()
        self._left: list[Callable[[], bool]] = []  # of each who follows: whether they have gone
        self._job: Job | None = None
        self._stopped = False  # by the visitor, or because nobody waits any longer
        self._value: dict | None = None  # what is shown of the result so far
        self._original: Audio | None = None  # both on disk once there is a value
        self._cleaned: Audio | None = None

    def follow(self) -> Iterator[dict]:
        """What to show: at work, then both versions, then their spectrograms, then their scores."""
        try:
            for value in self._follow():
                yield value | {"turn": self.turn, "ticket": self.ticket}
        except Cancelled:
            yield {"state": "cancelled", "turn": self.turn}
        except Exception as error:
            yield {"state": "failed", "message": sentence(error), "turn": self.turn}

    def stop(self) -> None:
        """End the work at the network's next layer; `follow` begins it anew."""
        self._stopped = True
        job = self._job
        if job is not None:
            job.cancel()

    def download(self, strength: float, output_format: str) -> Path:
        """The file to take away, made on the first request for it."""
        original, cleaned = self._both()
        folder = self.folder / f"{strength:.2f}-{output_format}"
        done = next(folder.iterdir(), None) if folder.is_dir() else None
        if done is not None:
            return done
        return save_cleaned(
            self.path.name, mixed(original, cleaned, strength), output_format, folder
        )

    def delete(self) -> None:
        """Remove every file of it but the recording, which Gradio removes."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Steps, each done once, by whoever comes first

    def _follow(self) -> Iterator[dict]:
        self._stopped = False
        self._left = [*self._left[-_FOLLOWERS:], self._engine.guard.abandoned()]
        if self._value is None:
            with self._engine.guard.job("page", name=self.path.name) as facts:
                yield self._working("loading")
                job = self._begin()
                facts |= described(job.audio)
                while not job.wait(POLL_SECONDS):
                    ahead = self._engine.ahead_of(job)
                    phase = "queued" if ahead else "cleaning" if job.running else "loading"
                    yield self._working(phase, job.fraction, ahead)
                self._describe(job)
                facts["work"] = round(job.seconds, 4)
        yield self._shown()
        for name, add in (("spectrograms", self._spectrograms), ("scores", self._scores)):
            with self._lock:
                if self._stopped:
                    return
                if self._shown()[name] is None:
                    self._value = self._shown() | {name: add()}
            yield self._shown()

    def _working(self, phase: str, fraction: float = 0.0, ahead: int = 0) -> dict:
        return {
            "state": "working",
            "name": self.path.name,
            "phase": phase,
            "fraction": round(fraction, 3),
            "ahead": ahead,
        }

    def _begin(self) -> Job:
        with self._lock:
            if self._job is None or self._job.cancelled:
                audio = load_recording(
                    self.path, self._max_seconds, self._engine.guard, self._nobody_waits
                )
                if self._stopped:
                    raise Cancelled
                self._job = self._engine.submit(
                    audio, weights=self.weights, abandoned=self._nobody_waits
                )
            return self._job

    def _nobody_waits(self) -> bool:
        """Whether it was stopped, or everyone who followed it has gone."""
        return self._stopped or all(left() for left in self._left)

    def _describe(self, job: Job) -> None:
        """Write both versions down, and what is known as soon as there is something to play."""
        with self._lock:
            if self._value is not None:
                return
            audio, cleaned = job.audio, job.result()
            self.folder.mkdir(parents=True, exist_ok=True)
            loudest = max(peak(audio.samples), peak(cleaned.samples))
            for name, version in (("original", audio), ("cleaned", cleaned)):
                _save_for_player(self.folder / f"{name}.wav", version, loudest)
                np.save(self.folder / f"{name}.npy", version.samples)
            self._original, self._cleaned = (
                version.with_samples(np.load(self.folder / f"{name}.npy", mmap_mode="r"))
                for name, version in (("original", audio), ("cleaned", cleaned))
            )
            reduction = noise_reduction_db(audio.samples, cleaned.samples, audio.sample_rate)
            self._value = {
                "state": "done",
                "name": self.path.name,
                "seconds": audio.duration,
                "sample_rate": audio.sample_rate,
                "channels": min(audio.channels, MAX_PLAYED_CHANNELS),
                "file_channels": audio.channels,
                "coding": audio.container,
                "notes": notes_of(audio),
                "chosen_weights": self.weights,
                "original": f"{self._address}/original.wav",
                "cleaned": f"{self._address}/cleaned.wav",
                "download": f"{self._address}/download",
                "peaks": {
                    "original": waveform_peaks(audio.samples),
                    "cleaned": waveform_peaks(cleaned.samples),
                },
                "facts": facts_of(job)
                | {
                    "noise_reduction_db": reduction,
                    "noise_reduction_limit_db": MAX_REDUCTION_DB,
                },
                "spectrograms": None,
                "scores": None,
            }
            self._job = None  # with the samples it holds

    @property
    def _address(self) -> str:
        return f"{PREFIX}/result/{self.ticket}"

    def _shown(self) -> dict:
        assert self._value is not None
        return self._value

    def _both(self) -> tuple[Audio, Audio]:
        if self._original is None or self._cleaned is None or not self.folder.is_dir():
            raise AudioError("web.result_gone")
        return self._original, self._cleaned

    def _spectrograms(self) -> dict:
        original, cleaned = self._both()
        pair = save_spectrograms(
            original.samples, cleaned.samples, original.sample_rate, self.folder
        )
        return {
            "original": f"{self._address}/{pair.original.name}",
            "cleaned": f"{self._address}/{pair.cleaned.name}",
            "seconds": pair.seconds,
            "top_hz": pair.top_hz,
            "range_db": DYNAMIC_RANGE,
        }

    def _scores(self) -> dict:
        try:
            return dnsmos_of_both(*self._both())
        except Exception as error:
            # The result is there and good; a score that fails must not take it away.
            return {"error": sentence(error)}


def described(audio: Audio) -> dict:
    """What a recording is."""
    return {
        "seconds": round(audio.duration, 4),
        "sample_rate": audio.sample_rate,
        "channels": audio.channels,
    }


def facts_of(job: Job) -> dict:
    """How long it took, and on what."""
    denoiser = job.denoiser
    assert denoiser is not None
    return {
        "seconds_taken": round(job.seconds, 4),
        "real_time_factor": round(job.seconds / job.audio.duration, 4),
        "device": denoiser.device,
        "precision": denoiser.precision,
        "weights": denoiser.entry.name,
        "licence": denoiser.entry.licence,
    }


def notes_of(audio: Audio) -> list[str]:
    """What was amiss with the recording, in the language of whoever asks."""
    language = request_language()
    return [note.sentence(language, lambda path: path.name) for note in audio.notes]


def _save_for_player(path: Path, audio: Audio, peak: float) -> None:
    """A WAV file of at most two channels, more being averaged into one.

    `peak` is the largest sample of both versions that are compared. Beyond full scale they stay
    floats: 16 bits would turn the louder one down.
    """
    samples = to_mono(audio).samples if audio.channels > MAX_PLAYED_CHANNELS else audio.samples
    # Without the tags and pictures that the recording may have.
    plain = Audio(samples, audio.sample_rate)
    save_audio(path, plain, format="wav16" if peak <= 1 else "wav-float")
