"""One visitor's live session: what waits on its way in and out, and what was dropped."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque

from frcrn_app.web.live.messages import FRAMES_A_SECOND, Frame, LiveError, write_frame, write_words

BACKLOG = 8  # frames that wait for the network; older ones are dropped
STANDING = 2  # frames that wait at all times of a second: what was late once need not stay so
UNHEARD = 50  # frames on their way to the page; while there are so many, others are dropped
OUTBOX = 8  # frames that wait to be sent
FASTER = 1.02  # than real time: the clocks of sound cards differ
BURST = 50  # frames at once, after a network that stood still
PATIENCE = 500  # frames too many, after which a page is no page of ours

_numbers = itertools.count(1)


class Session:
    """Lives in the server's event loop; `waiting` and `take` alone are for the thread that cleans.

    Args:
        visitor: whose it is.
    """

    def __init__(self, visitor: str):
        self.number = next(_numbers)
        self.visitor = visitor
        self.turn = asyncio.Event()  # set once it is served
        self.received = self.dropped = 0  # frames
        self._waiting: deque[Frame] = deque()
        self._words: deque[str] = deque()
        self._frames: deque[tuple[int, bytes]] = deque()
        self._wake = asyncio.Event()
        self._unheard: deque[int] = deque()  # numbers of the frames on their way to the page
        self._last = -1  # number of the newest frame that came
        self._began = 0.0
        self._accepted = 0
        self._least = BACKLOG  # frames that have waited within the present second
        self._error: LiveError | None = None

    def begin(self) -> None:
        """It is served from now on."""
        self._began = time.monotonic()
        self.turn.set()

    def receive(self, frame: Frame) -> None:
        """A frame came; raises LiveError where no microphone sends so many, or out of order."""
        if frame.number <= self._last:
            raise LiveError("live.bad_message")
        self._last = frame.number
        while self._unheard and self._unheard[0] <= frame.heard:
            self._unheard.popleft()
        if not self.turn.is_set():  # sent before the turn was
            return
        self.received += 1
        allowed = (time.monotonic() - self._began) * FASTER * FRAMES_A_SECOND + BURST
        if self._accepted < allowed:
            self._accepted += 1
            self._waiting.append(frame)
            self._least = min(self._least, len(self._waiting))
            if len(self._waiting) > BACKLOG:
                self._drop(1)
            elif self._accepted % FRAMES_A_SECOND == 0:
                if self._least > STANDING:
                    self._drop(self._least - 1)
                self._least = BACKLOG
        elif self.received - self._accepted <= PATIENCE:
            self.dropped += 1
        else:
            raise LiveError("live.too_fast")

    @property
    def waiting(self) -> int:
        """Frames that wait for the network."""
        return len(self._waiting)

    def take(self) -> Frame | None:
        """The next frame for the network."""
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def _drop(self, count: int) -> None:
        """Let the oldest frames go that wait for the network."""
        for _ in range(count):
            if self.take() is not None:
                self.dropped += 1

    def say(self, kind: str, **fields: object) -> None:
        """Put words into the outbox."""
        self._words.append(write_words(kind, **fields))
        self._wake.set()

    def give(self, number: int, pcm: bytes) -> None:
        """Put a cleaned frame into the outbox; the oldest goes where too many wait."""
        self._frames.append((number, pcm))
        if len(self._frames) > OUTBOX:
            self._frames.popleft()
            self.dropped += 1
        self._wake.set()

    def fail(self, error: LiveError) -> None:
        """End it: `next` raises the error."""
        self._error = error
        self._wake.set()

    async def next(self) -> str | bytes:
        """What is to be sent next, once there is something."""
        while True:
            if self._error is not None:
                raise self._error
            if self._words:
                return self._words.popleft()
            if self._frames:
                number, pcm = self._frames.popleft()
                if len(self._unheard) < UNHEARD:
                    self._unheard.append(number)
                    return write_frame(number, pcm)
                self.dropped += 1
                continue
            self._wake.clear()
            await self._wake.wait()
