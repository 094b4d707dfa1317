"""A function in another process, which is killed when it takes too long or nobody waits for it."""

from __future__ import annotations

import logging
import multiprocessing
import pickle
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, TimeoutError
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from frcrn_app.errors import Cancelled
from frcrn_app.faults import of_a_full_disk
from frcrn_app.isolation import transport
from frcrn_app.isolation.budget import default_memory
from frcrn_app.isolation.errors import IsolationError
from frcrn_app.isolation.worker import start, work
from frcrn_app.scratch import Scratch
from frcrn_app.workers import Threads, cores

logger = logging.getLogger(__name__)

DEADLINE_SECONDS = 30.0  # of one call, from when it starts
MEMORY_BYTES = 1 << 30  # of one call, beyond what its process has
AT_ONCE = 2  # calls of one visitor; the next one waits
# Two a core, since one that reads waits for its file, and one that hangs takes no more of its core
# than it gets. No more than may fill all that they are allowed at the same time, but at the least
# so many that two visitors whose files hang leave one for others.
WORKERS = max(2 * AT_ONCE + 1, min(8, 2 * cores(), default_memory() // MEMORY_BYTES))
QUEUE_SECONDS = 60.0  # that a call may wait for a process

_POLL_SECONDS = 0.05  # between two looks at whether the caller is still wanted
_TASKS_A_PROCESS = 500  # what libraries leak does not add up

Result = TypeVar("Result")


def isolated(
    function: Callable[..., Result],
    *args: Any,
    about: Path | str,
    deadline: float = DEADLINE_SECONDS,
    memory: int = MEMORY_BYTES,
    visitor: str = "",
    cancelled: Callable[[], bool] | None = None,
    **kwargs: Any,
) -> Result:
    """Call `function(*args, **kwargs)` in a process that a bad file can neither hang nor crash.

    Args:
        function: of a module, so that the other process finds it.
        about: the file that the call is about, for the sentence if it fails.
        deadline: seconds that it may run.
        memory: bytes that it may take, its result included; enforced on Linux.
        visitor: for whom; two calls of one visitor run at a time.
        cancelled: whether nobody waits any longer, asked twenty times a second.

    Returns:
        What the function returns; arrays in it are not pickled but mapped.

    Raises:
        IsolationError: `isolation.too_slow`, `isolation.too_much_memory`, `isolation.crashed`,
            `isolation.disk_full`, or `isolation.busy` if no process was free for a minute.
        Cancelled: `cancelled` said so; the process is killed.
        Exception: whatever the function raises.
    """
    with _turns.turn(visitor, cancelled), _result_file() as path:
        name = (function.__module__, function.__qualname__)
        arguments = pickle.dumps((args, kwargs), protocol=5)
        parcel = _run((name, arguments, memory, str(path)), about, deadline, cancelled)
        return transport.receive(parcel, path)  # pyright: ignore[reportReturnType]


def warm_up(*modules: str) -> None:
    """Start the processes now, so that the first file need not wait for them.

    Args:
        modules: that functions will be called from, to be imported once for all processes.
    """
    _preloaded.extend(module for module in modules if module not in _preloaded)
    with _result_file():  # its folder is made while there is room
        _pool().schedule(int).result(QUEUE_SECONDS)


def stop() -> None:
    """End every process; what runs in them raises Cancelled where it is waited for."""
    global _current, _scratch
    with _lock:
        pool, _current = _current, None
        scratch, _scratch = _scratch, None
    if pool is not None:
        pool.stop()
        pool.join()
    if scratch is not None:
        scratch.close()


def _run(
    task: tuple,
    about: Path | str,
    deadline: float,
    cancelled: Callable[[], bool] | None,
) -> transport.Parcel:
    pool = _pool()
    try:
        future = pool.schedule(work, args=task, timeout=deadline)
        waited = time.monotonic()
        while True:
            try:
                return future.result(_POLL_SECONDS)
            except TimeoutError:
                if future.done():  # by its own deadline, not by this short look
                    raise
            if cancelled is not None and cancelled():
                future.cancel()
                raise Cancelled
            if not future.running() and time.monotonic() - waited > QUEUE_SECONDS:
                future.cancel()
                _discard(pool)
                raise IsolationError("isolation.busy")
    except TimeoutError:
        raise IsolationError("isolation.too_slow", name=about, seconds=deadline) from None
    except MemoryError:
        raise IsolationError("isolation.too_much_memory", name=about) from None
    except CancelledError:
        raise Cancelled from None
    except ProcessExpired as error:
        logger.warning("a process that read a file ended with code %s", error.exitcode)
        raise IsolationError("isolation.crashed", name=about) from None
    except (BrokenProcessPool, RuntimeError) as error:
        if pool.active and not isinstance(error, BrokenProcessPool):  # the function's own
            raise
        logger.warning("the processes that read files had to be started again: %r", error)
        _discard(pool)
        if of_a_full_disk(error):  # no further process could start
            raise IsolationError("isolation.disk_full") from None
        raise IsolationError("isolation.crashed", name=about) from None
    except OSError as error:
        if of_a_full_disk(error):
            raise IsolationError("isolation.disk_full") from None
        raise


class _Turns:
    """Lets each visitor have a few calls under way; the next ones wait."""

    def __init__(self, at_once: int):
        self._at_once = at_once
        self._running: Counter[str] = Counter()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, visitor: str, cancelled: Callable[[], bool] | None) -> Iterator[None]:
        """Runs the block in the visitor's turn; raises Cancelled if `cancelled` says so before."""
        with self._changed:
            while visitor and self._running[visitor] >= self._at_once:
                if cancelled is not None and cancelled():
                    raise Cancelled
                self._changed.wait(_POLL_SECONDS)
            self._running[visitor] += 1
        try:
            yield
        finally:
            with self._changed:
                self._running[visitor] -= 1
                self._running += Counter()  # forgets whoever has none
                self._changed.notify_all()


_turns = _Turns(AT_ONCE)
_lock = threading.Lock()
_current: ProcessPool | None = None
_scratch: Scratch | None = None
_preloaded = ["frcrn_app.isolation.preload"]


def _pool() -> ProcessPool:
    global _current
    with _lock:
        if _current is None:
            _current = ProcessPool(
                max_workers=WORKERS,
                max_tasks=_TASKS_A_PROCESS,
                initializer=start,
                context=_context(),
            )
        return _current


@contextmanager
def _result_file() -> Iterator[Path]:
    """Where a process puts its result; it is not there yet, and gone after the block."""
    global _scratch
    try:
        with _lock:
            if _scratch is None:
                _scratch = Scratch("isolated")
            path = _scratch.folder / secrets.token_hex(8)
    except OSError as error:
        if of_a_full_disk(error):
            raise IsolationError("isolation.disk_full") from None
        raise
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _discard(pool: ProcessPool) -> None:
    """The next call gets new processes."""
    global _current
    with _lock:
        if _current is pool:
            _current = None
    pool.stop()


def _context() -> Any:
    """Processes forked from a small one of their own where that can be had: they start in ms."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return Threads(1)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_preloaded))
    return context
