"""The page under a path of a larger site, whether or not the proxy takes the path away."""

from frcrn_app.web.guard.asgi import App, Receive, Scope, Send


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
        return await self._app(scope, receive, send)
