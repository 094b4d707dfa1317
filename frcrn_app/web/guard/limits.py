"""How much one visitor may ask for: requests a minute, jobs at once, audio and bytes an hour."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from frcrn_app.web.guard.asgi import API, App, Receive, Scope, Send, path_of, refuse, visitor
from frcrn_app.web.guard.errors import GuardError
from frcrn_app.web.guard.options import MIB, GuardOptions

_JOBS = (f"{API}/queue/join", f"{API}/call/", f"{API}/run/", f"{API}/api/")
OPEN_AT_ONCE = 256  # requests of one visitor: a page holds two or three open
_BUSY_SECONDS = 60  # to come back after; how soon places get free depends on what waits
_UNCOUNTED = ("/healthz", "/metrics")


class Allowances:
    """What each visitor has asked for within the last minute or hour. Safe to use from threads."""

    def __init__(self, options: GuardOptions):
        self._on = options.public
        self._window = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._requests = RateLimitItemPerMinute(options.requests_a_minute)
        self._seconds = RateLimitItemPerHour(max(1, round(options.audio_minutes_an_hour * 60)))
        self._bytes = RateLimitItemPerHour(options.upload_bytes_an_hour)

    def request(self, visitor: str) -> None:
        """Count a request; raises GuardError `guard.too_many_requests`."""
        self._spend(self._requests, "requests", visitor, 1, "guard.too_many_requests")

    def audio(self, visitor: str, seconds: float) -> None:
        """Count audio that is to be cleaned; raises GuardError `guard.too_much_audio`."""
        limit = self._seconds.amount / 60
        cost = max(1, round(seconds))
        self._spend(self._seconds, "audio", visitor, cost, "guard.too_much_audio", minutes=limit)

    def uploaded(self, visitor: str, size: int) -> None:
        """Count bytes as they arrive; raises GuardError `guard.too_many_bytes`."""
        limit = self._bytes.amount // MIB
        self._spend(self._bytes, "bytes", visitor, size, "guard.too_many_bytes", mebibytes=limit)

    def _spend(
        self, item: RateLimitItem, kind: str, visitor: str, cost: int, code: str, **fields: object
    ) -> None:
        if self._on and not self._window.hit(item, kind, visitor, cost=cost):
            again = self._window.get_window_stats(item, kind, visitor).reset_time - time.time()
            seconds = min(max(1.0, again), float(item.get_expiry()))
            raise GuardError(code, seconds=round(seconds), wait=_minutes(seconds), **fields)


class LimitRequests:
    """Counts requests and those that are open, and refuses a job to whoever has enough of them.

    Everybody's jobs are refused while as many wait as may: in words, and with a time to come back,
    where Gradio itself would say in English that its queue is full.

    Args:
        app: what is behind.
        allowances: of each visitor.
        jobs_of: how many jobs of a visitor wait or run.
        crowd: how many jobs wait where no further one may, else 0.
        options: the limits.
    """

    def __init__(
        self,
        app: App,
        allowances: Allowances,
        jobs_of: Callable[[str], int],
        crowd: Callable[[], int],
        options: GuardOptions,
    ):
        self._app, self._allowances, self._jobs_of = app, allowances, jobs_of
        self._crowd, self._options = crowd, options
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        path, who = path_of(scope), visitor(scope)
        is_job = scope.get("method") == "POST" and path.startswith(_JOBS)
        try:
            if self._options.public and path not in _UNCOUNTED:
                self._allowances.request(who)
                if self._open[who] >= OPEN_AT_ONCE:
                    raise GuardError("guard.too_many_open", count=OPEN_AT_ONCE, seconds=10)
            if self._options.public and is_job:
                jobs = self._jobs_of(who)
                if jobs >= self._options.jobs_at_once:
                    raise GuardError("guard.too_many_jobs", count=jobs, seconds=10)
            if is_job and (waiting := self._crowd()):
                raise GuardError("guard.busy", count=waiting, seconds=_BUSY_SECONDS)
        except GuardError as error:
            if scope["type"] == "websocket":
                return await send({"type": "websocket.close", "code": 1013})
            return await refuse(scope, send, 429, error)
        self._open[who] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]


def _minutes(seconds: float) -> int:
    return max(1, round(seconds / 60))
