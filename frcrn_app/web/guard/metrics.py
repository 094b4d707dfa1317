"""Figures for whoever runs the server, in the format of Prometheus."""

from __future__ import annotations

import re
from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from frcrn_app.web.guard.asgi import App, Message, Receive, Scope, Send, path_of

_SPEEDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_KNOWN_ROUTES = re.compile(
    r"/(gradio_api/(?:upload|queue/join|queue/data|call|run|api|file|heartbeat|component_server)"
    r"|login|config|healthz|metrics|assets|static)\b|/$"
)


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.requests = Counter(
            "frcrn_requests", "Requests by route and status.", ("route", "status"),
            registry=self.registry,
        )  # fmt: skip
        self.jobs = Counter(
            "frcrn_jobs", "Jobs by door and outcome: done, cancelled, fault, or an error's code.",
            ("door", "outcome"), registry=self.registry,
        )  # fmt: skip
        self.audio = Counter(
            "frcrn_audio_seconds", "Seconds of audio that were cleaned.", registry=self.registry
        )
        self.speed = Histogram(
            "frcrn_real_time_factor", "Seconds of work for a second of audio, waiting left out.",
            buckets=_SPEEDS, registry=self.registry,
        )  # fmt: skip

    def watch(self, name: str, help_text: str, value: Callable[[], float]) -> None:
        """Show a figure that is looked up whenever someone asks."""
        Gauge(name, help_text, registry=self.registry).set_function(value)

    def page(self) -> bytes:
        """All figures as text."""
        return generate_latest(self.registry)


class CountRequests:
    """Counts the answers of the server by route and status."""

    def __init__(self, app: App, metrics: Metrics):
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        # Only names that are known: a label for each path that someone tries would fill the memory.
        found = _KNOWN_ROUTES.match(path_of(scope))
        route = found[0] if found else "other"

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.requests.labels(route, message["status"]).inc()
            await send(message)

        return await self._app(scope, receive, counted)
