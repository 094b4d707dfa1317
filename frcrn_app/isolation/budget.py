"""How much memory there is, and who may take how much of it at a time."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from frcrn_app.errors import Cancelled
from frcrn_app.isolation.errors import IsolationError

DEFAULT_SHARE = 0.5  # of the machine's or container's memory; the network and the page need some
VISITOR_SHARE = 0.5  # of the budget that one visitor may hold
WAIT_SECONDS = 120.0  # for room, after which a visitor is told that the server is busy

_POLL_SECONDS = 0.1  # between two looks at whether whoever waits is still wanted
_PATIENCE_SECONDS = 15.0  # after which nobody who came later is let past
_FALLBACK_BYTES = 4 << 30  # where the system does not say


def default_memory() -> int:
    """Bytes that decoded audio may take: half of what this machine, or its container, has."""
    return int(_memory_bytes() * DEFAULT_SHARE)


def _memory_bytes(root: Path = Path("/sys/fs/cgroup")) -> int:
    """Physical memory in bytes, or the container's limit where that is lower."""
    try:
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        machine = _FALLBACK_BYTES
    limits = [machine]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # of cgroup v2, v1
        try:
            limits.append(int((root / name).read_text()))
        except (OSError, ValueError):  # not there, or "max"
            continue
    return min(limits)


class Budget:
    """Bytes to be shared out; whoever asks for more than is left waits. Safe to use from threads.

    One visitor holds at most half of it, so that large recordings of one do not keep others out,
    except that a single request is never refused for that alone.

    Args:
        total: bytes.
    """

    def __init__(self, total: int):
        self.total = total
        self._held: Counter[str] = Counter()
        self._queue: list[tuple[object, float]] = []  # who waits, and since when
        self._changed = threading.Condition()

    @property
    def held(self) -> int:
        """Bytes that are taken now."""
        with self._changed:
            return self._held.total()

    @contextmanager
    def reserve(
        self,
        size: int,
        visitor: str = "",
        *,
        cancelled: Callable[[], bool] | None = None,
        wait: float = WAIT_SECONDS,
    ) -> Iterator[None]:
        """Hold `size` bytes for as long as the block runs.

        Args:
            size: bytes.
            visitor: who asks.
            cancelled: whether to give up waiting, asked ten times a second.
            wait: seconds until whoever waits is told that the server is busy.

        Raises:
            IsolationError: `isolation.too_large` if it is more than the whole budget,
                `isolation.busy` if there was no room in time.
            Cancelled: `cancelled` said so.
        """
        if size > self.total:
            raise IsolationError("isolation.too_large", need=_mib(size), limit=_mib(self.total))
        self._take(size, visitor, cancelled, wait)
        try:
            yield
        finally:
            with self._changed:
                self._held[visitor] -= size
                self._held += Counter()  # forgets whoever holds nothing
                self._changed.notify_all()

    def _take(
        self, size: int, visitor: str, cancelled: Callable[[], bool] | None, wait: float
    ) -> None:
        me = object()
        began = time.monotonic()
        with self._changed:
            self._queue.append((me, began))
            try:
                while not self._may_have(size, visitor, me):
                    if cancelled is not None and cancelled():
                        raise Cancelled
                    if time.monotonic() - began > wait:
                        raise IsolationError("isolation.busy")
                    self._changed.wait(_POLL_SECONDS)
                self._held[visitor] += size
            finally:
                self._queue = [entry for entry in self._queue if entry[0] is not me]
                self._changed.notify_all()

    def _may_have(self, size: int, visitor: str, me: object) -> bool:
        oldest, since = self._queue[0]
        if oldest is not me and time.monotonic() - since > _PATIENCE_SECONDS:
            return False
        own = self._held[visitor]
        if own and own + size > self.total * VISITOR_SHARE:
            return False
        return self._held.total() + size <= self.total


def _mib(size: int) -> int:
    return -(-size // (1 << 20))
