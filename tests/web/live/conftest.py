"""Live sessions whose network makes everything half as loud, and a client that talks to them."""

import json
import struct
import threading
import time
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest

from networks import save_halving

HOP = 320
HELLO = {"kind": "hello", "rate": 16_000, "frame": HOP}


@pytest.fixture(scope="session")
def halving_weights(tmp_path_factory) -> str:
    return save_halving(tmp_path_factory.mktemp("live") / "halving.safetensors")


@pytest.fixture(scope="session")
def serve_live(halving_weights, tmp_path_factory):
    """A context manager that serves live sessions alone; gives their address and metrics."""
    import uvicorn
    from starlette.applications import Starlette

    from frcrn_app.web.guard import Guard, GuardOptions
    from frcrn_app.web.live import LARGEST_BYTES, Live

    @contextmanager
    def serve(streams, minutes: float = 5, seats: int = 2, **limits):
        guard = Guard(GuardOptions(**limits), tmp_path_factory.mktemp("visitors"))
        live = Live(guard, partial(streams, halving_weights), minutes, seats)
        config = uvicorn.Config(
            Starlette(routes=live.routes()),
            port=0,
            log_level="warning",
            ws_max_size=LARGEST_BYTES,
            timeout_graceful_shutdown=5,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        live.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Served(f"http://127.0.0.1:{port}", live, guard)
        server.should_exit = True
        thread.join(20)
        live.close()

    return serve


class Served:
    """Live sessions that are served here."""

    def __init__(self, address: str, live, guard):
        self.address, self.live = address, live
        self._registry = guard.metrics.registry

    def figure(self, name: str) -> float:
        """A metric, without the prefix that all of them have."""
        return self._registry.get_sample_value(f"frcrn_live_{name}")


class Page:
    """What the live tab says to the server, from Python."""

    def __init__(self, socket):
        self.socket = socket
        self.cleaned: dict[int, np.ndarray] = {}  # by the number of the frame
        self.words: list[dict] = []

    def say(self, words: dict | str = HELLO) -> None:
        self.socket.send(words if isinstance(words, str) else json.dumps(words))

    def send(self, number: int, samples: np.ndarray) -> None:
        heard = max(self.cleaned, default=0)
        self.socket.send(struct.pack("<II", number, heard) + samples.astype("<i2").tobytes())

    def read(self, timeout: float = 60) -> dict | int:
        """The next words, or the number of the next frame."""
        message = self.socket.recv(timeout)
        if isinstance(message, str):
            self.words.append(json.loads(message))
            return self.words[-1]
        (number,) = struct.unpack_from("<I", message)
        self.cleaned[number] = np.frombuffer(message[4:], "<i2")
        return number

    def wait_for(self, kind: str) -> dict:
        while True:
            said = self.read()
            if isinstance(said, dict) and said["kind"] == kind:
                return said


@contextmanager
def visiting(address: str, hello: bool = True, **settings):
    """A `Page` with its WebSocket open."""
    from websockets.sync.client import connect

    with connect(address.replace("http", "ws", 1) + "/frcrn/live", **settings) as socket:
        page = Page(socket)
        if hello:
            page.say()
        yield page
