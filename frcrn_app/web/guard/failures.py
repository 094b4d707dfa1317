"""Requests at which the page's own routes raise: answered, and logged once where they are ours."""

from __future__ import annotations

import logging
import time

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from frcrn_app.faults import fault_reference
from frcrn_app.web.guard.asgi import App, Message, Receive, Scope, Send, refuse
from frcrn_app.web.guard.errors import GuardError

logger = logging.getLogger(__name__)

QUIET_SECONDS = 60.0  # after a trace, in which the same failure is logged without one


class CatchFailures:
    """Answers a request that raised: what its sender did wrong with 400, a fault with 500.

    A trace has some hundred lines, so that whoever asks nonsense often enough would fill the disk.
    """

    def __init__(self, app: App):
        self._app = app
        self._told: dict[object, tuple[float, str]] = {}  # when, under which reference

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            refusal = self._refusal(error)
            if not started:
                status = 400 if refusal.code == "guard.bad_request" else 500
                await refuse(scope, send, status, refusal)

    def _refusal(self, error: Exception) -> GuardError:
        if any(_is_the_senders(each) for each in _chain(error)):
            return GuardError("guard.bad_request")
        place, now = _place(error), time.monotonic()
        told, reference = self._told.get(place, (-QUIET_SECONDS, ""))
        if now - told >= QUIET_SECONDS:
            reference = fault_reference(error, logger)
            self._told[place] = (now, reference)
        else:
            logger.error("fault %s once more", reference)
        return GuardError("fault.web", reference=reference)


def _is_the_senders(error: BaseException) -> bool:
    """Whether it says what was wrong with a request, or that its sender has gone."""
    kind = type(error)
    parser = kind.__module__.partition(".")[0] == "python_multipart"
    told = isinstance(error, HTTPException | ClientDisconnect)
    told = told or kind.__name__ == "RequestValidationError"  # FastAPI's
    # Gradio looks up the number of a function that a request names.
    return parser or told or (isinstance(error, KeyError) and _place(error)[1] == "get_fn")


def _chain(error: BaseException | None) -> list[BaseException]:
    """An error, what it came from, and so on."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _place(error: BaseException) -> tuple[str, str, int]:
    """The kind of an error, and the function and line that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__, "", 0
    return type(error).__name__, trace.tb_frame.f_code.co_name, trace.tb_lineno
