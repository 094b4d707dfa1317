"""Containers made of chunks: WAV, AIFF, 8SVX, CAF, Wave64. Walked without reading samples."""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_PADDING_BLOCK = 1 << 16  # bytes
_MOST_CHUNKS = 100_000  # a file of empty chunks ends the walk here

KNOWN_CHUNKS = frozenset(
    {
        *(b"LIST", b"bext", b"iXML", b"cue ", b"id3 ", b"ID3 ", b"axml", b"smpl", b"inst"),
        *(b"PEAK", b"JUNK", b"FLLR", b"info", b"mark", b"free", b"uuid", b"NAME", b"ANNO"),
        *(b"MARK", b"_PMX", b"fmt ", b"fact", b"data", b"COMM", b"SSND", b"FVER", b"AUTH"),
        *(b"COMT", b"INST", b"VHDR", b"BODY", b"plst", b"labl", b"note", b"acid", b"PAD "),
    }
)


@dataclass(frozen=True)
class Chunk:
    """Where a chunk's header stands, and its content, as far as its header is right."""

    name: bytes
    header: int
    start: int
    size: int

    @property
    def stop(self) -> int:
        return self.start + self.size


@dataclass(frozen=True)
class Dialect:
    """How a family of containers writes chunks."""

    family: str
    first: int  # offset of the first chunk
    header: struct.Struct  # name and size
    samples: bytes  # name of the chunk that holds them
    alignment: int
    preamble: int = 0  # bytes in that chunk before the samples
    counts_header: bool = False
    magics: tuple[bytes, ...] = ()

    @property
    def names_length(self) -> int:
        return len(self.header.unpack(bytes(self.header.size))[0])


RIFF = Dialect("RIFF", 12, struct.Struct("<4sI"), b"data", 2, magics=(b"RIFF", b"RF64", b"BW64"))
RIFX = Dialect("RIFX", 12, struct.Struct(">4sI"), b"data", 2, magics=(b"RIFX",))
AIFF = Dialect("AIFF", 12, struct.Struct(">4sI"), b"SSND", 2, preamble=8, magics=(b"FORM",))
SVX = Dialect("SVX", 12, struct.Struct(">4sI"), b"BODY", 2, magics=(b"FORM",))
CAF = Dialect("CAF", 8, struct.Struct(">4sq"), b"data", 1, preamble=4, magics=(b"caff",))
WAVE64 = Dialect(
    "W64",
    40,
    struct.Struct("<16sQ"),
    b"data",
    8,
    counts_header=True,
    magics=(b"riff\x2e\x91\xcf\x11",),
)
DIALECTS = (RIFF, RIFX, AIFF, SVX, CAF, WAVE64)


def dialect_of(head: bytes) -> Dialect | None:
    """The dialect that a file's first 16 bytes are written in."""
    if head[:4] == b"RIFF" and head[8:12] != b"WAVE":  # such as AVI
        return None
    if head[:4] == b"FORM":
        return {b"AIFF": AIFF, b"AIFC": AIFF, b"8SVX": SVX, b"16SV": SVX}.get(head[8:12])
    for dialect in DIALECTS:
        if any(head.startswith(magic) for magic in dialect.magics):
            return dialect
    return None


def walk(file: BinaryIO, dialect: Dialect, start: int, stop: int) -> Iterator[Chunk]:
    """Chunks from `start` to the file's `stop`, or to the first whose size makes no sense.

    The last one may promise more than there is. Every step advances, or the walk ends.
    """
    position = start
    for _ in range(_MOST_CHUNKS):
        if position + dialect.header.size > stop:
            return
        file.seek(position)
        name, size = dialect.header.unpack(file.read(dialect.header.size))
        content = position + dialect.header.size
        if dialect.counts_header:
            size -= dialect.header.size
        yield Chunk(name[:4], position, content, size)
        end = content + size
        if size < 0 or end > stop:
            return
        padded = end + -size % dialect.alignment
        position = end if padded != end and _lacks_padding(file, end) else padded


def _lacks_padding(file: BinaryIO, end: int) -> bool:
    """Whether a chunk that should be padded to an even size is followed by the next at once."""
    file.seek(end)
    return file.read(4) in KNOWN_CHUNKS


def next_beginning(data: mmap.mmap, dialect: Dialect, start: int) -> int | None:
    """Where another file begins from `start` on, by its first 16 bytes; None for lack of one."""
    if dialect not in (RIFF, RIFX, AIFF):  # the others' are too short to be told from samples
        return None
    found = [_find(data, dialect, magic, start) for magic in dialect.magics]
    return min((place for place in found if place >= 0), default=None)


def _find(data: mmap.mmap, dialect: Dialect, magic: bytes, start: int) -> int:
    place = data.find(magic, start)
    while place >= 0:
        head = data[place : place + 16]
        if head[8:12] in (b"WAVE", b"AIFF", b"AIFC") and dialect_of(head) is dialect:
            return place
        place = data.find(magic, place + 1)
    return place


def only_zeros(file: BinaryIO, position: int, length: int) -> bool:
    """Whether the first and the last block of a stretch are zeros: room that a recorder kept."""
    for start in (position, max(position, length - _PADDING_BLOCK)):
        file.seek(start)
        if file.read(min(_PADDING_BLOCK, length - start)).strip(b"\0"):
            return False
    return True


def unpacked(file: BinaryIO, layout: str, position: int) -> tuple | None:
    """Numbers at a position; None where the file ends before."""
    file.seek(position)
    content = file.read(struct.calcsize(layout))
    if len(content) < struct.calcsize(layout):
        return None
    return struct.unpack(layout, content)


def extended_rate(file: BinaryIO, description: Chunk) -> int | None:
    """AIFF states its rate as an 80-bit float: 15 bits of exponent, 64 of mantissa."""
    numbers = unpacked(file, ">8xHQ", description.start)
    if numbers is None:
        return None
    exponent, mantissa = numbers[0] & 0x7FFF, numbers[1]
    return int(mantissa * 2.0 ** (exponent - 16383 - 63)) if exponent < 16383 + 31 else None
