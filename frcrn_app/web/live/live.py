"""Live sessions of one page: its WebSocket, from the first word to the last."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from frcrn_app.errors import UserError
from frcrn_app.i18n import language_of
from frcrn_app.web.faults import LANGUAGE_COOKIE, sentence
from frcrn_app.web.guard.asgi import visitor
from frcrn_app.web.live.conductor import Conductor
from frcrn_app.web.live.hall import Hall
from frcrn_app.web.live.messages import (
    FRAMES_A_SECOND,
    LiveError,
    read_frame,
    read_hello,
)
from frcrn_app.web.live.session import Session
from frcrn_app.web.live.streams import Streams, StreamsProcesses
from frcrn_app.web.static_files import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from frcrn_app.web.guard import Guard

ADDRESS = f"{PREFIX}/live"
HELLO_SECONDS = 10.0  # until the page has to have said its first words
SILENCE_SECONDS = 20.0  # that a session may send nothing
WARNING_SECONDS = 60.0  # before the end
FAREWELL_SECONDS = 2.0  # for the last words to go out
_REFUSED, _ENDED = 1013, 1000  # codes of WebSocket: come back later; done


class Live:
    """The live part of one server.

    Args:
        guard: of the server.
        streams: makes what cleans; see `Conductor`.
        minutes: of a session.
        seats: sessions at once; None: as many as the machine turns out to serve.
    """

    def __init__(
        self,
        guard: Guard,
        streams: Callable[[], Streams | StreamsProcesses],
        minutes: float,
        seats: int | None = None,
    ):
        self._guard, self._seconds = guard, 60 * minutes
        self._hall = Hall(count_addresses=guard.options.public)
        self._conductor = Conductor(
            streams, lambda: self._hall.served, self._hall.open, self._hall.shut, seats
        )
        metrics = guard.metrics
        metrics.watch("frcrn_live_sessions", "Live now.", lambda: len(self._hall.served))
        metrics.watch("frcrn_live_waiting", "For a live session.", lambda: len(self._hall.waiting))
        self._dropped = Counter(
            "frcrn_live_dropped_frames", "Of 20 ms, of live sessions.", registry=metrics.registry
        )

    def routes(self) -> list[BaseRoute]:
        """The address: of the WebSocket, and by GET of whoever may soon open one."""
        return [WebSocketRoute(f"/{ADDRESS}", self._visit), Route(f"/{ADDRESS}", self._prepare)]

    def start(self) -> None:
        """From now on the streams are made, in the background, once somebody opens the tab."""
        self._conductor.start()

    def close(self) -> None:
        """End every session."""
        self._conductor.close()

    async def _prepare(self, request: Request) -> Response:
        self._conductor.notify()
        return Response(status_code=204)

    async def _visit(self, websocket: WebSocket) -> None:
        if not _same_origin(websocket):
            await websocket.close()  # before it was accepted: 403
            return
        wish = websocket.cookies.get(LANGUAGE_COOKIE) or websocket.headers.get("accept-language")
        await websocket.accept()
        try:
            error = await self._from_hello_to_end(websocket)
        except (WebSocketDisconnect, TimeoutError):
            return
        except Exception as unknown:
            error = unknown
        with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                code = error.code if isinstance(error, UserError) else "fault"
                last = Session("")
                last.say("ended", code=code, sentence=sentence(error, language_of(wish)))
                await websocket.send_text(str(await last.next()))
                await websocket.close(_REFUSED if code == "live.full" else _ENDED)

    async def _from_hello_to_end(self, websocket: WebSocket) -> Exception:
        """Why the session is over; raises WebSocketDisconnect where the visitor left."""
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                read_hello(await _text(websocket))
            self._conductor.attend(asyncio.get_running_loop())
            session = self._hall.enter(visitor(websocket.scope))
            self._conductor.notify()
        except UserError as error:
            return error
        try:
            return await self._converse(websocket, session)
        finally:
            self._hall.leave(session)
            self._conductor.notify()
            self._dropped.inc(session.dropped)

    async def _converse(self, websocket: WebSocket, session: Session) -> Exception:
        tasks = [
            asyncio.create_task(self._listen(websocket, session)),
            asyncio.create_task(_speak(websocket, session)),
            asyncio.create_task(self._serve(session)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        outcome = next(iter(done)).exception()
        if isinstance(outcome, WebSocketDisconnect) or not isinstance(outcome, Exception):
            raise outcome or WebSocketDisconnect
        return outcome

    async def _listen(self, websocket: WebSocket, session: Session) -> None:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005))
            session.receive(read_frame(message.get("bytes") or b""))
            self._conductor.notify(session.number)

    async def _serve(self, session: Session) -> None:
        """From the session's turn to the end of its time."""
        await session.turn.wait()
        with self._guard.job("live") as facts:
            try:
                session.say("ready", seconds=self._seconds)
                with suppress(asyncio.CancelledError):  # the visitor left
                    await self._until_time_is_up(session)
            finally:
                facts["seconds"] = round(session.received / FRAMES_A_SECOND, 1)
                facts["dropped"] = session.dropped

    async def _until_time_is_up(self, session: Session) -> None:
        end = time.monotonic() + self._seconds
        warned = False
        while (left := end - time.monotonic()) > 0:
            if left <= WARNING_SECONDS and not warned:
                warned = True
                session.say("ending", seconds=round(left))
            seconds = min(SILENCE_SECONDS, left if warned else left - WARNING_SECONDS)
            self._guard.count_audio(session.visitor, seconds)
            received = session.received
            await asyncio.sleep(seconds)
            if session.received == received and seconds == SILENCE_SECONDS:
                raise LiveError("live.silent", seconds=round(seconds))
        raise LiveError("live.time_is_up", minutes=f"{self._seconds / 60:g}")


async def _speak(websocket: WebSocket, session: Session) -> None:
    while True:
        message = await session.next()
        if isinstance(message, str):
            await websocket.send_text(message)
        else:
            await websocket.send_bytes(message)


async def _text(websocket: WebSocket) -> str:
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    return message.get("text") or ""


def _same_origin(websocket: WebSocket) -> bool:
    """Whether a page of this server asks; browsers tell, and other programs need not."""
    origin = websocket.headers.get("origin")
    if origin is None:
        return True
    # No page can set the second one, whatever proxies do to the first.
    hosts = (websocket.headers.get("host"), websocket.headers.get("x-forwarded-host"))
    return bool(urlsplit(origin).netloc) and urlsplit(origin).netloc in hosts
