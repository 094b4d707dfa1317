"""Creative Voice files: blocks of sound and of silence, up to a block that ends them."""

import mmap
import struct
from dataclasses import dataclass

from frcrn_app.audio.types import Note
from frcrn_app.audio.view import Piece

MAGIC = b"Creative Voice File\x1a"

_END, _SOUND, _SILENCE, _EXTENDED, _NEW_SOUND = 0, 1, 3, 8, 9
_SETUP = {_SOUND: 2, _NEW_SOUND: 12}  # bytes of a block that say how its samples are coded
# A silent byte by coding: 8 bits without a sign, 16 bits, A-law, mu-law.
_SILENT = {0: b"\x80", 4: b"\0", 6: b"\xd5", 7: b"\xff"}
_LARGEST_BLOCK = 1 << 23  # bytes
_FILLED = 1 << 12  # bytes of silence at a time
_MOST_BLOCKS = 100_000


@dataclass
class Found:
    """Files that lie one after another: what a decoder is shown of each, and what they lack."""

    parts: list[list[Piece]]
    notes: list[Note]


@dataclass(frozen=True)
class _Coding:
    """How samples are coded, as the block that begins them says."""

    kind: int
    setup: bytes
    rate: float  # Hz
    frame: int  # bytes of one sample of all channels
    silent: bytes | None  # None where silence is more than a repeated byte
    extended: bytes = b""  # the block before it, which says how many channels

    def block(self, size: int) -> bytes:
        """The beginning of a block of so many bytes of samples."""
        return self.extended + _head(self.kind, len(self.setup) + size) + self.setup


def survey(data: mmap.mmap, most: int) -> Found:
    """Where each of joined files ends, and whether the last one is whole.

    Decoders skip the blocks that stand for silence, and what follows moves forward: they are shown
    blocks of silent samples in their place.
    """
    found, start = Found([], []), 0
    while len(found.parts) < most:
        pieces, end, is_cut = _file(data, start)
        found.parts.append(pieces)
        if is_cut:
            found.notes.append(Note("audio.note.cut_off", lost=True))
        start = data.find(MAGIC, end)
        if start < 0:
            break
    return found


def _file(data: mmap.mmap, start: int) -> tuple[list[Piece], int, bool]:
    """What a decoder is shown of the file at `start`, its end, and whether that is missing."""
    length = len(data)
    if start + 26 > length:
        return [(start, length)], length, True
    first = position = start + struct.unpack_from("<H", data, start + 20)[0]
    coding, extended = None, None
    silences: list[tuple[int, int, _Coding | None]] = []  # where, its end, what it interrupts
    codings: list[_Coding] = []
    for _ in range(_MOST_BLOCKS):
        if position >= length or data[position] == _END:
            break
        kind, size = data[position], int.from_bytes(data[position + 1 : position + 4], "little")
        stop = position + 4 + size
        if position + 4 > length or stop > length:
            return _shown(data, start, length, silences, codings), length, True
        if not size:  # up to the end of the file
            position = length
            break
        if kind == _EXTENDED and size >= 4:
            extended = data[position + 4 : position + 8]
        elif kind in _SETUP and size >= _SETUP[kind]:
            setup = data[position + 4 : position + 4 + _SETUP[kind]]
            coding = _coding(kind, setup, extended)
            extended = None
            codings.append(coding)
        elif kind == _SILENCE and size >= 3:
            silences.append((position, stop, coding))
        position = stop
    end = min(max(position, first) + 1, length)
    return _shown(data, start, end, silences, codings), end, False


def _coding(kind: int, setup: bytes, extended: bytes | None) -> _Coding:
    if kind == _NEW_SOUND:
        rate, bits, channels, number = struct.unpack_from("<IBBH", setup)
        return _Coding(kind, setup, rate, channels * bits // 8, _SILENT.get(number))
    channels, rate = 1, 1_000_000 / (256 - setup[0])
    if extended is not None:
        divisor, _, mode = struct.unpack("<HBB", extended)
        channels = mode + 1
        rate = 256_000_000 / (channels * (65_536 - divisor))
    before = b"" if extended is None else _head(_EXTENDED, len(extended)) + extended
    return _Coding(kind, setup, rate, channels, _SILENT.get(setup[1]), before)


def _head(kind: int, size: int) -> bytes:
    return bytes([kind]) + size.to_bytes(3, "little")


def _shown(
    data: mmap.mmap,
    start: int,
    end: int,
    silences: list[tuple[int, int, _Coding | None]],
    codings: list[_Coding],
) -> list[Piece]:
    """The file from start to end, with silent samples where blocks of silence stand."""
    pieces: list[Piece] = []
    for position, stop, interrupted in silences:
        coding = interrupted or next(iter(codings), None)
        if coding is None or coding.silent is None:
            continue
        count, divisor = struct.unpack_from("<HB", data, position + 4)
        frames = round((count + 1) * (256 - divisor) / 1_000_000 * coding.rate)
        size = min(frames * coding.frame, _LARGEST_BLOCK)
        filled = coding.silent * _FILLED
        pieces += [(start, position), coding.block(size), *[filled] * (size // _FILLED)]
        pieces.append(coding.silent * (size % _FILLED))
        start = stop
    return [*pieces, (start, end)]
