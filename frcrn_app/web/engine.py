"""One warm Denoiser for each set of weights, shared by everyone who has the page open.

Requests become `Job`s in the queue of their Denoiser, whose one worker thread runs them: two
requests never fight for the same cores, and whoever waits can be told how many are ahead. Visitors
take turns window by window, so that a long recording holds up nobody's short one. Where the
Denoiser takes several windows at once, waiting jobs whose windows are as long as those of the next
one run together with it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from frcrn_app import isolation
from frcrn_app.audio import Audio
from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import CheckpointError, UserError
from frcrn_app.web.guard import Guard, GuardOptions
from frcrn_app.web.turns import Job, Progress, Worker

if TYPE_CHECKING:
    from frcrn_app.inference import Denoiser
    from frcrn_app.web.options import WebOptions
    from frcrn_app.weights import WeightsEntry

logger = logging.getLogger(__name__)

HEALTHY_SECONDS = 20.0  # in which a tiny job comes through, or the one before it moves on


class Engine:
    """Denoisers by the name of their weights, loaded once and kept warm.

    `guard` shares out the server's memory and knows its visitors.
    """

    def __init__(self, options: WebOptions):
        self.guard = Guard(GuardOptions.of(options))
        self._options = options
        self._workers: dict[str, Worker] = {}
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
        work: str = "",
    ) -> Job:
        """Put audio into the queue; raises CheckpointError for weights that are not offered.

        Args:
            visitor: whose turn it is; None: of whoever's request the calling thread handles.
            abandoned: whether nobody waits for it any longer, which ends it.
            full_band: whether what lies above 8 kHz comes back; see `Denoiser`.
            work: what the job belongs to: works of one visitor take turns, as visitors do.
        """
        whose = self.guard.visitor() if visitor is None else visitor
        job = Job(audio, strength, progress, whose, abandoned, full_band, work)
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

    def warm_up(self, then: Callable[[], None]) -> None:
        """Load the first weights and run the networks once, in the background.

        Args:
            then: called at the end, whatever came of it.
        """

        def warm() -> None:
            from frcrn_app.metrics import dnsmos

            try:
                # What looks into the sets that visitors have evaluated; and what app.py imports,
                # which every such process runs once more.
                isolation.warm_up("frcrn_app.web.evaluate.test_set", "frcrn_app.web.options")
                self.get().warm_up()
                dnsmos(np.random.default_rng(0).uniform(-0.1, 0.1, 16_000))
            except UserError as error:
                logger.warning("%s", error)  # the page shows the sentence when it is used
            except Exception:
                logger.exception("warm-up failed")
            then()

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
        return [(id(job), job.fraction) for worker in workers for job in worker.running]

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

    def _worker(self, weights: str) -> Worker:
        key = self._file_or_name(weights)
        with self._lock:
            if key not in self._workers:
                self._workers[key] = Worker(lambda: self._load(key))
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
