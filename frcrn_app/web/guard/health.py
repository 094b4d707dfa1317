"""`/healthz` for load balancers and containers, `/metrics` for Prometheus."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from frcrn_app.web.guard.metrics import Metrics

KEEP_SECONDS = 5.0  # that an answer is given again, so that asking often costs nothing


class Health:
    """Whether a tiny job passes the network; asked at most once at a time.

    Args:
        works: runs the tiny job and says whether it came through in time. It may block.
    """

    def __init__(self, works: Callable[[], bool]):
        self._works = works
        self._asking = asyncio.Lock()
        self._answer: tuple[float, bool, float] = (-KEEP_SECONDS, False, 0.0)

    async def ask(self) -> tuple[bool, float]:
        """Whether it works, and the seconds that the job took."""
        async with self._asking:
            asked, healthy, seconds = self._answer
            if time.monotonic() - asked > KEEP_SECONDS:
                began = time.monotonic()
                healthy = await asyncio.to_thread(self._works)
                seconds = time.monotonic() - began
                self._answer = (time.monotonic(), healthy, seconds)
            return healthy, seconds


def routes(health: Health, metrics: Metrics) -> list[Route]:
    """Both addresses, for the page's server."""

    async def healthz(_: Request) -> Response:
        healthy, seconds = await health.ask()
        body = {"status": "ok" if healthy else "failing", "seconds": round(seconds, 3)}
        return JSONResponse(body, 200 if healthy else 503, {"cache-control": "no-store"})

    async def figures(request: Request) -> Response:
        if not _is_near(request.client.host if request.client else ""):
            return PlainTextResponse("Only for this machine and its network.\n", 403)
        return Response(await asyncio.to_thread(metrics.page), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", healthz), Route("/metrics", figures)]


def _is_near(host: str) -> bool:
    """Whether an address is of this machine or a private network."""
    try:
        return ipaddress.ip_address(host.split("%", 1)[0]).is_private
    except ValueError:
        return False
