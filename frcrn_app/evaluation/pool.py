"""Processes that score in parallel, one thread of arithmetic each, and survive a bad file.

pebble keeps them: the PESQ and ONNX libraries may crash, and then exactly the pair that did it is
known and the others go on. They are started by loky's context, which neither forks a process that
has threads nor runs the caller's main module again, so that a script needs no `__main__` guard.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from typing import Any, cast

from pebble import ProcessExpired, ProcessPool

from frcrn_app.errors import PairError, UserError
from frcrn_app.evaluation import scoring
from frcrn_app.evaluation.scoring import PairScores, ScoreTask, SoundScores
from frcrn_app.workers import Threads, cores, step_back

TASK_SECONDS = 900.0  # after which a pair of short files is given up
BYTES_A_SECOND = 32_000  # of its files, by which it gets more time: what WAV takes at 16 kHz
MAX_WORKERS = 16
NICE = 10  # behind the network, which someone may be speaking through
_POLL_SECONDS = 0.1  # between two looks at what is done: wakes up for Ctrl-C


def default_workers() -> int:
    """As many as this process may use cores, up to 16."""
    return max(1, min(cores(), MAX_WORKERS))


class ScoringPool:
    """Some processes that turn `ScoreTask`s into `PairScores`; a context manager."""

    def __init__(self, workers: int | None = None, *, task_seconds: float = TASK_SECONDS):
        self.workers = workers or default_workers()
        self.task_seconds = task_seconds
        self._pool = ProcessPool(
            max_workers=self.workers,
            initializer=step_back,
            initargs=(NICE,),
            context=cast(Any, Threads(1)),
        )

    def __enter__(self) -> ScoringPool:
        return self

    def __exit__(self, *exception) -> None:
        self._pool.stop()
        self._pool.join()

    def run(
        self, tasks: Iterable[ScoreTask], check: Callable[[], None] = lambda: None
    ) -> Generator[tuple[int, PairScores]]:
        """Yield (place in `tasks`, scores) in the order in which they are done.

        Tasks are taken from their iterator only when a process is free, so that any number of them
        costs the same memory. A pair whose process dies, perhaps killed for the memory of another
        program, gets one more try; one whose process dies again or hangs gets that as its error.
        Closing the iterator stops what is under way, and so does what `check` raises, which is
        called several times a second.
        """
        numbered = enumerate(tasks)
        waiting: dict[Future, tuple[int, ScoreTask, int, float]] = {}

        def begin(index: int, task: ScoreTask, attempt: int) -> None:
            limit = self.task_seconds + _bytes(task) / BYTES_A_SECOND
            future = self._pool.schedule(scoring.score_pair, (task,), timeout=limit)
            waiting[future] = index, task, attempt, limit

        try:
            while True:
                while len(waiting) < self.workers:
                    numbered_task = next(numbered, None)
                    if numbered_task is None:
                        break
                    begin(*numbered_task, attempt=1)
                if not waiting:
                    return
                done, _ = wait(waiting, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
                check()
                for future in done:
                    index, task, attempt, limit = waiting.pop(future)
                    try:
                        yield index, future.result()
                    except ProcessExpired as error:
                        if attempt == 1:
                            begin(index, task, attempt=2)
                        else:
                            yield index, _nothing(task, _ended(error.exitcode))
                    except TimeoutError:
                        error = PairError("evaluation.too_slow", seconds=round(limit))
                        yield index, _nothing(task, error)
        finally:
            for future in waiting:
                future.cancel()


def _bytes(task: ScoreTask) -> int:
    """Of all its files; those that cannot be read count nothing."""
    files = {task.noisy, *task.degraded.values()} | ({task.clean} if task.clean else set())
    total = 0
    for file in files:
        with suppress(OSError):
            total += file.stat().st_size
    return total


def _ended(exit_status: int | None) -> PairError:
    if exit_status is not None and exit_status < 0:
        return PairError("evaluation.process_killed", signal=-exit_status)
    return PairError("evaluation.process_ended", status=exit_status)


def _nothing(task: ScoreTask, error: UserError) -> PairScores:
    return PairScores(
        {name: SoundScores.nothing(keys, error) for name, keys in task.metrics.items()}
    )
