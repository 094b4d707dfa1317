"""The threads that take what live sessions have waiting to the network, and back."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from frcrn_app.errors import UserError
from frcrn_app.web.live.session import Session
from frcrn_app.web.live.streams import AT_ONCE, Desk, Streams, StreamsProcesses, Work

logger = logging.getLogger(__name__)

TOO_SLOW_SECONDS = 10.0  # that a measurement holds by which nobody can be served


class Conductor:
    """Advances the sessions that are served, a frame or two of each at a time, many together.

    A session belongs to one of the streams' desks to its end. Each desk goes on as fast as it can,
    with a thread here of its own.

    Args:
        streams: makes the streams; may take long.
        served: the sessions of the moment by their numbers, from any thread.
        opened: called in the server's loop with how many can be served, 0 where it failed; None:
            it is to be measured once somebody comes.
        failed: called there when the streams have broken; new ones are made then.
        seats: how many are served; None: what the streams' `capacity` says.
    """

    def __init__(
        self,
        streams: Callable[[], Streams | StreamsProcesses],
        served: Callable[[], Mapping[int, Session]],
        opened: Callable[[int | None], None],
        failed: Callable[[], None],
        seats: int | None = None,
    ):
        self._make, self._served = streams, served
        self._opened, self._failed = opened, failed
        self._seats = seats
        self._loop: asyncio.AbstractEventLoop | None = None
        self._streams: Streams | StreamsProcesses | None = None
        self._wakes = [threading.Event()]  # of the desks; before there are any, of the one thread
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._lock = threading.Lock()
        self._desks: dict[int, int] = {}  # by the numbers of the sessions that are served

    def start(self) -> None:
        """Make the streams, in the background, once `notify` is called."""
        self._thread.start()

    def attend(self, loop: asyncio.AbstractEventLoop) -> None:
        """Sessions come from now on, in this loop; before it returns there are none."""
        with self._lock:
            self._loop = loop

    def notify(self, number: int | None = None) -> None:
        """There is a frame of the session of this number; None: one has come or ended."""
        desk = None if number is None else self._desks.get(number)
        for wake in self._wakes if desk is None else [self._wakes[desk]]:
            wake.set()

    def close(self) -> None:
        """End the thread and the streams."""
        self._closed = True
        self.notify()
        streams = self._streams
        if streams is not None:
            streams.close()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        self._wakes[0].wait()
        while not self._closed:
            try:
                self._streams = self._make()
                if self._closed:
                    self._streams.close()
                    return
                if self._open(self._streams):
                    self._conduct(self._streams.desks)
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

    def _open(self, streams: Streams | StreamsProcesses) -> bool:
        """Find out how many can be served; False: this was closed before anybody could be.

        A machine that seems too slow may have been busy, so that is no verdict for ever.
        """
        while not (seats := streams.capacity() if self._seats is None else self._seats):
            logger.warning("the machine is too slow for live sessions, or busy")
            self._call(self._opened, 0)
            until = time.monotonic() + TOO_SLOW_SECONDS
            while not self._closed and (left := until - time.monotonic()) > 0:
                self._wait(left)
            self._wakes[0].clear()
            self._call(self._opened, None)
            if not self._closed:
                self._wakes[0].wait()
            if self._closed:
                return False
        self._call(self._opened, seats)
        return True

    def _conduct(self, desks: Sequence[Desk]) -> None:
        """Until this is closed, or the first of the desks fails: then none goes on."""
        self._desks.clear()
        self._wakes = [threading.Event() for _ in desks]
        over = threading.Event()

        def attend(index: int) -> None:
            try:
                self._attend(desks[index], index, over)
            finally:
                over.set()
                self.notify()

        with ThreadPoolExecutor(len(desks), "live") as threads:
            for done in as_completed([threads.submit(attend, i) for i in range(len(desks))]):
                done.result()

    def _mine(self, index: int) -> dict[int, Session]:
        """The sessions of a desk. New ones come to where there are fewest."""
        with self._lock:
            served = dict(self._served())
            self._desks = {one: desk for one, desk in self._desks.items() if one in served}
            for number in served:
                if number not in self._desks:
                    taken = list(self._desks.values())
                    self._desks[number] = min(range(len(self._wakes)), key=taken.count)
            return {number: one for number, one in served.items() if self._desks[number] == index}

    def _attend(self, desk: Desk, index: int, over: threading.Event) -> None:
        wake = self._wakes[index]
        known: set[int] = set()  # sessions that the desk has
        while True:
            wake.clear()
            if self._closed or over.is_set():
                return
            served = self._mine(index)
            ended = known - served.keys()
            frames = _next_frames(served)
            if not frames and not ended:
                wake.wait()
                continue
            known = (known - ended) | {number for number, _, _ in frames}
            self._call(self._deliver, desk.advance(frames, sorted(ended)))

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
        """Until something is there, but no longer than so."""
        self._wakes[0].clear()
        if not self._closed:
            self._wakes[0].wait(seconds)


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
