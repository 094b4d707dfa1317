"""Gives work to whoever is free, and again where a worker was lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any, Protocol

from frcrn_app.errors import UserError
from frcrn_app.workers.crew import Crew, WorkerDied

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.2  # between two looks at what is done: wakes up for Ctrl-C and the progress
_STILLBORN = 3  # times that a worker may die before it is ready

Died = WorkerDied | TimeoutError


class Task(Protocol):
    """One call of a worker."""

    @property
    def seconds(self) -> float | None:
        """After which the worker is given up; None: never."""
        ...

    def begin(self, crew: Crew, worker: int) -> Future[Any]: ...

    def landed(self, value: Any) -> None:
        """It returned."""
        ...

    def failed(self, error: Exception) -> None:
        """It raised this."""
        ...

    def died(self, error: Died) -> None:
        """Its worker died, or took too long: it may be given again."""
        ...


class Work(Protocol):
    """All there is to do."""

    @property
    def done(self) -> bool: ...

    def joined(self, worker: int, facts: Any) -> None:
        """A worker, maybe in the place of another, is ready; `facts` is what its `ready` says."""
        ...

    def left(self, worker: int) -> None:
        """A worker is gone, with all that it held."""
        ...

    def pick(self, worker: int) -> Task | None:
        """What the worker does next; None: nothing now."""
        ...


@dataclass
class _UnderWay:
    worker: int
    task: Task | None  # None: it becomes ready
    since: float


class Foreman:
    """Lets a crew do some work; what its workers hold has a method `ready`, called first."""

    def __init__(self, crew: Crew):
        self._crew = crew
        self._under_way: dict[Future[Any], _UnderWay] = {}
        self._idle: list[int] = []
        self._stillborn: dict[int, int] = {}

    def run(self, work: Work) -> Iterator[None]:
        """Until all is done; yields at least five times a second.

        Raises:
            UserError: the workers cannot be made ready, all of them keep dying, or the last machine
                is gone.
        """
        for worker in range(self._crew.size):
            self._begin(worker, None)
        while not work.done:
            self._give(work)
            if not self._under_way:
                if work.done:  # which work may learn only when it is asked for more
                    return
                raise UserError("workers.none_left")
            done, _ = wait(self._under_way, _POLL_SECONDS, FIRST_COMPLETED)
            for future in done:
                self._settle(work, future, self._under_way.pop(future))
            self._give_up_late(work)
            yield

    def _give(self, work: Work) -> None:
        for worker in list(self._idle):
            task = work.pick(worker)
            if task is not None:
                self._idle.remove(worker)
                self._begin(worker, task)

    def _begin(self, worker: int, task: Task | None) -> None:
        if task is None:
            future = self._crew.call(worker, "ready")
        else:
            future = task.begin(self._crew, worker)
        self._under_way[future] = _UnderWay(worker, task, time.monotonic())

    def _settle(self, work: Work, future: Future[Any], call: _UnderWay) -> None:
        error = future.exception()
        if isinstance(error, WorkerDied):
            self._lost(work, call, error)
        elif call.task is None:
            work.joined(call.worker, future.result())
            self._stillborn.pop(call.worker, None)
            self._idle.append(call.worker)
        else:
            self._idle.append(call.worker)
            if isinstance(error, Exception):
                call.task.failed(error)
            else:
                call.task.landed(future.result())

    def _lost(self, work: Work, call: _UnderWay, error: Died) -> None:
        logger.info("worker %d is lost", call.worker)
        work.left(call.worker)
        if call.task is not None:
            call.task.died(error)
        else:
            self._stillborn[call.worker] = self._stillborn.get(call.worker, 0) + 1
            if self._stillborn[call.worker] >= _STILLBORN:
                return
        self._crew.replace(call.worker)
        self._begin(call.worker, None)

    def _give_up_late(self, work: Work) -> None:
        now = time.monotonic()
        for future, call in list(self._under_way.items()):
            seconds = call.task.seconds if call.task else None
            if seconds is not None and now - call.since > seconds:
                del self._under_way[future]
                self._lost(work, call, TimeoutError())
