"""Who is next at a network: visitors take turns window by window."""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from frcrn_app.audio import Audio
from frcrn_app.errors import Cancelled
from frcrn_app.memory import give_back_freed_memory
from frcrn_app.web.guard import fair_place

if TYPE_CHECKING:
    from frcrn_app.inference import Denoiser

Progress = Callable[[int, int], None]

NICE = 5  # behind live sessions, whose frames of 20 ms cannot wait
LARGE_SECONDS = 30.0  # of audio, whose memory short jobs have no use for


class Job:
    """One recording to be cleaned: poll it, wait for it, or cancel it from any thread."""

    def __init__(
        self,
        audio: Audio,
        strength: float,
        progress: Progress | None = None,
        visitor: str = "",
        abandoned: Callable[[], bool] | None = None,
        full_band: bool = True,
        work: str = "",
    ):
        self.audio = audio
        self.visitor, self.lane = visitor, (visitor, work)
        self.strength, self.full_band = strength, full_band
        self.fraction = 0.0  # done so far, 0 to 1
        self.running = False  # or has run
        self.seconds = 0.0  # the work took, without the time in the queue and others' turns
        self.denoiser: Denoiser | None = None  # that runs it, or has run it
        self._progress = progress
        self._abandoned = abandoned
        self._cancelled = threading.Event()
        self._finished = threading.Event()
        self._enhanced: Audio | None = None
        self._error: BaseException | None = None

    def cancel(self) -> None:
        """Stop at the next window; `result` then raises Cancelled."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Whether the job has finished, well or not, within that time."""
        return self._finished.wait(seconds)

    def result(self) -> Audio:
        """The cleaned audio, once finished; raises what went wrong, or Cancelled."""
        self._finished.wait()
        if self._error is not None:
            raise self._error
        assert self._enhanced is not None
        return self._enhanced

    def report(self, done: int, total: int) -> None:
        """Progress callback for the Denoiser: raising from it is how a job is cancelled."""
        if self._abandoned is not None and self._abandoned():
            self.cancel()
        if self._cancelled.is_set():
            raise Cancelled
        self.fraction = done / max(total, 1)
        if self._progress is not None:
            self._progress(done, total)

    def begin(self, denoiser: Denoiser) -> None:
        self.running = True
        self.denoiser = denoiser

    def finish(self, outcome: Audio | BaseException) -> None:
        """Keep what came of it; an error is raised in the thread that waits."""
        if isinstance(outcome, BaseException):
            self._error = outcome
        else:
            self._enhanced = outcome
        self._finished.set()


class _Party:
    """Jobs whose windows run in the same batches; one job alone, for the most part."""

    def __init__(self, denoiser: Denoiser, jobs: list[Job]):
        from frcrn_app.inference import Order

        self.jobs = jobs
        for job in jobs:
            job.begin(denoiser)
        self._batches = denoiser.batch_by_batch(
            [Order(job.audio, job.strength, job.report, job.full_band) for job in jobs]
        )

    def advance(self) -> Sequence[Audio | BaseException] | None:
        """Run the next batch of windows; what came of the jobs, once there is none."""
        began = time.perf_counter()
        try:
            next(self._batches)
        except StopIteration as end:
            return end.value
        except BaseException as error:  # kept for the threads that wait, which raise it
            return [error] * len(self.jobs)
        finally:
            for job in self.jobs:
                job.seconds += time.perf_counter() - began
        return None


