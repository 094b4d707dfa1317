"""Containers that FFmpeg alone reads: where each of joined files begins.

Their demuxers stop at the end of the first, or take what follows for damage.
"""

import mmap
import re
from collections.abc import Iterator

# What a file begins with, long enough not to occur by chance inside another one.
_BEGINNINGS = (
    rb"TTA1[\x01\x02]\x00[\x01-\x08]\x00[\x08\x10\x18]\x00",  # True Audio: coding, channels, bits
    rb"wvpk.{4}[\x02-\x10]\x04\x00.{5}\x00{4}",  # WavPack: version, the block at sample 0
    rb"MAC .\x0f",  # Monkey's Audio: version 3.84 to 4.09
    rb"MPCKSH",  # Musepack 8
    rb"tBaK\x01",  # TAK
    rb"DSD \x1c\x00{7}",
    rb"\.RMF\x00{3}\x12",  # RealMedia
    rb"nut/multimedia container\x00",
    rb"\xb7\xd8\x00\x20\x37\x49\xda\x11\xa6\x4e\x00\x07\xe9\x5e\xad\x8d",  # WTV
)
_PATTERNS = [re.compile(pattern, re.DOTALL) for pattern in _BEGINNINGS]
_LONGEST = 32  # bytes of a beginning

_WAVPACK_FLAGS = 24  # their offset in a block
_FIRST_OF_SAMPLE = 0x800  # not one of further channels


def beginnings(data: mmap.mmap, most: int) -> list[int]:
    """Where files of the first one's kind begin; [0] for containers of other kinds."""
    head = data[:_LONGEST]
    for pattern in _PATTERNS:
        if pattern.match(head):
            return [0, *_later(data, pattern, most - 1)]
    return [0]


def _later(data: mmap.mmap, pattern: re.Pattern[bytes], most: int) -> Iterator[int]:
    for found in pattern.finditer(data, 1):
        start = found.start()
        if most <= 0:
            return
        flags = data[start + _WAVPACK_FLAGS : start + _WAVPACK_FLAGS + 4]
        further_channels = int.from_bytes(flags, "little") & _FIRST_OF_SAMPLE == 0
        if not (data[start : start + 4] == b"wvpk" and further_channels):
            most -= 1
            yield start
