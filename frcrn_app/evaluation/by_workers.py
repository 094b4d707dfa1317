"""Pairs by workers, on this machine or a cluster, that clean and score; rows alone come back."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frcrn_app.audio import load_audio, save_audio
from frcrn_app.errors import PairError, UserError
from frcrn_app.evaluation.pool import TASK_SECONDS
from frcrn_app.evaluation.recordings import MAX_SECONDS
from frcrn_app.evaluation.scoring import PairScores, ScoreTask, SoundScores, score_pair
from frcrn_app.faults import fault_reference
from frcrn_app.scratch import Scratch
from frcrn_app.version import __version__
from frcrn_app.workers import Crew, Died, Foreman, Make, Seat, Task

if TYPE_CHECKING:
    from frcrn_app.inference import Denoiser

ATTEMPTS = 2  # at a pair whose worker dies
BYTES_A_SECOND = 8_000  # of the noisy file, by which a pair gets more time

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OwnTask:
    """What of a pair our own network is to make.

    Args:
        name: of the system.
        target: where it is kept; None: it is scored and deleted.
        strength: of the Denoiser.
    """

    name: str
    target: Path | None
    strength: float


PairTask = tuple[ScoreTask, OwnTask | None]


class PairWorker:
    """A worker's Denoiser, and scoring by the same process.

    Args:
        denoiser_of: makes the Denoiser of the worker of a number; None: nothing is cleaned.
    """

    def __init__(self, denoiser_of: Callable[[int], Denoiser] | None, seat: Seat):
        self._denoiser = None
        if denoiser_of is not None:
            import torch

            torch.set_num_threads(seat.threads)
            self._denoiser = denoiser_of(seat.number)

    def ready(self) -> tuple[str, str | None]:
        """Version of the program and checksum of the weights."""
        if self._denoiser is None:
            return __version__, None
        self._denoiser.warm_up()  # the first file must not be charged for the set-up
        return __version__, self._denoiser.sha256

    def score(self, task: PairTask) -> tuple[PairScores, float | None]:
        """The scores of a pair, and the seconds that cleaning took."""
        scoring, own = task
        if own is None:
            return score_pair(scoring), None
        with Scratch("evaluate") as folder:
            try:
                path, elapsed = self._clean(scoring.noisy, own, Path(folder))
            except UserError as error:
                return self._without(scoring, own, error), None
            except Exception as error:  # one bad file never ends a run
                reference = fault_reference(error, logger, str(scoring.noisy))
                fault = PairError("fault.file", reference=reference)
                return self._without(scoring, own, fault), None
            degraded = {**scoring.degraded, own.name: path}
            return score_pair(replace(scoring, degraded=degraded)), elapsed

    def _clean(self, noisy: Path, own: OwnTask, folder: Path) -> tuple[Path, float]:
        assert self._denoiser is not None
        audio = load_audio(noisy, max_seconds=MAX_SECONDS)
        start = time.perf_counter()
        enhanced = self._denoiser(audio, own.strength)
        elapsed = time.perf_counter() - start
        target = own.target or folder / "enhanced.wav"
        return save_audio(target, enhanced, format="wav-float"), elapsed

    def _without(self, scoring: ScoreTask, own: OwnTask, error: UserError) -> PairScores:
        """Scores of the other systems, where ours could not clean."""
        others = {name: keys for name, keys in scoring.metrics.items() if name != own.name}
        scores = score_pair(replace(scoring, metrics=others)) if others else PairScores({})
        scores.sounds[own.name] = SoundScores.nothing(scoring.metrics.get(own.name, ()), error)
        return scores


class PairCrew:
    """Workers that turn tasks into scores; a context.

    Args:
        crew: starts the workers.
        denoiser_of: as of `PairWorker`.
        sha256: of the weights that every worker must have; None: nothing is cleaned.
    """

    def __init__(
        self,
        crew: Callable[[Make], Crew],
        denoiser_of: Callable[[int], Denoiser] | None,
        sha256: str | None,
    ):
        self._crew = crew(partial(PairWorker, denoiser_of))
        self.workers = self._crew.size
        self._facts = __version__, sha256

    def __enter__(self) -> PairCrew:
        return self

    def __exit__(self, *exception: object) -> None:
        self._crew.close()

    def run(
        self, tasks: Iterator[PairTask]
    ) -> Generator[tuple[int, PairScores, float | None] | None]:
        """Yield (place in `tasks`, scores, seconds of cleaning) as they come; None now and then.

        Tasks are taken from their iterator when a worker is free. A pair whose worker dies gets one
        more try; then, or if it takes too long, that is its error.

        Raises:
            UserError: workers have other weights or another program than this process.
        """
        pairs = _Pairs(tasks, self._facts)
        for _ in Foreman(self._crew).run(pairs):
            yield None
            while pairs.fresh:
                yield pairs.fresh.popleft()
        while pairs.fresh:
            yield pairs.fresh.popleft()


class _Pairs:
    """What `Foreman` asks for work."""

    def __init__(self, tasks: Iterator[PairTask], facts: tuple[str, str | None]):
        self._tasks, self._facts = enumerate(tasks), facts
        self.again: deque[_Scoring] = deque()
        self.fresh: deque[tuple[int, PairScores, float | None]] = deque()
        self.under_way = 0
        self._exhausted = False

    @property
    def done(self) -> bool:
        return self._exhausted and not self.under_way and not self.again

    def joined(self, worker: int, facts: tuple[str, str | None]) -> None:
        if facts != self._facts:
            raise UserError("workers.differ")

    def left(self, worker: int) -> None:
        """It held nothing."""

    def pick(self, worker: int) -> Task | None:
        if self.again:
            scoring = self.again.popleft()
        else:
            numbered = next(self._tasks, None)
            if numbered is None:
                self._exhausted = True
                return None
            scoring = _Scoring(self, *numbered)
        self.under_way += 1
        return scoring


class _Scoring:
    """A pair that a worker scores."""

    def __init__(self, pairs: _Pairs, place: int, task: PairTask):
        self._pairs, self._place, self._task = pairs, place, task
        self._attempts = 0
        self.seconds = TASK_SECONDS
        with suppress(OSError):
            self.seconds += task[0].noisy.stat().st_size / BYTES_A_SECOND

    def begin(self, crew: Crew, worker: int) -> Future[Any]:
        self._attempts += 1
        return crew.call(worker, "score", self._task)

    def landed(self, value: tuple[PairScores, float | None]) -> None:
        self._end(*value)

    def failed(self, error: Exception) -> None:
        raise error

    def died(self, error: Died) -> None:
        if isinstance(error, TimeoutError):
            self._fail(PairError("evaluation.too_slow", seconds=round(self.seconds)))
        elif self._attempts < ATTEMPTS:
            self._pairs.under_way -= 1
            self._pairs.again.append(self)
        else:
            self._fail(PairError("evaluation.worker_died", count=self._attempts))

    def _fail(self, error: UserError) -> None:
        metrics = self._task[0].metrics
        nothing = {name: SoundScores.nothing(keys, error) for name, keys in metrics.items()}
        self._end(PairScores(nothing), None)

    def _end(self, scores: PairScores, elapsed: float | None) -> None:
        self._pairs.under_way -= 1
        self._pairs.fresh.append((self._place, scores, elapsed))
