"""The thread that takes what all live sessions have waiting to the network, and back."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping

from frcrn_app.errors import UserError
from frcrn_app.web.live.session import Session
from frcrn_app.web.live.streams import AT_ONCE, Streams, StreamsProcesses, Work

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 10.0  # in which whoever has just opened the page has the machine for themselves


class Conductor:
    """Advances the sessions that are served, a frame or two of each at a time, all of them together.

    Args:
        streams: makes the streams; may take long.
        served: the sessions of the moment by their numbers, from any thread.
        opened: called in the server's loop with how many can be served, 0 where it failed.
        failed: called there when the streams have broken; new ones are made then.
        seats: how many are served; None: what the streams' `capacity` says.
    """

    def __init__(
        self,
        streams: Callable[[], Streams | StreamsProcesses],
        served: Callable[[], Mapping[int, Session]],
        opened: Callable[[int], None],
        failed: Callable[[], None],
        seats: int | None = None,
    ):
        self._make, self._served = streams, served
        self._opened, self._failed = opened, failed
        self._seats = seats
        self._loop: asyncio.AbstractEventLoop | None = None
        self._streams: Streams | StreamsProcesses | None = None
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._lock = threading.Lock()

    def start(self) -> None:
        """Make the streams, in the background: when somebody comes for them, or a little later."""
        self._thread.start()

    def attend(self, loop: asyncio.AbstractEventLoop) -> None:
        """Sessions come from now on, in this loop; before it returns there are none."""
        with self._lock:
            self._loop = loop

    def notify(self) -> None:
        """There is a frame, or a session has ended."""
        self._wake.set()

    def close(self) -> None:
        """End the thread and the streams."""
        self._closed = True
        self._wake.set()
        streams = self._streams
        if streams is not None:
            streams.close()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        self._wake.wait(PATIENCE_SECONDS)
        while not self._closed:
            try:
                self._streams = self._make()
                if self._closed:
                    self._streams.close()
                    return
                seats = self._streams.capacity() if self._seats is None else self._seats
                self._call(self._opened, seats)
                self._conduct(self._streams)
            except UserError as error:
                logger.warning("%s", error)
                self._call(self._opened, 0)
                return
            except Exception:
                if not self._closed:
                    logger.exception("the live streams broke and are made again")
                    self._call(self._failed)
                    if self._streams is not None:
                        self._streams.close()
                    self._wait(1.0)

    def _conduct(self, streams: Streams | StreamsProcesses) -> None:
        known: set[int] = set()  # sessions that the streams have
        while not self._closed:
            self._wake.clear()
            served = dict(self._served())
            ended = known - served.keys()
            frames = _next_frames(served)
            if not frames and not ended:
                self._wake.wait()
                continue
            known = (known - ended) | {number for number, _, _ in frames}
            self._call(self._deliver, streams.advance(frames, sorted(ended)))

    def _deliver(self, ready: Work) -> None:
        served = self._served()
        for session, number, pcm in ready:
            if session in served:
                served[session].give(number, pcm)

    def _call(self, function: Callable, *args: object) -> None:
        with self._lock:
            if self._loop is None:
                function(*args)
                return
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:  # the server has ended
            self._closed = True

    def _wait(self, seconds: float) -> None:
        if not self._closed:
            self._wake.clear()
            self._wake.wait(seconds)


def _next_frames(served: Mapping[int, Session]) -> Work:
    """The next frame of every session that has one; or where some have more, two of each of those.

    Frames of different sessions are one batch if each session has equally many. One that waits for
    its second frame has it within 20 ms.
    """
    count = AT_ONCE if any(session.waiting >= AT_ONCE for session in served.values()) else 1
    return [
        (number, frame.number, frame.pcm)
        for number, session in served.items()
        if session.waiting >= count
        for frame in (session.take() for _ in range(count))
        if frame is not None
    ]
