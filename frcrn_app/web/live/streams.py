"""Live streams of one network by the number of their session, advanced together.

They run in processes of their own: in the server's, hundreds of small operations a frame would
each wait for Python's lock whenever another thread computes in Python.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Protocol

import numpy as np

from frcrn_app.memory import without_collections
from frcrn_app.web.live.messages import FRAME, FRAMES_A_SECOND, to_pcm, to_samples
from frcrn_app.workers import Threads, cores

LOAD = 0.5  # of the frames' time that the network may take, so that every frame is there in time
MOST = 64  # streams that are tried
AT_ONCE = 2  # frames of a session that the network takes together
TRIES = 10  # times that each number of streams is advanced
MOST_PROCESSES = 4  # each takes 290 MiB

Work = list[tuple[int, int, bytes]]  # session, number of the frame, samples


class Desk(Protocol):
    """What advances sessions, one round after the other."""

    def advance(self, frames: Work, ended: Sequence[int] = ()) -> Work:
        """As `Streams.advance`."""
        ...


class Streams:
    """Cleans frames of any number of sessions on one network.

    Args:
        weights: a name or a path of a causal network.

    Raises:
        CheckpointError: there is none, or it is not causal.
    """

    def __init__(self, weights: str):
        from frcrn_app.inference import LiveNetwork

        self._network = LiveNetwork(weights, pairs=True)
        self._streams: dict[int, tuple] = {}  # with the numbers of the frames that are inside

    @property
    def delay(self) -> float:
        """Seconds between a sample's going in and its coming out at the latest."""
        from frcrn_app.constants import SAMPLE_RATE

        return self._network.config.delay / SAMPLE_RATE

    def advance(self, frames: Work, ended: Sequence[int] = ()) -> Work:
        """Frames of sessions in; those out that are ready, under the numbers they came in by.

        Args:
            frames: of each session in their order. The first one opens it. Sessions of which there
                are equally many, up to `AT_ONCE`, run as one batch.
            ended: sessions that will send nothing more.
        """
        from frcrn_app.inference import LiveDenoiser, push_together

        for session in ended:
            self._streams.pop(session, None)
        samples: dict[int, list[np.ndarray]] = {}
        for session, number, pcm in frames:
            if session not in self._streams:
                self._streams[session] = (LiveDenoiser(network=self._network), deque())
            self._streams[session][1].append(number)
            samples.setdefault(session, []).append(to_samples(pcm))
        chunks = [(self._streams[one][0], np.concatenate(parts)) for one, parts in samples.items()]
        ready = []
        for session, cleaned in zip(samples, push_together(chunks), strict=True):
            inside = self._streams[session][1]
            for start in range(0, len(cleaned), FRAME):
                ready.append((session, inside.popleft(), to_pcm(cleaned[start : start + FRAME])))
        return ready

    def capacity(self) -> int:
        """How many streams this machine advances in time, measured; 0: not even one."""
        fits, count, allowed = 0, 1, LOAD * AT_ONCE / FRAMES_A_SECOND
        while count <= MOST and min(self._seconds(count) for _ in range(2)) < allowed:
            fits = count
            count += max(1, count // 4)
        return fits

    def _seconds(self, count: int) -> float:
        """That `AT_ONCE` frames of so many streams take, other work of the machine left out."""
        noise = to_pcm(np.random.default_rng(0).uniform(-0.1, 0.1, FRAME))
        sessions = [-1 - index for index in range(count)]
        times = []
        for number in range(TRIES):
            began = time.perf_counter()
            self.advance([(one, number, noise) for one in sessions for _ in range(AT_ONCE)])
            times.append(time.perf_counter() - began)
        self.advance([], sessions)
        return float(np.quantile(times, 0.25))

    @property
    def desks(self) -> Sequence[Desk]:
        """Those that may advance at the same time, each in a thread of its own."""
        return [self]

    def close(self) -> None:
        """Nothing to do here; `StreamsProcesses` has."""


class StreamsProcesses:
    """`Streams` in processes of their own, which end with this one.

    Each process has one thread and computes beside the others, so that the cores serve as many as
    they can.

    Args:
        weights: a name or a path of a causal network.
        count: of processes.

    Raises:
        UserError: as `Streams`.
        EOFError, OSError: of any method, a process has ended.
    """

    def __init__(self, weights: str, count: int = 1):
        self.desks = [_Process(weights) for _ in range(count)]
        try:
            self.delay: float = max([process.answer() for process in self.desks])
        except BaseException:
            self.close()
            raise

    def capacity(self) -> int:
        """As `Streams.capacity`, of all processes at work at the same time."""
        for process in self.desks:
            process.ask("capacity")
        return sum([process.answer() for process in self.desks])

    def close(self) -> None:
        """End the processes, from any thread."""
        for process in self.desks:
            process.close()


def processes_for(seats: int | None) -> int:
    """How many processes serve so many sessions, or as many as this machine can (None)."""
    return min(cores(), seats or MOST_PROCESSES, MOST_PROCESSES)


class _Process:
    """`Streams` in one process, which answers one question after the other; for one thread."""

    def __init__(self, weights: str):
        self._connection, theirs = Pipe()
        # Frames are too short to be shared out among threads.
        self._process = Threads(1).Process(
            target=_serve, args=(theirs, weights), name="live", daemon=True
        )
        self._process.start()
        theirs.close()

    def advance(self, frames: Work, ended: Sequence[int] = ()) -> Work:
        """As `Streams.advance`."""
        self.ask("advance", frames, ended)
        return self.answer()

    def ask(self, method: str, *args: object) -> None:
        self._connection.send((method, *args))

    def answer(self):
        answer = self._connection.recv()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def close(self) -> None:
        self._process.terminate()
        self._process.join(5)
        self._connection.close()


def _serve(connection: Connection, weights: str) -> None:
    """Answer until the other end is closed."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server's, which ends this one
    try:
        with without_collections():
            streams = Streams(weights)
    except Exception as error:
        connection.send(error)
        return
    with suppress(EOFError, OSError):  # the server may end while this one is loading
        connection.send(streams.delay)
        while True:
            name, *args = connection.recv()
            try:
                answer = getattr(streams, name)(*args)
            except Exception as error:
                answer = error
            connection.send(answer)
    os._exit(0)  # whatever threads of libraries would wait for
