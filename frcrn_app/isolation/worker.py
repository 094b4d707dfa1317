"""What runs in the processes that may be killed."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from operator import attrgetter
from traceback import clear_frames
from typing import Any

from frcrn_app.isolation import transport
from frcrn_app.memory import give_back_freed_memory
from frcrn_app.workers import end_with, step_back

NICE = 5  # behind the network, which many wait for


def start() -> None:
    """Make a new process one that ends at once when told to, or when the server is gone."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # also amid a library's endless loop
    server = multiprocessing.parent_process()
    if server is not None and server.sentinel is not None:  # else its context sees to it
        end_with(server.sentinel)
    if sys.platform == "linux":
        with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")  # if the machine runs out of memory: this one first
    # Decoders comment on every damaged frame, on standard error.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    step_back(NICE)
    with suppress(ImportError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def work(
    function: tuple[str, str],
    arguments: bytes,
    memory: int,
    path: str,
) -> transport.Parcel:
    """Call a function, given as its module and name, and store its result at `path`.

    It may take `memory` bytes beyond what the process has by now. The function comes by its name
    and its arguments as a pickle of (args, kwargs), because what they belong to may take long to
    import: that is part of its own time, and no other process waits for it.

    Raises:
        MemoryError: it wanted more.
        Exception: whatever the function raises, which must survive pickling.
    """
    call: Callable[..., Any] = attrgetter(function[1])(import_module(function[0]))
    before = _limit_memory(memory)
    try:
        args, kwargs = pickle.loads(arguments)
        return transport.send(call(*args, **kwargs), path)
    except BaseException as error:
        _forget_variables(error)
        raise
    finally:
        _restore(before)
        give_back_freed_memory()


def _forget_variables(error: BaseException | None) -> None:
    """What an error was raised amid would be held until the process has its next call."""
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _limit_memory(memory: int) -> tuple[int, int] | None:
    """Returns the limit before; None where the system has none."""
    try:
        import resource

        with open("/proc/self/statm") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (now + memory, before[1]))
        return before
    except (ImportError, OSError, ValueError):  # Windows, macOS: the deadline alone
        return None


def _restore(before: tuple[int, int] | None) -> None:
    if before is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, before)
