"""A crew of processes on this machine.

pebble keeps them: each is a pool of one, so that a call can choose its worker, and one that dies is
known by the call that it died in. They are started by loky's context, which neither forks a process
that has threads nor runs the caller's main module again: a script needs no `__main__` guard.
"""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import count
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

import numpy as np
from loky.backend.context import LokyContext
from loky.backend.process import LokyProcess
from pebble import ProcessExpired, ProcessPool

from frcrn_app.scratch import Scratch
from frcrn_app.workers.crew import Handle, Lost, Make, Seat, WorkerDied
from frcrn_app.workers.held import THREADS, Held
from frcrn_app.workers.manners import end_with


def cores() -> int:
    """That this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


class _Process(LokyProcess):
    """A process that ends when the one that started it is gone."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self._pipe, _held[self] = Pipe(duplex=False)

    def run(self) -> None:
        end_with(self._pipe.fileno())
        super().run()


_held: WeakKeyDictionary[_Process, object] = WeakKeyDictionary()  # not pickled with it


class Threads(LokyContext):
    """A context whose processes calculate on so many threads: with more, they fight for cores.

    They end when the process that started them is gone.
    """

    def __init__(self, threads: int):
        super().__init__()
        self._threads = threads

    def Process(self, *args: Any, **options: Any) -> LokyProcess:
        return _Process(*args, env=dict.fromkeys(THREADS, str(self._threads)), **options)


class FileStore:
    """Arrays as files of one folder, mapped where they are read."""

    def __init__(self, folder: Path):
        self.folder = folder

    def put(self, array: np.ndarray) -> Path:
        return self.write(self.folder / f"{secrets.token_hex(8)}.npy", array)

    def write(self, path: Path, array: np.ndarray) -> Path:
        np.save(path, array)
        return path

    def get(self, handle: Handle) -> np.ndarray:
        try:
            return np.load(handle, mmap_mode="r")
        except FileNotFoundError:
            raise Lost from None


class ProcessCrew:
    """See `Crew`.

    Args:
        make: builds what a worker holds.
        size: workers.
        threads: of arithmetic of each; None: an equal share of the cores.
    """

    def __init__(self, make: Make, size: int, threads: int | None = None):
        self.size = size
        self._make, self._threads = make, threads or max(1, cores() // size)
        self._scratch = Scratch("workers")
        self._store = FileStore(self._scratch.folder)
        self._kept = count()
        self._pools = [self._started(number) for number in range(size)]

    def call(self, worker: int, method: str, *args: Any) -> Future[Any]:
        return self._scheduled(worker, method, args, None)

    def call_keeping(self, worker: int, method: str, *args: Any) -> tuple[Future[Any], Handle]:
        path = self._store.folder / f"kept-{next(self._kept)}.npy"
        return self._scheduled(worker, method, args, path), path

    def replace(self, worker: int) -> None:
        self._pools[worker].stop()
        self._pools[worker].join()
        self._pools[worker] = self._started(worker)

    def free(self, handles: Sequence[Handle]) -> None:
        for path in handles:
            path.unlink(missing_ok=True)

    def close(self) -> None:
        for pool in self._pools:
            pool.stop()
        for pool in self._pools:
            pool.join()
        self._scratch.close()

    def __enter__(self) -> ProcessCrew:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _started(self, number: int) -> ProcessPool:
        return ProcessPool(
            max_workers=1,
            initializer=_begin,
            initargs=(self._make, Seat(number, self._threads, self._store)),
            context=cast(Any, Threads(self._threads)),
        )

    def _scheduled(self, worker: int, method: str, args: tuple, keep: Path | None) -> Future[Any]:
        outcome: Future[Any] = Future()
        outcome.set_running_or_notify_cancel()

        def settle(future: Future[Any]) -> None:
            error = WorkerDied() if future.cancelled() else future.exception()
            if error is None:
                outcome.set_result(future.result())
            else:
                outcome.set_exception(WorkerDied() if isinstance(error, ProcessExpired) else error)

        self._pools[worker].schedule(_call, (method, args, keep)).add_done_callback(settle)
        return outcome


_mine: Held | None = None  # of this process, where it is a worker


def _begin(make: Make, seat: Seat) -> None:
    """Make a new process a worker."""
    global _mine
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that gives the work
    _mine = Held(make, seat)


def _call(method: str, args: tuple, keep: Path | None) -> Any:
    assert _mine is not None
    value = _mine.call(method, args)
    if keep is None:
        return value
    facts, array = value
    cast(FileStore, _mine.seat.store).write(keep, array)
    return facts
