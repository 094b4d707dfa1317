"""What a worker does: it holds one Denoiser, and cleans files or windows of files with it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from frcrn_app.audio import Audio
from frcrn_app.batch.plan import FileJob
from frcrn_app.batch.run import FileResult, RunOptions, load, written
from frcrn_app.version import __version__
from frcrn_app.workers import Handle, Lost, Seat, portable

if TYPE_CHECKING:
    from frcrn_app.inference import Denoiser, Request

# Longer recordings are cut, so that workers who have nothing else to do can share them.
CUT_SECONDS = 300.0


@dataclass(frozen=True)
class DenoiserSettings:
    """The arguments of a `Denoiser` that every worker makes for itself."""

    weights: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    batch_size: int | None = None
    window_seconds: float | None = None
    full_band: bool = True

    def denoiser(self, number: int = 0) -> Denoiser:
        """That of the worker of a number: on machines with several cards, they take turns."""
        import torch

        from frcrn_app.inference import Denoiser

        device, cards = self.device, torch.cuda.device_count()
        if device in ("auto", "cuda") and cards > 1:
            device = f"cuda:{number % cards}"
        return Denoiser(
            self.weights,
            device,
            self.precision,
            batch_size=self.batch_size,
            window_seconds=self.window_seconds,
            full_band=self.full_band,
        )


@dataclass(frozen=True)
class Facts:
    """What a worker's network is."""

    version: str  # of the program
    name: str
    sha256: str
    device: str
    batch_size: int


@dataclass(frozen=True)
class Opened:
    """A recording that the worker keeps while its windows, in batches, go to whoever is free."""

    batches: list[Handle]  # of [B, samples] at the network's level
    seconds: float  # of audio


@dataclass
class _UnderWay:
    """An opened recording: its tracks, and which windows (request, channel, start) a batch has."""

    requests: list[Request]
    batches: list[list[tuple[Request, int, int]]]


class Cleaner:
    """A worker's Denoiser, and the recordings that it has opened; made by `Crew`s.

    Args:
        settings: of the Denoiser.
        options: how files are cleaned and written.
        cut_seconds: longer recordings are cut into windows that workers share.
    """

    def __init__(
        self, settings: DenoiserSettings, options: RunOptions, cut_seconds: float, seat: Seat
    ):
        import torch

        torch.set_num_threads(seat.threads)
        self._options, self._cut_seconds, self._store = options, cut_seconds, seat.store
        self._denoiser = settings.denoiser(seat.number)
        self._open: dict[str, _UnderWay] = {}

    def ready(self) -> Facts:
        """Sets everything up, so that no file is charged for it."""
        self._denoiser.warm_up()
        of = self._denoiser
        return Facts(__version__, of.entry.name, of.sha256, of.device, of.batch_size)

    def clean(
        self, jobs: Sequence[FileJob], batch_size: int
    ) -> list[FileResult | Opened | Exception]:
        """Clean files, those whose windows are equally long together; long ones are but opened.

        Args:
            batch_size: windows of an opened recording that go together.
        """
        outcomes: dict[int, FileResult | Opened | Exception] = {}
        short: dict[int, list[Audio]] = {}
        for place, job in enumerate(jobs):
            try:
                tracks = load(job, self._options)
                opened = self._opened(job, tracks, batch_size) if self._is_long(tracks) else None
                if opened is None:
                    short[place] = tracks
                else:
                    outcomes[place] = opened
            except Exception as error:
                outcomes[place] = portable(error)
        for place, enhanced, elapsed in self._together(short):
            try:
                outcomes[place] = self._written(jobs[place], enhanced, elapsed)
            except Exception as error:
                outcomes[place] = portable(error)
        return [outcomes[place] for place in range(len(jobs))]

    def enhance(self, batch: Handle) -> tuple[float, np.ndarray]:
        """Windows [B, samples] through the network, and the seconds that it took. Raises Lost."""
        windows = np.array(self._store.get(batch))
        start = time.perf_counter()
        enhanced = self._denoiser.enhance(windows)
        return time.perf_counter() - start, enhanced

    def finish(self, job: FileJob, batches: Sequence[Handle], elapsed: float) -> FileResult:
        """Write an opened recording whose windows are back, in the order of its batches.

        Raises:
            Lost: a batch, whose number is its argument, or the recording itself, without one.
            Exception: what went wrong with the recording.
        """
        under_way = self._open.get(str(job.target))
        if under_way is None:
            raise Lost
        for number, (windows, handle) in enumerate(zip(under_way.batches, batches, strict=True)):
            try:
                enhanced = self._store.get(handle)
            except Lost:
                raise Lost(number) from None
            for row, (request, channel, start) in enumerate(windows):
                request.put(channel, start, enhanced[row])
        del self._open[str(job.target)]
        return self._written(job, [each.finished() for each in under_way.requests], elapsed)

    def _is_long(self, tracks: Sequence[Audio]) -> bool:
        return max(track.duration for track in tracks) > self._cut_seconds

    def _opened(self, job: FileJob, tracks: Sequence[Audio], batch_size: int) -> Opened | None:
        """None where there are no windows: nothing to do, or an error, which cleaning will find."""
        from frcrn_app.inference import Order

        requests = [self._denoiser.opened(Order(each, self._options.strength)) for each in tracks]
        batches = list(_batches(requests, batch_size))
        if not all(request.jobs for request in requests):
            return None
        handles = []
        for batch in batches:
            windows = [each.noisy_window(channel, start) for each, channel, start in batch]
            handles.append(self._store.put(np.stack(windows)))
        self._open[str(job.target)] = _UnderWay(requests, batches)
        return Opened(handles, max(track.duration for track in tracks))

    def _together(
        self, files: dict[int, list[Audio]]
    ) -> Iterator[tuple[int, list[Audio | BaseException], float]]:
        """Yield each file's place, enhanced tracks or errors, and its share of the seconds."""
        from frcrn_app.inference import Order

        orders = [
            Order(track, self._options.strength) for tracks in files.values() for track in tracks
        ]
        if not orders:
            return
        start = time.perf_counter()
        outcomes = iter(self._denoiser.together(orders))
        elapsed = time.perf_counter() - start
        samples = sum(order.audio.samples.size for order in orders)
        for place, tracks in files.items():
            share = sum(track.samples.size for track in tracks) / max(samples, 1)
            yield place, [next(outcomes) for _ in tracks], elapsed * share

    def _written(
        self, job: FileJob, enhanced: Sequence[Audio | BaseException], elapsed: float
    ) -> FileResult:
        tracks = []
        for outcome in enhanced:
            if isinstance(outcome, BaseException):
                raise outcome
            tracks.append(outcome)
        return written(job, tracks, self._options, elapsed)


def _batches(requests: Sequence[Request], size: int) -> Iterator[list[tuple[Request, int, int]]]:
    """Windows of equal length, in the order in which they are put back."""
    for request in requests:
        for start in range(0, len(request.jobs), size):
            yield request.jobs[start : start + size]
