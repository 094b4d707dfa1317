"""One recording on its way through the page: read, cleaned, shown, kept for its downloads."""

from __future__ import annotations

import itertools
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gradio.utils import get_upload_folder

from frcrn_app.audio import Audio, mix
from frcrn_app.errors import AudioError, Cancelled
from frcrn_app.web.denoise.downloads import mixed, save_cleaned
from frcrn_app.web.denoise.recording import read_tracks
from frcrn_app.web.denoise.views import View
from frcrn_app.web.denoise.work import POLL_SECONDS, Work, check_band, described, notes_of
from frcrn_app.web.faults import sentence
from frcrn_app.web.static_files import PREFIX

if TYPE_CHECKING:
    from frcrn_app.web.engine import Engine

_FOLLOWERS = 8  # whose leaving is watched; who came before has been replaced by a reload

# What the page shows, by "state"; assets/denoise/result.js draws it. A "turn" that grows each time
# that a page begins to follow a cleaning lets it tell late answers from new ones.
EMPTY = {"state": "empty"}


class Cleaning:
    """A recording, the work that cleans it, and what came of it.

    `follow` gives what a page shows, from wherever the work stands: a page that is opened again
    follows on. The ticket is the secret that finds it; whoever has it may play and download.

    Of a file with several tracks, each is cleaned. What is shown and taken away is all of them
    (track 0; played as a mix, downloaded as tracks where the format holds them) or one by its
    number.
    """

    _turns = itertools.count(1)

    def __init__(
        self, engine: Engine, path: str, weights: str, max_seconds: float, band: str = "full"
    ):
        self.ticket = secrets.token_hex(16)
        self.path = Path(path)
        self.weights, self.band = weights, band
        self.began = time.monotonic()
        self.folder = Path(get_upload_folder()) / self.ticket
        self.shared = False  # others may follow it, too
        self._engine, self._max_seconds = engine, max_seconds
        self._lock = threading.RLock()
        self._left: list[Callable[[], bool]] = []  # of each who follows: whether they have gone
        self._work: Work | None = None
        self._has_picture = False
        self._stopped = False  # by the visitor, or because nobody waits any longer
        self._about: dict | None = None  # what is shown of the result, whichever track
        self._tracks: list[View] = []  # once there is a result
        self._all: View | None = None  # of several tracks, once someone has heard the mix

    def follow(self, track: int = 0) -> Iterator[dict]:
        """What to show: at work, then both versions, then their spectrograms, then their scores."""
        turn = {"turn": next(self._turns)}
        try:
            for value in self._follow(track):
                yield value | turn | {"ticket": self.ticket}
        except Cancelled:
            yield {"state": "cancelled"} | turn
        except Exception as error:
            yield {"state": "failed", "message": sentence(error)} | turn

    def stop(self) -> None:
        """End the work at the network's next layer; `follow` begins it anew."""
        self._stopped = True
        work = self._work
        if work is not None:
            work.cancel()

    def download(self, strength: float, output_format: str, track: int = 0) -> Path:
        """The file to take away, made on the first request for it."""
        if not self._tracks:
            raise AudioError("web.result_gone")
        views = self._tracks if track == 0 else [self._view(track)]
        pairs = [view.both for view in views]
        folder = self.folder / f"{track}-{strength:.2f}-{output_format}"
        if folder.is_dir():
            for file in folder.iterdir():
                if file.is_file() and not file.name.startswith("."):  # drafts are hidden
                    return file
        cleaned = [mixed(original, cleaned, strength) for original, cleaned in pairs]
        return save_cleaned(self.path, cleaned, output_format, folder).path

    def file(self, track: int, name: str) -> Path:
        """Where a file of a view lies, or would lie."""
        return self.folder / str(track) / name

    def delete(self) -> None:
        """Remove every file of it but the recording, which Gradio removes."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Steps, each done once, by whoever comes first

    def _follow(self, track: int) -> Iterator[dict]:
        self._stopped = False
        self._left = [*self._left[-_FOLLOWERS:], self._engine.guard.abandoned()]
        if self._about is None:
            check_band(self.band)
            with self._engine.guard.job("page", name=self.path.name) as facts:
                yield self._working("loading")
                work = self._begin()
                facts |= described(work.originals)
                while not work.wait(POLL_SECONDS):
                    yield self._working(work.phase, work.fraction, work.ahead)
                self._finish(work)
                facts["work"] = round(work.seconds, 4)
        with self._lock:
            view = self._view(track)
            value = self._shown(track, view)
        yield value
        for name, add in (("spectrograms", view.add_spectrograms), ("scores", view.add_scores)):
            with self._lock:
                if self._stopped:
                    return
                if view.shown()[name] is None:
                    self._add(add)
            yield self._shown(track, view)

    def _working(self, phase: str, fraction: float = 0.0, ahead: int = 0) -> dict:
        return {
            "state": "working",
            "name": self.path.name,
            "phase": phase,
            "fraction": round(fraction, 3),
            "ahead": ahead,
        }

    def _begin(self) -> Work:
        with self._lock:
            if self._work is None or self._work.cancelled:
                found = read_tracks(
                    self.path, self._max_seconds, self._engine.guard, self._nobody_waits
                )
                if self._stopped:
                    raise Cancelled
                self._has_picture = found.has_picture
                self._work = Work(
                    self._engine,
                    found.audio,
                    weights=self.weights,
                    band=self.band,
                    abandoned=self._nobody_waits,
                )
            return self._work

    def _nobody_waits(self) -> bool:
        """Whether it was stopped, or everyone who followed it has gone."""
        return self._stopped or all(left() for left in self._left)

    def _finish(self, work: Work) -> None:
        """Write both versions of each track down, and what is known as soon as they are there."""
        with self._lock:
            if self._about is not None:
                return
            try:
                self._write_down(work)
            except BaseException:
                self._forget()
                raise
            finally:
                self._work = None  # with the samples it holds

    def _add(self, add: Callable[[], None]) -> None:
        try:
            add()
        except OSError:
            self._forget()
            raise

    def _forget(self) -> None:
        """A result that cannot be written whole: what there is of it would only fill the disk."""
        self._about, self._tracks, self._all = None, [], None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write_down(self, work: Work) -> None:
        several = len(work.originals) > 1
        self._tracks = [
            View(original, cleaned, *self._place(number if several else 0))
            for number, (original, cleaned) in enumerate(
                zip(work.originals, work.results(), strict=True), 1
            )
        ]
        self._about = {
            "state": "done",
            "name": self.path.name,
            "coding": work.originals[0].container,
            "tracks": _track_names(work.originals),
            "film": self._has_picture,
            "notes": notes_of(work.originals),
            "chosen_weights": self.weights,
            "chosen_band": self.band,
            "download": f"{self._address}/download",
            "facts": work.facts(),
        }
        self._view(0).shown()

    def _view(self, track: int) -> View:
        with self._lock:
            if track == 0 and len(self._tracks) > 1:
                if self._all is None:
                    pairs = [view.both for view in self._tracks]
                    original, cleaned = (mix(list(each)) for each in zip(*pairs, strict=True))
                    self._all = View(original, cleaned, *self._place(0))
                return self._all
            if track > len(self._tracks):
                count = len(self._tracks)
                raise AudioError(
                    "audio.track_missing", name=self.path.name, track=track, count=count
                )
            return self._tracks[max(0, track - 1)]

    def _place(self, track: int) -> tuple[Path, str]:
        """Folder and address of a view."""
        return self.folder / str(track), f"{self._address}/{track}"

    @property
    def _address(self) -> str:
        return f"{PREFIX}/result/{self.ticket}"

    def _shown(self, track: int, view: View) -> dict:
        assert self._about is not None
        return self._about | view.shown() | {"track": track}


def _track_names(tracks: list[Audio]) -> list[dict]:
    """Title, language and channels of each track; a title that all of them have tells nothing."""
    fields = [dict(track.tags.fields) for track in tracks]
    titles = [each.get("title", "") for each in fields]
    return [
        {
            "title": title if len(set(titles)) > 1 else "",
            "language": each.get("language", ""),
            "channels": track.channels,
        }
        for title, each, track in zip(titles, fields, tracks, strict=True)
    ]
