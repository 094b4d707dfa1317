"""Guessing passwords is slow, and nothing but the log-in itself is shown before it."""

from __future__ import annotations

from urllib.parse import parse_qs

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from frcrn_app.web.guard.asgi import (
    API,
    App,
    Message,
    Receive,
    Scope,
    Send,
    cookies,
    path_of,
    refuse,
    visitor,
)
from frcrn_app.web.guard.errors import GuardError

WINDOW_MINUTES = 10
FAILURES_BY_ADDRESS = 10  # within that time, after which an address has to wait
FAILURES_BY_NAME = 30  # the same for a name, from addresses that have not logged in under it
FORM_BYTES = 16 << 10

# What the log-in page is made of, and what proxies and search engines ask for.
_OPEN = {"/", "/login", "/logout", "/config", "/healthz", "/metrics", "/robots.txt"}
_OPEN |= {"/favicon.ico", "/manifest.json", f"{API}/startup-events", f"{API}/login_check"}
_OPEN |= {f"{API}/app_id", f"{API}/user", "/theme.css", f"{API}/theme.css"}
_OPEN_FOLDERS = ("/assets/", "/static/", "/svelte/", "/pwa_icon/")


class LogIn:
    """Slows down log-in attempts, and closes what Gradio leaves open before a log-in.

    Args:
        app: what is behind.
        required: whether there is a log-in at all.
        open_folders: addresses below which everything is shown to everyone.
    """

    def __init__(self, app: App, required: bool, open_folders: tuple[str, ...] = ()):
        self._app, self._required = app, required
        self._open_folders = (*_OPEN_FOLDERS, *open_folders)
        self._attempts = MemoryStorage()
        self._window = FixedWindowRateLimiter(self._attempts)
        self._by_address = RateLimitItemPerMinute(FAILURES_BY_ADDRESS, WINDOW_MINUTES)
        self._by_name = RateLimitItemPerMinute(FAILURES_BY_NAME, WINDOW_MINUTES)
        self._known: set[tuple[str, str]] = set()  # (name, address) that have logged in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._required or scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        path = path_of(scope)
        if scope["type"] == "http" and path == "/login" and scope["method"] == "POST":
            return await self._attempt(scope, receive, send)
        if path in _OPEN or path.startswith(self._open_folders) or _logged_in(scope):
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return None
        return await refuse(scope, send, 401, GuardError("guard.log_in_first"))

    async def _attempt(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, whole = await _read(receive)
        if not whole:
            error = GuardError("guard.body_too_large", mebibytes=FORM_BYTES / 2**20)
            return await refuse(scope, send, 413, error)
        address = visitor(scope)
        window = self._window
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        name = fields.get("username", [""])[0].strip()[:200]
        counted = [(self._by_address, "address", address)]
        if (name, address) not in self._known:
            counted.append((self._by_name, "name", name))
        if not all(window.test(*count) for count in counted):
            seconds = WINDOW_MINUTES * 60
            error = GuardError("guard.too_many_log_ins", minutes=WINDOW_MINUTES, seconds=seconds)
            return await refuse(scope, send, 429, error)
        for count in counted:  # before it is known to fail, so that many at once count as well
            window.hit(*count)

        async def judged(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                self._known.add((name, address))
                for item, *key in counted:
                    self._attempts.decr(item.key_for(*key))
            await send(message)

        return await self._app(scope, _again(body, receive), judged)


def _logged_in(scope: Scope) -> bool:
    """Whether the request carries a token that Gradio gave out at a log-in."""
    app = scope.get("app")
    tokens, identity = getattr(app, "tokens", {}), getattr(app, "cookie_id", "")
    sent = cookies(scope)
    names = (f"access-token-{identity}", f"access-token-unsecure-{identity}")
    return any(sent.get(name) in tokens for name in names if name in sent)


async def _read(receive: Receive) -> tuple[bytes, bool]:
    """A small body, and whether it was that small."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > FORM_BYTES:
            return b"", False
        if message["type"] != "http.request" or not message.get("more_body", False):
            return body, True


def _again(body: bytes, receive: Receive) -> Receive:
    """A receive that gives a body that has been read once more."""
    given = False

    async def give() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give
