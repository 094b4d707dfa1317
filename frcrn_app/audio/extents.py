"""Where the samples of a container made of chunks really are.

Their headers are written first and corrected last, so a recorder that dies leaves a size of 0, one
that streams leaves the largest size, and careless programs leave anything. What counts is what the
file holds.
"""

import mmap
import struct
from dataclasses import dataclass
from typing import BinaryIO

from frcrn_app.audio.chunks import (
    CAF,
    KNOWN_CHUNKS,
    RIFF,
    RIFX,
    WAVE64,
    Chunk,
    Dialect,
    dialect_of,
    extended_rate,
    next_beginning,
    only_zeros,
    unpacked,
    walk,
)
from frcrn_app.audio.types import Note
from frcrn_app.audio.view import Piece, patched

# Sizes from here on are what programs write into a 32-bit field when they stream to a pipe and do
# not know the end yet (0x7FFFF000 by sox, 0x80000000 by arecord, 0xFFFFFFFF by ffmpeg).
UNKNOWN_SIZE_32 = 0x7FFFF000
_UNKNOWN_SIZE_64 = 1 << 62
WRONG_BY = 0.01  # s: promises that exceed the file by less are wrong, not cut off

MPEG_IN_WAV = (0x50, 0x55)  # format tags of layers 1 and 2, and of MP3

_UNCOMPRESSED = (1, 3, 6, 7, 0xFFFE)  # PCM, float, A-law, mu-law, and what names itself further on

_FORMAT_BYTES = 18  # of a WAV, with the length of what follows
_MOST_EXTRA = 1 << 10  # bytes of that


@dataclass(frozen=True)
class Samples:
    """One container's samples: the file as a decoder should see it, and what was wrong with it."""

    pieces: list[Piece]
    notes: list[Note]
    start: int  # of the samples' bytes
    stop: int
    rate: int | None  # Hz, as the header states
    coding: int | None  # the format tag of a WAV
    extra: bytes  # what follows its format
    frames: int | None  # samples of each channel, where a WAV counts them
    end: int  # where this container ends in the file


