"""One warm Denoiser for each set of weights, shared by everyone who has the page open.

Requests become `Job`s in the queue of their Denoiser, whose one worker thread runs them in turn, a
visitor's second behind everybody's first: two requests never fight for the same cores, and whoever
waits can be told how many are ahead. Where the Denoiser takes several windows at once, waiting jobs
whose windows are as long as those of the first in the queue run together with it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from frcrn_app import isolation
from frcrn_app.audio import Audio
from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import Cancelled, CheckpointError, UserError
from frcrn_app.memory import give_back_freed_memory
from frcrn_app.web.guard import Guard, GuardOptions, fair_place

if TYPE_CHECKING:
    from frcrn_app.inference import Denoiser
    from frcrn_app.web.options import WebOptions
    from frcrn_app.weights import WeightsEntry

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]

LARGE_SECONDS = 30.0  # of audio, whose memory short jobs have no use for
HEALTHY_SECONDS = 20.0  # in which a tiny job comes through, or the one before it moves on


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
    ):
        self.audio = audio
        self.visitor = visitor
        self.strength, self.full_band = strength, full_band
        self.fraction = 0.0  # done so far, 0 to 1
        self.running = False  # or has run
        self.seconds = 0.0  # the work took, without the time in the queue
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
        self._began = time.perf_counter()

    def finish(self, outcome: Audio | BaseException) -> None:
        """Keep what came of it; an error is raised in the thread that waits."""
        if self.running:
            self.seconds = time.perf_counter() - self._began
        if isinstance(outcome, BaseException):
            self._error = outcome
        else:
            self._enhanced = outcome
        self._finished.set()


class _Worker:
    """A Denoiser and the thread that alone uses it."""

    def __init__(self, load: Callable[[], Denoiser]):
        self._load = load
        self._loading = threading.Lock()
        self._denoiser: Denoiser | None = None
        self._waiting = threading.Condition()
        self._closed = False
        self.jobs: deque[Job] = deque()
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

    def submit(self, job: Job) -> None:
        with self._waiting:
            running = [other for other in self.jobs if other.running]
            waiting = [other.visitor for other in self.jobs if not other.running]
            place = fair_place(waiting, job.visitor, Counter(other.visitor for other in running))
            self.jobs.insert(len(running) + place, job)
            self._waiting.notify()

    def ahead_of(self, job: Job) -> int:
        """How many jobs run or wait before that one."""
        with self._waiting:
            return self.jobs.index(job) if job in self.jobs and not job.running else 0

    def close(self) -> None:
        with self._waiting:
            self._closed = True
            for job in self.jobs:
                job.cancel()
            self._waiting.notify()

    def _run(self) -> None:
        while True:
            with self._waiting:
                self._waiting.wait_for(lambda: self.jobs or self._closed)
                if self._closed and not self.jobs:
                    return
                first = self.jobs[0]
            together = [first]
            try:
                denoiser = self.denoiser()
                together = self._together(denoiser)
                outcomes = _run(denoiser, together)
            except BaseException as error:  # kept for the threads that wait, which raise it
                outcomes = [error] * len(together)
            with self._waiting:
                for job, outcome in zip(together, outcomes, strict=True):
                    self.jobs.remove(job)
                    job.finish(outcome)
            if any(job.audio.duration > LARGE_SECONDS for job in together):
                give_back_freed_memory()

    def _together(self, denoiser: Denoiser) -> list[Job]:
        """The first job and those behind it that fit into one batch with it."""
        with self._waiting:
            waiting = list(self.jobs)
        length, windows = denoiser.shape(waiting[0].audio)
        chosen = waiting[:1]
        for job in waiting[1:]:
            its_length, its_windows = denoiser.shape(job.audio)
            if its_length == length and windows + its_windows <= denoiser.batch_size:
                chosen.append(job)
                windows += its_windows
        return chosen


def _run(denoiser: Denoiser, jobs: list[Job]) -> list[Audio | BaseException]:
    from frcrn_app.inference import Order

    for job in jobs:
        job.begin(denoiser)
    return denoiser.together(
        [Order(job.audio, job.strength, job.report, job.full_band) for job in jobs]
    )


class Engine:
    """Denoisers by the name of their weights, loaded once and kept warm.

    `guard` shares out the server's memory and knows its visitors.
    """

    def __init__(self, options: WebOptions):
        self.guard = Guard(GuardOptions.of(options))
        self._options = options
        self._workers: dict[str, _Worker] = {}
        self._lock = threading.Lock()
        self._warming: threading.Thread | None = None

    def weights(self) -> list[WeightsEntry]:
        """The sets of weights that a visitor may choose, the one started with first."""
        from frcrn_app.weights import list_weights

        entries = list_weights()
        chosen = self._options.weights
        if chosen != "auto" and chosen not in {entry.name for entry in entries}:
            # A path that the person who started the demo gave: visitors see its name alone.
            entries.insert(0, self.get("auto").entry)
        return entries

    def at_work(self) -> WeightsEntry | None:
        """The entry that "auto" stands for now; None when there are no weights at all."""
        entries = self.weights()
        chosen = self._options.weights
        if chosen not in ("auto", *(entry.name for entry in entries)):
            return entries[0]
        if chosen != "auto":
            return next(entry for entry in entries if entry.name == chosen)
        return next((entry for entry in entries if entry.present), None)

    def get(self, weights: str = "auto") -> Denoiser:
        """The warm Denoiser of a set of weights: a name from `weights()`, or "auto".

        Raises:
            CheckpointError: no such name, not here yet, or the file cannot be used.
        """
        return self._worker(weights).denoiser()

    def submit(
        self,
        audio: Audio,
        strength: float = 1.0,
        weights: str = "auto",
        progress: Progress | None = None,
        *,
        visitor: str | None = None,
        abandoned: Callable[[], bool] | None = None,
        full_band: bool = True,
    ) -> Job:
        """Put audio into the queue; raises CheckpointError for weights that are not offered.

        Args:
            visitor: whose turn it is; None: of whoever's request the calling thread handles.
            abandoned: whether nobody waits for it any longer, which ends it.
            full_band: whether what lies above 8 kHz comes back; see `Denoiser`.
        """
        whose = self.guard.visitor() if visitor is None else visitor
        job = Job(audio, strength, progress, whose, abandoned, full_band)
        self._worker(weights).submit(job)
        return job

    def ahead_of(self, job: Job) -> int:
        """How many jobs will be done before that one."""
        with self._lock:
            workers = list(self._workers.values())
        return max((worker.ahead_of(job) for worker in workers), default=0)

    def run(
        self,
        audio: Audio,
        strength: float = 1.0,
        weights: str = "auto",
        progress: Progress | None = None,
    ) -> Audio:
        """Clean audio and wait for it. A progress callback that raises cancels, as always."""
        return self.submit(audio, strength, weights, progress).result()

    def warm_up(self) -> None:
        """Load the first weights and run the networks once, in the background."""

        def warm() -> None:
            from frcrn_app.metrics import dnsmos

            try:
                # What looks into the sets that visitors have evaluated.
                isolation.warm_up("frcrn_app.web.evaluate.test_set")
                self.get().warm_up()
                dnsmos(np.random.default_rng(0).uniform(-0.1, 0.1, 16_000))
            except UserError as error:
                logger.warning("%s", error)  # the page shows the sentence when it is used
            except Exception:
                logger.exception("warm-up failed")

        self._warming = threading.Thread(target=warm, name="warm-up", daemon=True)
        self._warming.start()

    def works(self, seconds: float = HEALTHY_SECONDS) -> bool:
        """Whether a tiny job passes the network in time, or a long one before it makes progress."""
        tiny = Audio(np.zeros((1, SAMPLE_RATE // 10), np.float32), SAMPLE_RATE)
        try:
            job = self.submit(tiny, visitor="health")
        except UserError:
            return False
        try:
            done = self._done()
            if not job.wait(seconds):
                return self._done() != done
            job.result()
            return True
        except Exception:
            return False
        finally:
            job.cancel()

    def _done(self) -> list[tuple[int, float]]:
        """What runs now and how far it is; changes while there is progress."""
        with self._lock:
            workers = list(self._workers.values())
        return [(id(job), job.fraction) for w in workers for job in list(w.jobs) if job.running]

    def close(self, seconds: float = 10.0) -> bool:
        """Cancel everything that runs or waits; whether it has ended within that time."""
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            worker.close()
        threads = [worker.thread for worker in workers]
        threads += [self._warming] if self._warming else []
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        isolation.stop()
        return not any(thread.is_alive() for thread in threads)

    def _worker(self, weights: str) -> _Worker:
        key = self._file_or_name(weights)
        with self._lock:
            if key not in self._workers:
                self._workers[key] = _Worker(lambda: self._load(key))
            return self._workers[key]

    def _file_or_name(self, weights: str) -> str:
        """What `Denoiser` takes, for a name that a visitor may use: never a path of theirs."""
        from frcrn_app.weights import list_weights

        entries = {entry.name: entry for entry in list_weights()}
        # A network that is loaded works on, whatever becomes of its file.
        loaded = [
            key
            for key, worker in list(self._workers.items())
            if worker.is_loaded and key != self._options.weights
        ]
        if weights != "auto" and (weights in entries or weights in loaded):
            return weights
        chosen = self._options.weights
        if chosen == "auto":
            # Named, so that official weights that arrive later take over from the embedded ones.
            present = [entry.name for entry in entries.values() if entry.present]
            chosen = next(iter([*present, *loaded]), "auto")
        started = self._workers.get(chosen)
        if weights == "auto" or (started and started.denoiser().entry.name == weights):
            return chosen
        offered = ", ".join(("auto", *entries))
        raise CheckpointError("web.no_such_weights", name=weights[:80], offered=offered)

    def _load(self, weights: str) -> Denoiser:
        from frcrn_app.inference import Denoiser

        return Denoiser(weights, self._options.device, self._options.precision)
