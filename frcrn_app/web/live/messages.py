"""What page and server say to each other over the live WebSocket, and how it is read.

Audio is binary: 20 ms of 16-bit samples at 16 kHz, little-endian, behind a head of numbers.

    page to server    number of the frame (uint32), number of the newest frame heard (uint32), PCM
    server to page    number of the frame that it is the cleaned version of (uint32), PCM

Everything else is JSON with a `kind`. The page says `hello` first; the server says `waiting` (with
a place), `ready` (with the seconds of the session), `ending` (with the seconds left) and `ended`
(with a code and a sentence).
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass

import numpy as np

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import UserError

FRAME = SAMPLE_RATE // 50  # samples of a message
FRAMES_A_SECOND = SAMPLE_RATE // FRAME
LARGEST_BYTES = 2_048  # of a message of either kind; the server closes on larger ones by itself

_FROM_PAGE = struct.Struct("<II")
_TO_PAGE = struct.Struct("<I")
_BYTES = _FROM_PAGE.size + 2 * FRAME
_HELLO = {"kind": "hello", "rate": SAMPLE_RATE, "frame": FRAME}
_FULL_SCALE = 32_768


class LiveError(UserError):
    """Why a live session does not begin, or ends."""


@dataclass(frozen=True)
class Frame:
    """20 ms from the page."""

    number: int  # larger than that of the frame before
    heard: int  # the newest frame that has come back, 0 before the first
    pcm: bytes


def read_hello(text: str) -> None:
    """Check the page's first words; raises LiveError `live.bad_message`."""
    try:
        said = json.loads(text) if len(text) <= LARGEST_BYTES else None
    except (ValueError, RecursionError):
        said = None
    if said != _HELLO:
        raise LiveError("live.bad_message")


def read_frame(message: bytes) -> Frame:
    """A frame from the page; raises LiveError `live.bad_message`."""
    if len(message) != _BYTES:
        raise LiveError("live.bad_message")
    number, heard = _FROM_PAGE.unpack_from(message)
    return Frame(number, heard, message[_FROM_PAGE.size :])


def write_frame(number: int, pcm: bytes) -> bytes:
    """A frame to the page."""
    return _TO_PAGE.pack(number) + pcm


def write_words(kind: str, **fields: object) -> str:
    """Anything else to the page."""
    return json.dumps({"kind": kind, **fields}, ensure_ascii=False)


def to_samples(pcm: bytes) -> np.ndarray:
    """16-bit samples as float32 in [-1, 1)."""
    return np.frombuffer(pcm, "<i2").astype(np.float32) / _FULL_SCALE


def to_pcm(samples: np.ndarray) -> bytes:
    """Floats as 16-bit samples; what is louder than full scale is clipped."""
    scaled = np.clip(np.rint(samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    return scaled.astype("<i2").tobytes()