@dataclass
class _Header:
    """What the chunks before the samples say about them."""

    block: int = 0  # bytes of one sample of all channels
    rate: int | None = None  # Hz
    coding: int | None = None  # format tag
    long_size: int | None = None  # of the samples' chunk, where a ds64 chunk states it
    frames_at: int | None = None  # where AIFF counts its samples
    frames: int | None = None  # that WAV counts
    extra: bytes = b""  # what follows the format of a WAV
    coded_rate: int | None = None  # bytes of a second, where samples are compressed; 0: unknown

    @property
    def byte_rate(self) -> int:
        """Bytes of a second; 0 where the header does not tell."""
        return (self.rate or 0) * self.block if self.coded_rate is None else self.coded_rate

    def take(self, file: BinaryIO, dialect: Dialect, chunk: Chunk) -> None:
        """Read one chunk of those that describe the samples."""
        if chunk.name == b"ds64":
            self.long_size = (unpacked(file, "<8xQ", chunk.start) or (None,))[0]
        elif chunk.name == b"fmt ":
            layout = (">" if dialect is RIFX else "<") + "H2xIIH"
            numbers = unpacked(file, layout, chunk.start)
            if numbers is not None:
                self.coding, self.rate, byte_rate, self.block = numbers
                self.coded_rate = None if self.coding in _UNCOMPRESSED else byte_rate
            file.seek(chunk.start + _FORMAT_BYTES)
            self.extra = file.read(min(_MOST_EXTRA, max(0, chunk.size - _FORMAT_BYTES)))
        elif chunk.name == b"fact":
            self.frames = (unpacked(file, "<I", chunk.start) or (None,))[0]
        elif chunk.name == b"COMM":
            channels, bits = unpacked(file, ">H4xH", chunk.start) or (0, 0)
            self.block = channels * ((bits + 7) // 8)
            self.rate = extended_rate(file, chunk)
            self.frames_at = chunk.start + 2
        elif chunk.name == b"desc":
            numbers = unpacked(file, ">d8xII", chunk.start) or (0.0, 0, 1)
            rate, self.block, packet = numbers  # bytes and samples of a packet
            self.rate = int(rate) if 0 < rate < 2**31 else None
            if packet != 1:
                self.coded_rate = int((self.rate or 0) * self.block / packet) if packet else 0


def find_samples(
    file: BinaryIO, data: mmap.mmap, dialect: Dialect, origin: int, length: int
) -> Samples | None:
    """Where the samples of the container at `origin` really are; None where there are none.

    `data` is the file, mapped; `length` its own.
    """
    header = _Header()
    unpadded: list[int] = []  # where a byte of padding is missing
    before: Chunk | None = None
    for chunk in walk(file, dialect, origin + dialect.first, length):
        if before is not None and chunk.header == before.stop and before.size % dialect.alignment:
            unpadded.append(chunk.header)
        before = chunk
        if chunk.name == dialect.samples:
            size, end, notes = _true_size(file, data, dialect, chunk, header, length)
            # libsndfile takes whatever stands behind the samples of a Wave64 for samples.
            shown = chunk.start + size if dialect is WAVE64 else end
            pieces: list[Piece] = [(origin, shown)]
            further = [] if notes else _further(file, dialect, chunk, end)
            if notes or unpadded or further:
                whole = size + sum(stop - start for start, stop in further)
                pieces = _repaired(file, dialect, origin, chunk, header, whole, unpadded)
                pieces[-1] = (pieces[-1][0], chunk.start + size)
                pieces += further
            start, stop = chunk.start + dialect.preamble, chunk.start + size
            return Samples(
                pieces,
                notes,
                start,
                stop,
                header.rate,
                header.coding,
                header.extra,
                header.frames,
                end,
            )
        header.take(file, dialect, chunk)
    return None


def _true_size(
    file: BinaryIO,
    data: mmap.mmap,
    dialect: Dialect,
    chunk: Chunk,
    header: _Header,
    length: int,
) -> tuple[int, int, list[Note]]:
    """Size of the samples' chunk, end of its container, and what its header had wrong."""
    stated = max(0, chunk.size)
    is_unknown = dialect is CAF and chunk.size < 0
    if dialect in (RIFF, RIFX) and chunk.size >= UNKNOWN_SIZE_32:
        is_unknown = header.long_size is None
        stated = header.long_size or 0
    if is_unknown or not dialect.preamble < stated <= length - chunk.start:
        # Only a search tells where the next file begins, if one follows.
        length = next_beginning(data, dialect, chunk.start) or length
    rest = length - chunk.start
    if is_unknown:
        return rest, length, []
    if stated >= _UNKNOWN_SIZE_64:
        return _whole(rest, header, dialect), length, [Note("audio.note.no_length")]
    if stated > rest:
        return _whole(rest, header, dialect), length, [_promise(stated, rest, header, dialect)]
    following = chunk.start + stated
    end = _next_container(file, dialect, chunk, following, length)
    if end is not None or ends_well(file, dialect, chunk, following, length):
        return stated, length if end is None else end, []
    length = next_beginning(data, dialect, following) or length
    rest = length - chunk.start
    if stated <= dialect.preamble:
        note = Note("audio.note.no_length")
    elif header.byte_rate:
        seconds = {
            "stated": (stated - dialect.preamble) / header.byte_rate,
            "held": (rest - dialect.preamble) / header.byte_rate,
        }
        note = Note("audio.note.header_short", seconds)
    else:  # compressed in a way that only its decoder can measure
        return stated, length, []
    return _whole(rest, header, dialect), length, [note]


def _further(file: BinaryIO, dialect: Dialect, chunk: Chunk, end: int) -> list[tuple[int, int]]:
    """Further chunks of samples in the same container, of which decoders read one alone."""
    behind = walk(file, dialect, _aligned(chunk.stop, dialect, chunk), end)
    return [
        (other.start + dialect.preamble, min(other.stop, end))
        for other in behind
        if other.name == dialect.samples and other.size > dialect.preamble
    ]


def _whole(size: int, header: _Header, dialect: Dialect) -> int:
    """A size without the part of a sample at its end."""
    if not header.block or size <= dialect.preamble or header.coding in MPEG_IN_WAV:
        return size
    return dialect.preamble + (size - dialect.preamble) // header.block * header.block


def _promise(stated: int, rest: int, header: _Header, dialect: Dialect) -> Note:
    """What to say of a header that states more than there is."""
    if not header.byte_rate:
        return Note("audio.note.cut_off", lost=True)
    if (stated - rest) / header.byte_rate < WRONG_BY:
        return Note("audio.note.header_wrong")
    seconds = {
        "held": (rest - dialect.preamble) / header.byte_rate,
        "stated": (stated - dialect.preamble) / header.byte_rate,
    }
    return Note("audio.note.cut_off_at", seconds, lost=True)


def _repaired(
    file: BinaryIO,
    dialect: Dialect,
    origin: int,
    chunk: Chunk,
    header: _Header,
    size: int,
    unpadded: list[int],
) -> list[Piece]:
    """The container up to the end of its samples, with true sizes, and with missing padding."""
    patches = {chunk.header: _sized(dialect, file, chunk, size)}
    if header.long_size is not None:
        patches[origin + dialect.first + 16] = struct.pack("<Q", size)
    if header.frames_at is not None and header.block:
        frames = max(0, size - dialect.preamble) // header.block
        patches[header.frames_at] = struct.pack(">I", frames)
    return patched(origin, chunk.start + size, patches, dict.fromkeys(unpadded, b"\0"))


def _sized(dialect: Dialect, file: BinaryIO, chunk: Chunk, size: int) -> bytes:
    """A chunk's header with another size."""
    file.seek(chunk.header)
    name = file.read(dialect.names_length)
    if dialect.counts_header:
        size += dialect.header.size
    if dialect.header.size == 8:
        size = min(size, 0xFFFFFFFF)
    return dialect.header.pack(name, size)


def _aligned(position: int, dialect: Dialect, chunk: Chunk) -> int:
    """Where the chunk after another one stands, if that one ends at a position."""
    return position + -(position - chunk.header) % dialect.alignment


def _next_container(
    file: BinaryIO, dialect: Dialect, chunk: Chunk, position: int, length: int
) -> int | None:
    """Where another file of the same kind begins behind the samples' chunk and those after it."""
    aligned = _aligned(position, dialect, chunk)
    for start in (position, aligned):
        file.seek(start)
        head = file.read(16)
        if start + 16 <= length and dialect_of(head) is dialect:
            return start
    for following in walk(file, dialect, aligned, length):
        file.seek(following.header)
        if dialect_of(file.read(16)) is dialect:
            return following.header
    return None


def ends_well(file: BinaryIO, dialect: Dialect, samples: Chunk, position: int, length: int) -> bool:
    """Whether chunks, or padding, or nothing at all, fill the file from here to its end."""
    if length - position <= dialect.header.size or only_zeros(file, position, length):
        return True
    for start in {position, _aligned(position, dialect, samples)}:
        last = None
        for chunk in walk(file, dialect, start, length):
            last = chunk
            if chunk.size < 0 or not all(0x20 <= byte < 0x7F for byte in chunk.name):
                break
        else:
            if last is not None and last.stop <= length + 1:
                if length - last.stop <= dialect.header.size:
                    return True
                if only_zeros(file, last.stop, length):
                    return True
            elif last is not None and last.name in KNOWN_CHUNKS:
                return True
    return False
