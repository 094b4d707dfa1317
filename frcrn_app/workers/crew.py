"""What a crew of workers is to whoever has work for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Handle = Any  # where an array lies: a file here, an object of Ray there; it can be pickled


class WorkerDied(Exception):
    """A worker ended amid a call, or before it: killed, crashed, or lost with its machine."""


class Lost(Exception):
    """An array is gone, with the worker or machine that had it."""


class Store(Protocol):
    """Where a worker leaves arrays for the others, beside what its calls return."""

    def put(self, array: np.ndarray) -> Handle:
        """Lasts as long as the crew, unless it is freed."""
        ...

    def get(self, handle: Handle) -> np.ndarray:
        """Read-only. Raises Lost."""
        ...


@dataclass(frozen=True)
class Seat:
    """A worker's place in its crew."""

    number: int  # from 0
    threads: int  # of arithmetic, its share of the cores
    store: Store


Make = Callable[[Seat], Any]  # of a module, so that workers find it


class Crew(Protocol):
    """Workers by number; each works on one call at a time, the next ones wait. A context."""

    size: int

    def call(self, worker: int, method: str, *args: Any) -> Future[Any]:
        """Call a method of what a worker holds.

        The future raises what the method raises, or WorkerDied; the worker is not used again until
        it is replaced.
        """
        ...

    def call_keeping(self, worker: int, method: str, *args: Any) -> tuple[Future[Any], Handle]:
        """Call a method that returns something and an array, which stays where the workers are.

        Returns:
            A future of the one, and the array's handle, which outlives the worker.
        """
        ...

    def replace(self, worker: int) -> None:
        """End a worker, whatever it does, and start another in its place.

        Raises:
            UserError: there is no machine left that could start one.
        """
        ...

    def free(self, handles: Sequence[Handle]) -> None:
        """Nobody needs these arrays any more."""
        ...

    def close(self) -> None:
        """End the workers, whatever they do."""
        ...

    def __enter__(self) -> Crew: ...

    def __exit__(self, *exception: object) -> None: ...
