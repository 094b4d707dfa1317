"""The batches of all visitors: by ticket, for as long as their files are kept."""

from __future__ import annotations

import threading
import time

from frcrn_app.errors import AudioError
from frcrn_app.web.batch.batch import Batch

SWEEP_SECONDS = 300  # between two looks for old batches


class Batches:
    """Which batches there are.

    Args:
        keep_seconds: after which a batch is deleted, from when it last did anything.
    """

    def __init__(self, keep_seconds: float):
        self._keep_seconds = keep_seconds
        self._by_ticket: dict[str, Batch] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(target=self._sweep, name="old batches", daemon=True).start()

    def keep(self, batch: Batch) -> None:
        with self._lock:
            self._by_ticket[batch.ticket] = batch

    def find(self, ticket: str) -> Batch:
        """Raises AudioError where there is none, or none any longer."""
        with self._lock:
            batch = self._by_ticket.get(ticket)
        if batch is None:
            raise AudioError("web.result_gone")
        return batch

    def delete(self, ticket: str) -> None:
        """Delete a batch with its files, if it is there."""
        with self._lock:
            batch = self._by_ticket.pop(ticket, None)
        if batch is not None:
            batch.delete()

    def close(self) -> None:
        """Stop them all."""
        self._closed.set()
        with self._lock:
            batches = list(self._by_ticket)
        for ticket in batches:
            self.delete(ticket)

    def _sweep(self) -> None:
        while not self._closed.wait(SWEEP_SECONDS):
            self._delete_old(time.monotonic() - self._keep_seconds)

    def _delete_old(self, before: float) -> None:
        """Delete what has rested since before that time, in seconds of `time.monotonic`."""
        with self._lock:
            batches = self._by_ticket.items()
            old = [name for name, one in batches if one.is_idle and one.idle_since < before]
        for ticket in old:
            self.delete(ticket)
