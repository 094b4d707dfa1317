"""A page whose live network makes everything half as loud, and a client that talks to it."""

import json
import struct
from contextlib import contextmanager

import numpy as np
import pytest
from networks import save_halving

HOP = 320
HELLO = {"kind": "hello", "rate": 16_000, "frame": HOP}


@pytest.fixture(scope="session")
def halving_weights(tmp_path_factory) -> str:
    return save_halving(tmp_path_factory.mktemp("live") / "halving.safetensors")


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
