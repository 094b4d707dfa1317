"""The page under a path of a larger site, whether or not the proxy takes the path away."""

from __future__ import annotations

from frcrn_app.web.guard.asgi import App, Message, Receive, Scope, Send

# Addresses that Gradio writes as if the page were all of its host, by where they stand; without the
# slash in front they are found beside the page.
_FROM_THE_HOST = {
    "/": (b'href="/manifest.json"', b'href="manifest.json"'),
    "/manifest.json": (b'"src":"/', b'"src":"'),
}


class RootPath:
    """Takes the path that the page is served under off the front of each request's."""

    def __init__(self, app: App, root_path: str):
        self._app = app
        self._root = root_path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._root and scope["type"] in ("http", "websocket"):
            path = scope["path"]
            if path == self._root or path.startswith(f"{self._root}/"):
                scope = {**scope, "path": path.removeprefix(self._root) or "/"}
                raw = scope.get("raw_path")
                if raw:
                    scope["raw_path"] = raw.removeprefix(self._root.encode()) or b"/"
            # Mounted applications look for it at the front of the path, where it is no longer;
            # Gradio knows it by itself.
            scope = {**scope, "root_path": ""}
            if scope.get("method") == "GET" and scope["path"] in _FROM_THE_HOST:
                send = _with_own_addresses(send, *_FROM_THE_HOST[scope["path"]])
        return await self._app(scope, receive, send)


def _with_own_addresses(send: Send, wrong: bytes, right: bytes) -> Send:
    """Sends an answer, which is small, at its end and with other addresses in it."""
    start: Message = {}
    body = b""

    async def held(message: Message) -> None:
        nonlocal start, body
        if message["type"] == "http.response.start":
            start = message
            return
        body += message.get("body", b"")
        if message.get("more_body", False):
            return
        body = body.replace(wrong, right)
        headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        await send({**start, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": body})

    return held
