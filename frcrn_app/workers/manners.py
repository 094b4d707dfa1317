"""How processes that help a server or a command behave beside it."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import wait


def end_with(pipe: int) -> None:
    """This process is killed once nobody holds the other end of a pipe any longer; on Linux.

    That is how it ends with the process that started it, even if that one is killed: the kernel
    closes what it held, and sends a signal that waits for no Python thread, so that a library's
    endless loop ends as well. The death of a parent (PR_SET_PDEATHSIG) would not do: a fork server
    may stand between the two, which lives as long as its processes, and what counts there is the
    parent's thread, which ends before the others.

    Args:
        pipe: the file descriptor to read from, to which nothing is written any longer.
    """
    if sys.platform != "linux":
        return
    import fcntl

    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    if wait([pipe], 0):  # closed before
        os.kill(os.getpid(), signal.SIGKILL)


def step_back(steps: int) -> None:
    """This process gets the cores after those that are less nice, by 1 to 19 steps."""
    with suppress(AttributeError, OSError):  # there is no such call on Windows
        os.nice(steps)
