"""Matroska and WebM: whether the end of the recording is there."""

import mmap
import re

_SEGMENT = 0x18538067
_CLUSTER = b"\x1f\x43\xb6\x75"
# With its size of 1, 8 or another number of bytes, and the time stamp that comes first in it.
_CLUSTER_BEGINS = re.compile(
    _CLUSTER + rb"(?:[\x80-\xff]|\x01.{7}|[\x02-\x7f].{1,6}?)\xe7", re.DOTALL
)
_IN_CLUSTER = (0xE7, 0xA3, 0xA0, 0xA7, 0xAB, 0xAF, 0x5854, 0xEC, 0xBF)
_IN_SEGMENT = (0x1F43B675, 0x1C53BB6B, 0x1254C367, 0x1941A469, 0x1043A770, 0x1549A966)
_IN_SEGMENT += (0x114D9B74, 0x1654AE6B)
_MOST_ELEMENTS = 100_000


def is_cut_off(data: mmap.mmap, start: int) -> bool:
    """Whether the file that begins at `start` breaks off before its end."""
    end = _segment_end(data, start)
    return end is None or end > len(data) or _breaks_off(data, start, end or len(data))


def _segment_end(data: mmap.mmap, position: int) -> int | None:
    """End of the EBML segment, 0 where it is open (browsers record so), None within a header."""
    for _element in ("EBML header", "Segment"):
        name = _variable_length(data, position)
        size = name and _variable_length(data, position + name[1])
        if name is None or size is None:
            return None
        position += name[1] + size[1]
        width = size[1]
        value = size[0] - (1 << 7 * width)
        if name[0] == _SEGMENT:
            return 0 if value == (1 << 7 * width) - 1 else position + value
        position += value
    return 0


def _breaks_off(data: mmap.mmap, start: int, stop: int) -> bool:
    """Whether the last cluster is cut off or damaged: no time stamp tells of what is missing then.

    Its elements are followed one by one; decoders leave out all behind the first bad one.
    """
    position = data.rfind(_CLUSTER, start, stop)
    if position < 0 or not _CLUSTER_BEGINS.match(data, position):
        return False
    for _ in range(_MOST_ELEMENTS):
        if position >= stop:
            return position > stop
        name = _variable_length(data, position)
        size = name and _variable_length(data, position + name[1])
        if name is None or size is None or name[0] not in _IN_CLUSTER + _IN_SEGMENT:
            return data[position] != 0  # of zeros, which a full disk leaves, nothing is missing
        position += name[1] + size[1]
        if name[0] != _IN_SEGMENT[0]:  # a cluster is entered
            position += size[0] - (1 << 7 * size[1])
    return False


def _variable_length(data: mmap.mmap, position: int) -> tuple[int, int] | None:
    """An EBML number with its marker bit, and its width in bytes; None beyond the file."""
    if position >= len(data) or data[position] == 0:
        return None
    width = 9 - data[position].bit_length()
    raw = data[position : position + width]
    return (int.from_bytes(raw, "big"), width) if len(raw) == width else None
