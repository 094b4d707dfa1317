"""Connections: how many an address may hold open, and how long one may say nothing.

Layers of the application see whole requests. What comes before them, a server such as uvicorn keeps
open for ever: an address that opened some thousand connections would leave nobody else a file.
"""

from __future__ import annotations

import ipaddress
from asyncio import Protocol, Transport
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from frcrn_app.web.guard.asgi import visitor_of

REQUEST_SECONDS = 20.0  # from the opening, or the last answer, until the next request has come
# Of one address, with `public`; proxies that are trusted have as many as they like.
CONNECTIONS = 256


def bound_connections(config: Any, *, public: bool, trusted: Sequence[str]) -> None:
    """Let a server that runs take no more than these; it asks its configuration at each connection.

    Args:
        config: uvicorn's.
        public: whether connections are counted by address.
        trusted: addresses and networks of proxies.
    """
    limit = CONNECTIONS if public else None
    config.http_protocol_class = _bounded(config.http_protocol_class, limit, _Proxies(trusted))


class _Proxies:
    """Addresses and networks; "*" is everybody."""

    def __init__(self, names: Sequence[str]):
        self._all = "*" in names
        self._networks = []
        for name in names:
            with suppress(ValueError):  # the name of a socket, say
                self._networks.append(ipaddress.ip_network(name.strip(), strict=False))

    def __contains__(self, address: str) -> bool:
        if self._all:
            return True
        try:
            known = ipaddress.ip_address(address.split("%", 1)[0])
        except ValueError:
            return False
        mapped = getattr(known, "ipv4_mapped", None)
        return any((mapped or known) in network for network in self._networks)


def _bounded(kind: type[Any], limit: int | None, proxies: _Proxies) -> type[Protocol]:
    """A protocol of uvicorn's, for HTTP, that ends connections."""

    class Bounded(kind):
        def connection_made(self, transport: Transport) -> None:
            super().connection_made(transport)
            self.loop.call_later(REQUEST_SECONDS, self._look, getattr(self, "cycle", None))
            peer = (transport.get_extra_info("peername") or ("",))[0]
            if limit is None or not peer or peer in proxies:
                return
            who = visitor_of(peer)
            clients = (getattr(other, "client", None) or ("",) for other in self.connections)
            if sum(visitor_of(client[0]) == who for client in clients) > limit:
                transport.abort()

        def _look(self, before: object) -> None:
            """End the connection if there was no request at this look nor at the last one."""
            if self.transport.is_closing() or self.transport.get_protocol() is not self:
                return  # or a WebSocket's by now
            cycle = getattr(self, "cycle", None)
            idle = cycle is None or cycle.response_complete
            if idle and cycle is before:
                self.transport.abort()
            else:
                # One that is under way now has not been idle, so that it is not taken for it.
                self.loop.call_later(REQUEST_SECONDS, self._look, cycle if idle else self)

    return Bounded
