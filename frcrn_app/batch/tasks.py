"""What a worker is given at a time: some files, some windows, or a recording to be written."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from frcrn_app.batch.cleaner import Opened
from frcrn_app.batch.cuts import LongFile
from frcrn_app.batch.plan import FileJob
from frcrn_app.batch.run import FileResult
from frcrn_app.workers import Crew, Died, Lost

if TYPE_CHECKING:
    from frcrn_app.batch.spread import Spread


class Clean:
    """Files to be cleaned, or opened where they are long."""

    seconds = None

    def __init__(self, spread: Spread, worker: int, jobs: Sequence[FileJob]):
        self._spread, self._worker, self._jobs = spread, worker, jobs

    def begin(self, crew: Crew, worker: int) -> Future[Any]:
        return crew.call(worker, "clean", self._jobs, self._spread.batch_size)

    def landed(self, value: list[FileResult | Opened | Exception]) -> None:
        for job, outcome in zip(self._jobs, value, strict=True):
            if isinstance(outcome, Opened):
                self._spread.opened(job, outcome, self._worker)
            elif isinstance(outcome, Exception):
                self._spread.failed(job, outcome)
            else:
                self._spread.finished(job, outcome)

    def failed(self, error: Exception) -> None:
        for job in self._jobs:
            self._spread.failed(job, error)

    def died(self, error: Died) -> None:
        for job in self._jobs:
            if self._spread.may_try_again(job):
                self._spread.wait_alone(job)


class Enhance:
    """A batch of windows of an opened recording."""

    seconds = None

    def __init__(self, spread: Spread, long: LongFile, batch: int):
        self._spread, self._long, self._batch = spread, long, batch

    def begin(self, crew: Crew, worker: int) -> Future[Any]:
        future, self._enhanced = crew.call_keeping(worker, "enhance", self._long.noisy[self._batch])
        return future

    def landed(self, value: float) -> None:
        self._long.put(self._batch, self._enhanced, value)
        self._spread.advanced(self._long)

    def failed(self, error: Exception) -> None:
        if not isinstance(error, Lost):
            self._spread.failed(self._long.job, error)
            return
        self._long.put_off(self._batch)  # what it was to clean is gone with its host
        if self._long.host is not None:
            self._spread.open_again(self._long)

    def died(self, error: Died) -> None:
        # Where it was the recording's own host, another opens the recording.
        self._long.put_off(self._batch)
        if self._long.host is not None:
            self._spread.may_try_again(self._long.job)


class Finish:
    """An opened recording whose windows are back, to be written by its host."""

    seconds = None

    def __init__(self, spread: Spread, long: LongFile):
        self._spread, self._long = spread, long
        long.finishing = True

    def begin(self, crew: Crew, worker: int) -> Future[Any]:
        long = self._long
        enhanced = [long.enhanced[number] for number in range(long.batches)]
        return crew.call(worker, "finish", long.job, enhanced, long.elapsed)

    def landed(self, value: FileResult) -> None:
        self._spread.finished(self._long.job, value)

    def failed(self, error: Exception) -> None:
        if not isinstance(error, Lost):
            self._spread.failed(self._long.job, error)
        elif error.args:
            self._long.put_off(error.args[0])
        else:
            self._spread.open_again(self._long)

    def died(self, error: Died) -> None:
        """Its host has left, and with it the recording: that is seen to already."""
