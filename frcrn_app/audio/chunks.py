"""Containers made of chunks: WAV and its kin, AIFF, CAF, Wave64. Walked without reading samples.

Their headers are written first and corrected last, so a recorder that dies leaves a size of 0, one
that streams leaves the largest size, and careless programs leave anything. What counts is what the
file holds.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from frcrn_app.audio.types import Note
from frcrn_app.audio.view import Piece, patched

# Sizes from here on are what programs write into a 32-bit field when they stream to a pipe and do
# not know the end yet (0x7FFFF000 by sox, 0x80000000 by arecord, 0xFFFFFFFF by ffmpeg).
UNKNOWN_SIZE_32 = 0x7FFFF000

MPEG_IN_WAV = (0x50, 0x55)  # format tags of layers 1 and 2, and of MP3

_MOST_CHUNKS = 100_000  # a file of empty chunks ends the walk here
_WRONG_BY = 0.01  # s: promises that exceed the file by less are wrong, not cut off
_PADDING_BLOCK = 1 << 16  # bytes


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
    counts_header: bool = False
    magics: tuple[bytes, ...] = ()

    @property
    def names_length(self) -> int:
        return len(self.header.unpack(bytes(self.header.size))[0])


RIFF = Dialect("RIFF", 12, struct.Struct("<4sI"), b"data", 2, magics=(b"RIFF", b"RF64", b"BW64"))
RIFX = Dialect("RIFX", 12, struct.Struct(">4sI"), b"data", 2, magics=(b"RIFX",))
AIFF = Dialect("AIFF", 12, struct.Struct(">4sI"), b"SSND", 2, magics=(b"FORM",))
CAF = Dialect("CAF", 8, struct.Struct(">4sq"), b"data", 1, magics=(b"caff",))
WAVE64 = Dialect("W64", 40, struct.Struct("<16sQ"), b"data", 8, True, (b"riff\x2e\x91\xcf\x11",))
DIALECTS = (RIFF, RIFX, AIFF, CAF, WAVE64)


@dataclass(frozen=True)
class Samples:
    """One container's samples: the file as a decoder should see it, and what was wrong with it."""

    pieces: list[Piece]
    notes: list[Note]
    start: int  # of the samples' bytes
    stop: int
    rate: int | None  # Hz, as the header states
    coding: int | None  # the format tag of a WAV
    end: int  # where this container ends in the file


def dialect_of(head: bytes) -> Dialect | None:
    """The dialect that a file's first 16 bytes are written in."""
    if head[:4] == b"RIFF" and head[8:12] != b"WAVE":  # such as AVI
        return None
    if head[:4] == b"FORM" and head[8:12] not in (b"AIFF", b"AIFC"):
        return None
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
        if size < 0:
            return
        end = content + size
        position = end + -(end - dialect.first) % dialect.alignment


def find_samples(file: BinaryIO, dialect: Dialect, origin: int, length: int) -> Samples | None:
    """Where the samples of the container at `origin` really are; None where there are none."""
    block, rate, coding, long_size = 0, None, None, None
    description: Chunk | None = None
    for chunk in walk(file, dialect, origin + dialect.first, length):
        if chunk.name == b"ds64":
            long_size = _unpack(file, "<8xQ", chunk.start)
        elif chunk.name == b"fmt ":
            order = ">" if dialect is RIFX else "<"
            coding, rate, block = _unpack(file, order + "H2xI4xH", chunk.start) or (None, None, 0)
        elif chunk.name == b"COMM":
            description = chunk
            channels, bits = _unpack(file, ">H4xH", chunk.start) or (0, 0)
            block = channels * (bits + 7) // 8
        elif chunk.name == b"desc":
            rate, block = _unpack(file, ">d8xI", chunk.start) or (None, 0)
            rate = int(rate) if rate and 0 < rate < 2**31 else None
        elif chunk.name == dialect.samples:
            if description is not None and rate is None:
                rate = _extended_rate(file, description)
            return _settled(
                file, dialect, origin, length, chunk, block, rate, coding, long_size, description
            )
    return None


