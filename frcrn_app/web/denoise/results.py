"""The cleanings of all visitors: by ticket, for as long as their files are kept."""

from __future__ import annotations

import threading
import time

from frcrn_app.errors import AudioError
from frcrn_app.web.denoise.cleaning import Cleaning

SWEEP_SECONDS = 300  # between two looks for old results
GRACE_SECONDS = 1.5  # that work goes on after its page was left: a page that is reloaded finds it


class Results:
    """Which page follows which cleaning, and which cleanings there are.

    Args:
        keep_seconds: after which a result is deleted.
    """

    def __init__(self, keep_seconds: float):
        self._keep_seconds = keep_seconds
        self._by_ticket: dict[str, Cleaning] = {}
        self._by_session: dict[str, Cleaning] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(target=self._sweep, name="old results", daemon=True).start()

    def follow(self, session: str, cleaning: Cleaning) -> None:
        """A page has one cleaning: a new one ends the one it followed before."""
        with self._lock:
            before = self._by_session.get(session)
            self._by_session[session] = self._by_ticket[cleaning.ticket] = cleaning
        if before is not None and before is not cleaning:
            self._stop_if_alone(before)

    def find(self, ticket: str) -> Cleaning:
        """Raises AudioError where there is none, or none any longer."""
        with self._lock:
            cleaning = self._by_ticket.get(ticket)
        if cleaning is None:
            raise AudioError("web.result_gone")
        return cleaning

    def cancel(self, session: str) -> None:
        """The visitor does not want what their page waits for, or took their recording away."""
        with self._lock:
            cleaning = self._by_session.pop(session, None)
        if cleaning is not None:
            self._stop_if_alone(cleaning)

    def leave(self, session: str) -> None:
        """The page was closed, or is being loaded again."""
        with self._lock:
            cleaning = self._by_session.pop(session, None)
        if cleaning is not None:
            timer = threading.Timer(GRACE_SECONDS, self._stop_if_alone, [cleaning])
            timer.daemon = True
            timer.start()

    def share(self, ticket: str) -> None:
        """From now on others may follow a result, by a link with its ticket."""
        self.find(ticket).shared = True

    def shared(self, ticket: str) -> Cleaning:
        """Raises AudioError where there is no such result, or its visitor does not share it."""
        cleaning = self.find(ticket)
        if not cleaning.shared:
            raise AudioError("web.result_gone")
        return cleaning

    def close(self) -> None:
        self._closed.set()

    def _stop_if_alone(self, cleaning: Cleaning) -> None:
        with self._lock:
            followed = cleaning in self._by_session.values()
        if not followed:
            cleaning.stop()

    def _sweep(self) -> None:
        while not self._closed.wait(SWEEP_SECONDS):
            self._delete_old(time.monotonic() - self._keep_seconds)

    def _delete_old(self, before: float) -> None:
        """Delete what began before that time, in seconds of `time.monotonic`."""
        with self._lock:
            old = [cleaning for cleaning in self._by_ticket.values() if cleaning.began < before]
            for cleaning in old:
                del self._by_ticket[cleaning.ticket]
        for cleaning in old:
            cleaning.delete()
