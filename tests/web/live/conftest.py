"""A page whose live network makes everything half as loud, and a client that talks to it."""

import json
import math
import struct
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from golden.seeded import seeded_network

from frcrn_app.weights import save_weights

HOP = 320
HELLO = {"kind": "hello", "rate": 16_000, "frame": HOP}


@pytest.fixture(scope="session")
def halving_weights(tmp_path_factory) -> str:
    """A causal network whose mask is one half everywhere: what it should put out is known."""
    model = seeded_network(8, 1, causal=True, lookahead=1)
    with torch.no_grad():
        for parameter in model.unet.linear.parameters():
            parameter.zero_()
        real, imaginary = (part.bias for part in model.unet.linear.children())
        real.fill_(math.atanh(0.5) / 2)
        imaginary.fill_(-math.atanh(0.5) / 2)
    path = tmp_path_factory.mktemp("live") / "halving.safetensors"
    return str(save_weights(path, model, half=False))


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