def _settled(
    file, dialect, origin, length, chunk, block, rate, coding, long_size, description
) -> Samples:
    """Decide how long the chunk of samples is, and show the file so."""
    head = 8 if dialect is AIFF else 4 if dialect is CAF else 0  # bytes before its samples
    rest = length - chunk.start
    stated, unknown = chunk.size, False
    if dialect in (RIFF, RIFX) and stated >= UNKNOWN_SIZE_32:
        stated, unknown = (long_size, False) if long_size is not None else (rest, True)
    elif dialect is CAF and stated < 0:
        stated, unknown = rest, True
    stated = max(0, stated)
    byte_rate = rate * block if rate and block else 0
    notes: list[Note] = []
    size, end = stated, length
    if stated > rest:
        size = rest
        missing = (stated - rest) / byte_rate if byte_rate else 1.0
        if missing < _WRONG_BY:
            notes.append(Note("audio.note.header_wrong"))
        else:
            notes.append(_cut_off(rest - head, stated - head, byte_rate))
    elif not unknown:
        following = chunk.start + stated
        found = _next_container(file, dialect, following, length)
        if found is not None:
            end = found
        elif not _ends_well(file, dialect, following, length):
            size = rest
            held = (rest - head) / byte_rate if byte_rate else None
            if stated <= head:
                notes.append(Note("audio.note.no_length"))
            elif held is not None:
                told = (stated - head) / byte_rate
                notes.append(Note("audio.note.header_short", {"stated": told, "held": held}))
    if notes and block and size > head:
        size = head + (size - head) // block * block
    start, stop = chunk.start + head, chunk.start + size
    if not notes and origin == 0 and end == length:
        pieces: list[Piece] = [(0, length)]
    elif not notes:
        pieces = [(origin, end)]
    else:
        patches = {chunk.header: _header(dialect, file, chunk, size)}
        if long_size is not None:
            file.seek(origin + dialect.first + 16)
            patches[origin + dialect.first + 16] = struct.pack("<Q", size)
        if description is not None and block:
            patches[description.start + 2] = struct.pack(">I", max(0, size - head) // block)
        pieces = patched(origin, stop, patches)
    return Samples(pieces, notes, start, stop, rate, coding, end)


def _header(dialect: Dialect, file: BinaryIO, chunk: Chunk, size: int) -> bytes:
    file.seek(chunk.header)
    name = file.read(dialect.names_length)
    if dialect.counts_header:
        size += dialect.header.size
    if dialect.header.size == 8:
        size = min(size, 0xFFFFFFFF)
    return dialect.header.pack(name, size)


def _cut_off(held: int, stated: int, byte_rate: int) -> Note:
    if not byte_rate:
        return Note("audio.note.cut_off", lost=True)
    seconds = {"held": held / byte_rate, "stated": stated / byte_rate}
    return Note("audio.note.cut_off_at", seconds, lost=True)


def _next_container(file: BinaryIO, dialect: Dialect, position: int, length: int) -> int | None:
    """Where another file of the same kind begins, if it does right behind the samples' chunk."""
    for start in (position, position + -(position - dialect.first) % dialect.alignment):
        file.seek(start)
        head = file.read(16)
        if start + 16 <= length and dialect_of(head) is dialect:
            return start
    following = position + -(position - dialect.first) % dialect.alignment
    for chunk in walk(file, dialect, following, length):
        file.seek(chunk.header)
        if dialect_of(file.read(16)) is dialect:
            return chunk.header
    return None


def _ends_well(file: BinaryIO, dialect: Dialect, position: int, length: int) -> bool:
    """Whether chunks, or padding, or nothing at all, fill the file from here to its end."""
    if length - position <= dialect.header.size or _only_zeros(file, position, length):
        return True
    for start in {position, position + -(position - dialect.first) % dialect.alignment}:
        last = None
        for chunk in walk(file, dialect, start, length):
            last = chunk
            if chunk.size < 0 or not all(0x20 <= byte < 0x7F for byte in chunk.name):
                break
        else:
            if last is not None and last.stop <= length + 1:
                if length - last.stop <= dialect.header.size:
                    return True
                if _only_zeros(file, last.stop, length):
                    return True
            elif last is not None and last.name in _KNOWN_AFTER_SAMPLES:
                return True
    return False


_KNOWN_AFTER_SAMPLES = frozenset(
    {
        *(b"LIST", b"bext", b"iXML", b"cue ", b"id3 ", b"ID3 ", b"axml", b"smpl", b"inst"),
        *(b"PEAK", b"JUNK", b"FLLR", b"info", b"mark", b"free", b"uuid", b"NAME", b"ANNO"),
        *(b"MARK", b"_PMX"),
    }
)


def _only_zeros(file: BinaryIO, position: int, length: int) -> bool:
    """Whether the first and the last block of a stretch are zeros: room that a recorder kept."""
    for start in (position, max(position, length - _PADDING_BLOCK)):
        file.seek(start)
        if file.read(min(_PADDING_BLOCK, length - start)).strip(b"\0"):
            return False
    return True


def _unpack(file: BinaryIO, layout: str, position: int):
    """Numbers at a position; None where the file ends before; alone where there is one."""
    file.seek(position)
    content = file.read(struct.calcsize(layout))
    if len(content) < struct.calcsize(layout):
        return None
    numbers = struct.unpack(layout, content)
    return numbers[0] if len(numbers) == 1 else numbers


def _extended_rate(file: BinaryIO, description: Chunk) -> int | None:
    """AIFF states its rate as an 80-bit float: 15 bits of exponent, 64 of mantissa."""
    numbers = _unpack(file, ">8xHQ", description.start)
    if numbers is None:
        return None
    exponent, mantissa = numbers[0] & 0x7FFF, numbers[1]
    return int(mantissa * 2.0 ** (exponent - 16383 - 63)) if exponent < 16383 + 31 else None
