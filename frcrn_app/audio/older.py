"""ASF (Windows Media), AVI and FLV: where one file ends, and whether it is whole.

Their demuxers stop without a word at the end of the first of joined files, and where a file breaks
off.
"""

import mmap
import struct
from collections.abc import Iterator

from frcrn_app.audio.types import Note

ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")  # of the header object
FLV = b"FLV\x01"

_FLV_HEADER = b"\0\0\0\x09\0\0\0\0"  # its size, and that of no tag before the first
_MOST_OBJECTS = 1_000
_MOST_TAGS = 10_000_000

Found = tuple[list[int], int, list[Note]]  # where files begin, the last one's end, what it lacks


def asf(data: mmap.mmap, most: int) -> Found:
    """Objects of 16 bytes of name and 8 of size, of which the data object is the long one."""
    starts = list(_occurrences(data, ASF, most))
    position = starts[-1]
    for _ in range(_MOST_OBJECTS):
        if position + 24 > len(data):
            break
        size = struct.unpack_from("<Q", data, position + 16)[0]
        if size < 24:  # a live stream does not know it
            break
        position += size
        if position > len(data):
            return starts, len(data), [Note("audio.note.cut_off", lost=True)]
    return starts, len(data), []


def avi(data: mmap.mmap, most: int) -> Found:
    """RIFF chunks, of which those named AVIX go on what AVI began. QCP is such a chunk as well."""
    starts, position = [], 0
    while position + 12 <= len(data) and len(starts) < most:
        name, size, kind = struct.unpack_from("<4sI4s", data, position)
        if name != b"RIFF" or kind not in (b"AVI ", b"AVIX", b"QLCM"):
            break
        if kind != b"AVIX":
            starts.append(position)
        position += 8 + size + size % 2
        if not size:  # the recorder died
            break
    is_cut = position > len(data) + 1
    return starts or [0], len(data), [Note("audio.note.cut_off", lost=True)] if is_cut else []


def flv(data: mmap.mmap, most: int) -> Found:
    """Tags of 11 bytes, their content, and 4 bytes that repeat their size."""
    starts = [
        start
        for start in _occurrences(data, FLV, most)
        if data[start + 5 : start + 13] == _FLV_HEADER
    ] or [0]
    position = starts[-1] + 13
    for _ in range(_MOST_TAGS):
        if position + 11 > len(data):
            break
        position += 15 + int.from_bytes(data[position + 1 : position + 4], "big")
    # The last size may be missing; a few bytes more are a tag's beginning, which FFmpeg takes for
    # a track of its own.
    is_cut = position > len(data) + 4 or position < len(data)
    end = min(position, len(data))
    return starts, end, [Note("audio.note.cut_off", lost=True)] if is_cut else []


def _occurrences(data: mmap.mmap, magic: bytes, most: int) -> Iterator[int]:
    position = data.find(magic)
    while position >= 0 and most:
        yield position
        most -= 1
        position = data.find(magic, position + len(magic))
