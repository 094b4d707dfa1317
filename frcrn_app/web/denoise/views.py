"""Two versions of a recording side by side, as they are played, pictured and scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from frcrn_app.audio import Audio, peak, save_audio, to_mono
from frcrn_app.errors import AudioError
from frcrn_app.web.denoise.facts import MAX_REDUCTION_DB, dnsmos_of_both, noise_reduction_db
from frcrn_app.web.faults import sentence
from frcrn_app.web.figures import DYNAMIC_RANGE, save_spectrograms, waveform_peaks
from frcrn_app.web.guard import GuardError

MAX_PLAYED_CHANNELS = 2  # of the two versions that are played; downloads keep all channels

FILES = ("original.wav", "cleaned.wav", "original.png", "cleaned.png")  # that are served


class View:
    """An original and its cleaned version; both are kept on disk and mapped from there.

    Args:
        folder: theirs alone.
        address: under which FILES of that folder are served.
    """

    def __init__(self, original: Audio, cleaned: Audio, folder: Path, address: str):
        self._folder, self._address = folder, address
        folder.mkdir(parents=True, exist_ok=True)
        self._original, self._cleaned = (
            _mapped(audio, folder / f"{name}.npy")
            for name, audio in (("original", original), ("cleaned", cleaned))
        )
        self._shown: dict | None = None

    @property
    def both(self) -> tuple[Audio, Audio]:
        """Original and cleaned; raises AudioError when their files have been deleted."""
        if not self._folder.is_dir():
            raise AudioError("web.result_gone")
        return self._original, self._cleaned

    def shown(self) -> dict:
        """What the page plays and draws of it, with what has been added so far."""
        if self._shown is None:
            self._shown = self._described()
        return self._shown

    def add_spectrograms(self) -> None:
        original, cleaned = self.both
        pair = save_spectrograms(
            original.samples, cleaned.samples, original.sample_rate, self._folder
        )
        self._shown = self.shown() | {
            "spectrograms": {
                "original": f"{self._address}/{pair.original.name}",
                "cleaned": f"{self._address}/{pair.cleaned.name}",
                "seconds": pair.seconds,
                "top_hz": pair.top_hz,
                "range_db": DYNAMIC_RANGE,
            }
        }

    def add_scores(self) -> None:
        try:
            scores = dnsmos_of_both(*self.both)
        except Exception as error:
            # The result is there and good; a score that fails must not take it away.
            scores = {"error": sentence(error)}
        self._shown = self.shown() | {"scores": scores}

    def _described(self) -> dict:
        original, cleaned = self.both
        loudest = max(peak(original.samples), peak(cleaned.samples))
        for name, version in (("original", original), ("cleaned", cleaned)):
            _save_for_player(self._folder / f"{name}.wav", version, loudest)
        return {
            "seconds": original.duration,
            "sample_rate": original.sample_rate,
            "channels": min(original.channels, MAX_PLAYED_CHANNELS),
            "file_channels": original.channels,
            "original": f"{self._address}/original.wav",
            "cleaned": f"{self._address}/cleaned.wav",
            "peaks": {
                "original": waveform_peaks(original.samples),
                "cleaned": waveform_peaks(cleaned.samples),
            },
            "noise_reduction_db": noise_reduction_db(
                original.samples, cleaned.samples, original.sample_rate
            ),
            "noise_reduction_limit_db": MAX_REDUCTION_DB,
            "spectrograms": None,
            "scores": None,
        }


def _mapped(audio: Audio, path: Path) -> Audio:
    try:
        np.save(path, audio.samples)
    except OSError as error:  # which says how much was written, and not why no more
        raise GuardError("guard.disk_full") from error
    return audio.with_samples(np.load(path, mmap_mode="r"))


def _save_for_player(path: Path, audio: Audio, peak: float) -> None:
    """A WAV file of at most two channels, more being averaged into one.

    `peak` is the largest sample of both versions that are compared. Beyond full scale they stay
    floats: 16 bits would turn the louder one down.
    """
    samples = to_mono(audio).samples if audio.channels > MAX_PLAYED_CHANNELS else audio.samples
    # Without the tags and pictures that the recording may have.
    plain = Audio(samples, audio.sample_rate)
    save_audio(path, plain, format="wav16" if peak <= 1 else "wav-float")
