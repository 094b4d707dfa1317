"""Headers that tell browsers what the page may do, and who may show it."""

from __future__ import annotations

import os

from frcrn_app.web.guard.asgi import App, Message, Receive, Scope, Send
from frcrn_app.web.guard.options import GuardOptions

# Gradio's page holds its settings as a script and makes functions from strings (event handlers,
# components of HTML), so that scripts cannot be told from each other by a nonce.
_POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
_HSTS = b"max-age=31536000"
_SPACES = ("https://huggingface.co", "https://*.hf.space")  # which show the page in a frame


class SecurityHeaders:
    """Adds them to every answer; those about TLS where the visitor came by https."""

    def __init__(self, app: App, options: GuardOptions):
        self._app = app
        ancestors = options.frame_ancestors + (_SPACES if "SPACE_ID" in os.environ else ())
        policy = _POLICY | {"frame-ancestors": " ".join(("'self'", *ancestors))}
        self._headers = [
            (b"content-security-policy", "; ".join(map(" ".join, policy.items())).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"permissions-policy", b"microphone=(self), camera=(), geolocation=()"),
        ]
        if not ancestors:
            self._headers.append((b"x-frame-options", b"SAMEORIGIN"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        secure = scope.get("scheme") == "https"

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message.get("headers", ())}
                added = self._headers
                if secure:
                    added = [*added, (b"strict-transport-security", _HSTS)]
                message["headers"] = [
                    *message.get("headers", ()),
                    *(pair for pair in added if pair[0] not in present),
                ]
            await send(message)

        return await self._app(scope, receive, with_headers)
