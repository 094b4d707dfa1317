"""Gradio's queue: whose events wait in it, in what order, and whether anyone still waits for them.

All private names of Gradio that this project needs are used here and nowhere else.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

import gradio as gr
from gradio.context import LocalContext

from frcrn_app.web.guard.asgi import API, App, Receive, Scope, Send, path_of, visitor_of

GRACE_SECONDS = 15.0  # until whoever asked for a job has to listen for its answer
_ANSWERS = (f"{API}/call/", f"{API}/call/v2/")


class FairQueue(list):
    """Waiting events: a visitor's second stands behind everybody's first.

    Args:
        running: how many events of each visitor are under way.
    """

    def __init__(self, running: Callable[[], Mapping[str, int]]):
        super().__init__()
        self._running = running

    def append(self, event: Any) -> None:
        """Put an event at its place."""
        waiting = [event_visitor(other) for other in self]
        self.insert(fair_place(waiting, event_visitor(event), self._running()), event)


def fair_place(waiting: Sequence[str], visitor: str, running: Mapping[str, int]) -> int:
    """Where a visitor's next job goes among the waiting ones, each given by whose it is.

    A job's round is the number of jobs that its visitor has before it, running ones included. Jobs
    stand in the order of rounds, and those of one round in the order of arrival.

    Args:
        waiting: the visitor of each waiting job, the next one first.
        visitor: whose the new job is.
        running: how many jobs of each visitor are under way.
    """
    before: Counter[str] = Counter(running)
    rounds = []
    for other in waiting:
        rounds.append(before[other])
        before[other] += 1
    # Never before a job of its own, whose rounds change as running jobs end.
    last = max((place for place, other in enumerate(waiting) if other == visitor), default=-1)
    later = (place for place in range(last + 1, len(rounds)) if rounds[place] > before[visitor])
    return next(later, len(waiting))


def make_fair(blocks: gr.Blocks) -> None:
    """Let the page's queue take visitors in turn; call it once the page has been laid out."""
    queue = blocks._queue

    def running() -> Counter[str]:
        return Counter(event_visitor(event) for job in queue.active_jobs if job for event in job)

    for function in blocks.fns.values():
        queue.create_event_queue_for_fn(function)
    for waiting in queue.event_queue_per_concurrency_id.values():
        waiting.queue = FairQueue(running)


def event_visitor(event: Any) -> str:
    """Whose a queued event is."""
    client = event.request.client
    return visitor_of(client.host if client else None)


def jobs_of(blocks: gr.Blocks, visitor: str) -> int:
    """How many events of a visitor wait or run."""
    return sum(event_visitor(event) == visitor for event in _events(blocks))


def jobs(blocks: gr.Blocks) -> tuple[int, int]:
    """How many events wait, and how many run."""
    running = sum(len(job) for job in blocks._queue.active_jobs if job)
    return len(blocks._queue), running


def crowd(blocks: gr.Blocks) -> int:
    """How many events wait where no further one may, else 0."""
    waiting, most = len(blocks._queue), blocks._queue.max_size
    return waiting if most is not None and waiting >= most else 0


def _events(blocks: gr.Blocks) -> list[Any]:
    queue = blocks._queue
    waiting = [e for q in list(queue.event_queue_per_concurrency_id.values()) for e in q.queue]
    return waiting + [event for job in queue.active_jobs if job for event in job]


class Listeners:
    """Knows which sessions and events someone listens for, by the streams that are open."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._left: dict[str, float] = {}  # when the last stream was closed

    def middleware(self, app: App) -> App:
        """The application, with its streams of answers watched."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            key = _listens_for(scope)
            if key is None:
                return await app(scope, receive, send)
            self._open[key] += 1
            try:
                return await app(scope, receive, send)
            finally:
                self._open[key] -= 1
                if not self._open[key]:
                    del self._open[key]
                    now = time.monotonic()
                    self._left = {k: t for k, t in self._left.items() if now - t < 3600}
                    self._left[key] = now

        return watched

    def abandoned(self, *keys: str, since: float) -> bool:
        """Whether nobody listens for any of the keys: they left, or never came in time.

        Args:
            keys: a session, an event.
            since: when the job began, on the clock `time.monotonic`.
        """
        if any(self._open[key] > 0 for key in keys if key in self._open):
            return False
        left = max((self._left.get(key, since) for key in keys), default=since)
        # A page opens its stream anew for each job: one that was closed before does not count.
        grace = GRACE_SECONDS if left <= since else 0.5
        return time.monotonic() - left > grace


def watcher(listeners: Listeners) -> Callable[[], bool]:
    """For a handler, which calls it in its own thread: tells whether its visitor has gone.

    Outside of a queued event nobody is ever said to have gone.
    """
    event = LocalContext.event_id.get(None)
    request = LocalContext.request.get(None)
    session = getattr(request, "session_hash", None)
    if event is None:
        return lambda: False
    keys = [key for key in (event, session) if key]
    began = time.monotonic()
    return lambda: listeners.abandoned(*keys, since=began)


def current_visitor() -> str:
    """The visitor whose request the calling thread handles, "" outside of one."""
    request = LocalContext.request.get(None)
    client = getattr(request, "client", None)
    return visitor_of(getattr(client, "host", None)) if client is not None else ""


def _listens_for(scope: Scope) -> str | None:
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    path = path_of(scope)
    if path == f"{API}/queue/data":
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        return query.get("session_hash", [None])[0]
    if path.startswith(_ANSWERS):
        return path.rsplit("/", 1)[-1]
    return None
