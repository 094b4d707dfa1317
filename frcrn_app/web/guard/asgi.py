"""What the layers in front of the page share: paths, addresses, answers."""

from __future__ import annotations

import ipaddress
import json
import math
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from frcrn_app.errors import UserError
from frcrn_app.i18n import language_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LANGUAGE_COOKIE = "frcrn-language"  # in which the page keeps its language
API = "/gradio_api"


def header(scope: Scope, name: str) -> str:
    """The first header of that name (lower case), "" if there is none."""
    wanted = name.encode("latin-1")
    return next((v.decode("latin-1") for key, v in scope["headers"] if key == wanted), "")


def cookies(scope: Scope) -> dict[str, str]:
    """The request's cookies."""
    pairs = (part.split("=", 1) for part in header(scope, "cookie").split(";") if "=" in part)
    return {name.strip(): value.strip() for name, value in pairs}


def path_of(scope: Scope) -> str:
    """The path without the one that the page is served under, nor a slash at its end."""
    return scope["path"].rstrip("/") or "/"


def visitor_of(address: str | None) -> str:
    """Who counts as one visitor: an IPv4 address, or the network /64 of an IPv6 address."""
    try:
        known = ipaddress.ip_address((address or "").split("%", 1)[0])
    except ValueError:
        return address or "unknown"
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known)


def visitor(scope: Scope) -> str:
    """The visitor whose request it is; trusted proxies have been looked through by the server."""
    client = scope.get("client")
    return visitor_of(client[0] if client else None)


async def refuse(scope: Scope, send: Send, status: int, error: UserError) -> None:
    """Answer with the error's sentence, in the reader's language, under the key `detail`."""
    wish = cookies(scope).get(LANGUAGE_COOKIE) or header(scope, "accept-language")
    sentence = error.sentence(language_of(wish), path=lambda path: path.name)
    body = json.dumps({"detail": sentence, "code": error.code}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    if isinstance(seconds := error.fields.get("seconds"), int | float):
        headers.append((b"retry-after", str(max(1, math.ceil(seconds))).encode()))
    if status in (408, 413):  # the rest of the body is not read
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
