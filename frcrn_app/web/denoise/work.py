"""The tracks of one recording in the engine's queue, as one piece of work."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from frcrn_app.errors import AudioError
from frcrn_app.web.faults import request_language

if TYPE_CHECKING:
    from frcrn_app.audio import Audio, Note
    from frcrn_app.web.engine import Engine

BANDS = ("full", "speech")  # what becomes of frequencies that the network does not process
POLL_SECONDS = 0.4  # between two looks at how far it is; what the page draws takes cores, too


def check_band(band: str) -> str:
    """The band, if there is such a one; raises AudioError for others."""
    if band not in BANDS:
        raise AudioError("web.band", band=band, known=", ".join(BANDS))
    return band


class Work:
    """Tracks being cleaned, each by itself; see `Engine.submit` for what is raised.

    Args:
        band: one of BANDS.
        abandoned: whether nobody waits for them any longer, which ends it.
        work: as of `Engine.submit`.
    """

    def __init__(
        self,
        engine: Engine,
        tracks: Sequence[Audio],
        strength: float = 1.0,
        weights: str = "auto",
        band: str = "full",
        *,
        abandoned: Callable[[], bool] | None = None,
        work: str = "",
    ):
        self.originals = list(tracks)
        self.band = band
        self._engine = engine
        self._jobs = [
            engine.submit(
                track,
                strength,
                weights,
                abandoned=abandoned,
                full_band=band == "full",
                work=work,
            )
            for track in self.originals
        ]

    def cancel(self) -> None:
        """Stop at the network's next layer."""
        for job in self._jobs:
            job.cancel()

    @property
    def cancelled(self) -> bool:
        return any(job.cancelled for job in self._jobs)

    def wait(self, seconds: float) -> bool:
        """Whether all of it has finished, well or not, within that time."""
        end = time.monotonic() + seconds
        return all(job.wait(max(0.0, end - time.monotonic())) for job in self._jobs)

    @property
    def phase(self) -> str:
        """ "queued", "loading" or "cleaning"."""
        if any(job.running for job in self._jobs):
            return "cleaning"
        return "queued" if self.ahead else "loading"

    @property
    def ahead(self) -> int:
        """How many jobs of others run before it."""
        return self._engine.ahead_of(self._jobs[0])

    @property
    def fraction(self) -> float:
        """Done so far, 0 to 1."""
        done = sum(job.fraction * job.audio.samples.size for job in self._jobs)
        return done / sum(job.audio.samples.size for job in self._jobs)

    @property
    def seconds(self) -> float:
        """That it took, without the time in the queue."""
        return sum(job.seconds for job in self._jobs)

    def results(self) -> list[Audio]:
        """The cleaned tracks, once finished; raises what went wrong, or Cancelled."""
        return [job.result() for job in self._jobs]

    def facts(self) -> dict:
        """How long it took, and on what."""
        denoiser = self._jobs[0].denoiser
        assert denoiser is not None
        return {
            "seconds_taken": round(self.seconds, 4),
            "real_time_factor": round(
                self.seconds / sum(track.duration for track in self.originals), 4
            ),
            "device": denoiser.device,
            "precision": denoiser.precision,
            "weights": denoiser.entry.name,
            "licence": denoiser.entry.licence,
            "band": self.band,
        }


def described(tracks: Sequence[Audio]) -> dict:
    """What a recording is; its rate and channels are those of its first track."""
    return {
        "seconds": round(max(track.duration for track in tracks), 4),
        "sample_rate": tracks[0].sample_rate,
        "channels": tracks[0].channels,
        "tracks": len(tracks),
    }


def notes_of(tracks: Sequence[Audio], *more: Note) -> list[str]:
    """What was amiss with a recording, each said once, in the language of whoever asks."""
    language = request_language()
    notes = [*(note for track in tracks for note in track.notes), *more]
    return list(dict.fromkeys(note.sentence(language, lambda path: path.name) for note in notes))
