"""How processes that help a server or a command behave beside it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1  # prctl.h


def end_with_parent() -> None:
    """This process is killed when the one that started it is gone, even by kill -9; on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def step_back(steps: int) -> None:
    """This process gets the cores after those that are less nice, by 1 to 19 steps."""
    with suppress(AttributeError, OSError):  # there is no such call on Windows
        os.nice(steps)
