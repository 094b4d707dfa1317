"""AU of Sun and NeXT (.snd): one header that states the bytes of samples behind it."""

import mmap
import struct
from dataclasses import dataclass, field

from frcrn_app.audio.extents import UNKNOWN_SIZE_32, WRONG_BY
from frcrn_app.audio.types import Note
from frcrn_app.audio.view import Piece, patched

MAGICS = {b".snd": ">", b"dns.": "<"}  # to their byte order

_UNKNOWN = b"\xff\xff\xff\xff"  # a size: up to the end of the file
_HEADER = 24  # bytes; a comment may follow
# Bits of a sample by coding: linear, floating-point and companded PCM, G.721, G.722, G.723.
_BITS = {1: 8, 2: 8, 3: 16, 4: 24, 5: 32, 6: 32, 7: 64, 23: 4, 24: 4, 25: 3, 26: 5, 27: 8}


@dataclass
class Found:
    """Files that lie one after another: what a decoder is shown of each, and what they lack."""

    parts: list[list[Piece]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    rate: int | None = None  # Hz, of the first


def survey(data: mmap.mmap, most: int) -> Found:
    """Where each of joined files ends, and whether the last one is whole."""
    order, length = MAGICS[data[:4]], len(data)
    found, start = Found(), 0
    while length - start >= _HEADER:
        offset, size, coding, rate, channels = struct.unpack_from(f"{order}5I", data, start + 4)
        found.rate = found.rate or rate
        first = start + offset
        end = first + size
        if size > 0 and end > start and data[end : end + 4] == data[:4] and len(found.parts) < most:
            found.parts.append([(start, end)])
            start = end
            continue
        note = _promise(length - first, size, rate * channels * _BITS.get(coding, 0) / 8)
        if note is not None:
            found.notes.append(note)
            found.parts.append(patched(start, length, {start + 8: _UNKNOWN}))
        else:
            found.parts.append([(start, length)])
        return found
    return Found([*found.parts, [(start, length)]], [Note("audio.note.cut_off", lost=True)])


def _promise(held: int, size: int, byte_rate: float) -> Note | None:
    """What to say of a header that states `size` bytes where there are `held`."""
    if size >= UNKNOWN_SIZE_32 or size == held or (size == 0 and held <= 0):
        return None
    if size == 0:
        return Note("audio.note.no_length")
    if held <= 0 or not byte_rate:
        return Note("audio.note.cut_off", lost=True) if size > held else None
    seconds = {"held": held / byte_rate, "stated": size / byte_rate}
    if abs(size - held) / byte_rate < WRONG_BY:
        return Note("audio.note.header_wrong") if size > held else None
    if size > held:
        return Note("audio.note.cut_off_at", seconds, lost=True)
    return Note("audio.note.header_short", seconds)
