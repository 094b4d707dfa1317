"""A long recording whose windows, in batches, several workers share."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from frcrn_app.batch.cleaner import Opened
from frcrn_app.batch.plan import FileJob
from frcrn_app.workers import Handle


class LongFile:
    """Which of its batches wait, are under way and are back.

    Args:
        job: the file.
        opened: its batches.
        host: the worker that has opened it, and will write it.
    """

    def __init__(self, job: FileJob, opened: Opened, host: int):
        self.job, self.seconds, self.batches = job, opened.seconds, len(opened.batches)
        self.enhanced: dict[int, Handle] = {}
        self.elapsed = 0.0  # s that its batches took
        self._under_way: set[int] = set()
        self.open(opened, host)

    def open(self, opened: Opened, host: int) -> None:
        """A worker has opened it, perhaps in the place of another; what is back stays."""
        self.host: int | None = host
        self.noisy: Sequence[Handle] = opened.batches
        known = self._under_way | self.enhanced.keys()
        self.waiting = deque(n for n in range(self.batches) if n not in known)
        self.finishing = False

    def close(self) -> None:
        """Its host is gone. What is under way may come back; nothing starts until it is opened."""
        self.host, self.finishing = None, False
        self.waiting.clear()

    @property
    def complete(self) -> bool:
        """Whether it can be written."""
        return len(self.enhanced) == self.batches and not self.finishing

    def take(self, *, by_host: bool) -> int:
        """A batch that waits; its host goes on from the front, others take from the end."""
        batch = self.waiting.popleft() if by_host else self.waiting.pop()
        self._under_way.add(batch)
        return batch

    def put(self, batch: int, enhanced: Handle, elapsed: float) -> None:
        """A batch is back."""
        self._under_way.discard(batch)
        self.enhanced[batch] = enhanced
        self.elapsed += elapsed

    def put_off(self, batch: int) -> None:
        """A batch did not come back, or is lost."""
        self._under_way.discard(batch)
        self.enhanced.pop(batch, None)
        self.finishing = False
        if self.host is not None:
            self.waiting.appendleft(batch)

    @property
    def handles(self) -> list[Handle]:
        """All that lies in the workers' store."""
        return [*self.noisy, *self.enhanced.values()]