class Worker:
    """A Denoiser and the thread that alone uses it.

    Visitors take turns of one batch of windows each, so that a short recording waits for one such
    batch of a long one at most; and so do the lanes of one visitor. In a lane, job follows job.
    """

    def __init__(self, load: Callable[[], Denoiser]):
        self._load = load
        self._loading = threading.Lock()
        self._denoiser: Denoiser | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._waiting: list[Job] = []
        self._parties: list[_Party] = []
        self._turns = itertools.count()
        self._last_turn: dict[tuple[str, ...], int] = {}  # of visitors, and of their lanes
        self.thread = threading.Thread(target=self._run, name="denoise", daemon=True)
        self.thread.start()

    def denoiser(self) -> Denoiser:
        """The Denoiser, loaded by whoever asks first; a failed load is tried again next time."""
        with self._loading:
            if self._denoiser is None:
                self._denoiser = self._load()
            return self._denoiser

    @property
    def is_loaded(self) -> bool:
        return self._denoiser is not None

    @property
    def running(self) -> list[Job]:
        """The jobs under way."""
        with self._changed:
            return [job for party in self._parties for job in party.jobs]

    def submit(self, job: Job) -> None:
        with self._changed:
            running = Counter(other.visitor for party in self._parties for other in party.jobs)
            waiting = [other.visitor for other in self._waiting]
            self._waiting.insert(fair_place(waiting, job.visitor, running), job)
            self._changed.notify()

    def ahead_of(self, job: Job) -> int:
        """How many jobs run or wait before that one."""
        with self._changed:
            if job not in self._waiting:
                return 0
            running = sum(len(party.jobs) for party in self._parties)
            return running + self._waiting.index(job)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            for job in [*self._waiting, *(job for party in self._parties for job in party.jobs)]:
                job.cancel()
            self._changed.notify()

    def _run(self) -> None:
        _stand_back()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._parties or self._closed)
                if not self._waiting and not self._parties:  # closed
                    return
            try:
                party = self._next_party(self.denoiser())
            except BaseException as error:  # kept for the thread that waits, which raises it
                with self._changed:
                    self._waiting.pop(0).finish(error)
                continue
            outcomes = party.advance()
            if outcomes is not None:
                self._finish(party, outcomes)

    def _next_party(self, denoiser: Denoiser) -> _Party:
        """The party whose visitor, and of it whose lane, had their last turn the longest ago."""
        with self._changed:
            under_way = {party.jobs[0].lane: party for party in self._parties}
            first: dict[tuple[str, str], Job] = {}
            for job in [*(party.jobs[0] for party in self._parties), *self._waiting]:
                first.setdefault(job.lane, job)
            lane = min(first, key=self._since)
            turn = next(self._turns)
            self._last_turn = {
                key: when
                for key, when in self._last_turn.items()
                if any(other[: len(key)] == key for other in first)
            } | {lane[:1]: turn, lane: turn}
            if lane in under_way:
                return under_way[lane]
            jobs = self._together(first[lane], denoiser)
            party = _Party(denoiser, jobs)
            self._waiting = [job for job in self._waiting if job not in jobs]
            self._parties.append(party)
            return party

    def _since(self, lane: tuple[str, str]) -> tuple[int, int]:
        return self._last_turn.get(lane[:1], -1), self._last_turn.get(lane, -1)

    def _together(self, first: Job, denoiser: Denoiser) -> list[Job]:
        """A waiting job and those that wait with it and fit into one batch with it."""
        length, windows = denoiser.shape(first.audio)
        chosen = [first]
        for job in self._waiting:
            its_length, its_windows = denoiser.shape(job.audio)
            fits = its_length == length and windows + its_windows <= denoiser.batch_size
            if job is not first and fits:
                chosen.append(job)
                windows += its_windows
        return chosen

    def _finish(self, party: _Party, outcomes: Sequence[Audio | BaseException]) -> None:
        with self._changed:
            self._parties.remove(party)
        for job, outcome in zip(party.jobs, outcomes, strict=True):
            job.finish(outcome)
        if any(job.audio.duration > LARGE_SECONDS for job in party.jobs):
            give_back_freed_memory()


def _stand_back() -> None:
    """Let this thread, and those that its arithmetic starts, be behind others for a processor."""
    if sys.platform == "linux":  # elsewhere threads have no priority of their own
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
