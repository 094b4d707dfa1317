"""Streams of packets without a header for all: whether the last packet is whole.

That it is not is all that such a file can tell of a lost end.
"""

import mmap
from collections.abc import Iterator

_MOST_PACKETS = 20_000_000
_TRANSPORT_PACKETS = ((188, 0), (192, 4), (204, 0))  # bytes, and those before the sync byte
_SYNC = 0x47

_PACK, _LAST_CODE = 0xBA, 0xB9

_AC3_SYNC = b"\x0b\x77"
# kbit/s of AC-3 by half its code (ATSC A/52, table 5.18)
_AC3_RATES = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576)
_AC3_RATES += (640,)
_AC3_WORDS = {
    0: 2.0,
    1: 320 / 147,
    2: 3.0,
}  # of 16 bits for each kbit/s, by code of 48, 44.1, 32 kHz


def is_cut_off(data: mmap.mmap) -> bool:
    """Whether a transport or program stream or AC-3 breaks off within a packet."""
    for size, before in _TRANSPORT_PACKETS:
        if len(data) > 2 * size and data[before] == data[before + size] == _SYNC:
            return len(data) % size != 0
    for magic, packets in _WALKS.items():
        if data[: len(magic)] == magic:
            return max(packets(data), default=0) > len(data)
    return False


def _program_packets(data: mmap.mmap) -> Iterator[int]:
    """Where each packet of an MPEG program stream ends."""
    position = 0
    for _ in range(_MOST_PACKETS):
        head = data[position : position + 14]
        if len(head) < 6 or head[:3] != b"\0\0\1" or head[3] < _LAST_CODE:
            return
        if head[3] == _LAST_CODE:
            position += 4
        elif head[3] != _PACK:
            position += 6 + int.from_bytes(head[4:6], "big")
        elif head[4] & 0xC0 == 0x40:  # MPEG-2
            position += 14 + (head[13] & 7 if len(head) > 13 else 0)
        else:
            position += 12
        yield position


def _ac3_frames(data: mmap.mmap) -> Iterator[int]:
    """Where each frame of AC-3 and E-AC-3 ends."""
    position = 0
    for _ in range(_MOST_PACKETS):
        head = data[position : position + 6]
        if len(head) < 6 or head[:2] != _AC3_SYNC:
            return
        if head[5] >> 3 > 10:  # E-AC-3
            position += 2 * (((head[2] & 7) << 8 | head[3]) + 1)
        else:
            rate, code = head[4] >> 6, head[4] & 0x3F
            if rate not in _AC3_WORDS or code // 2 >= len(_AC3_RATES):
                return
            words = int(_AC3_RATES[code // 2] * _AC3_WORDS[rate])
            position += 2 * (words + (code & 1 if rate == 1 else 0))
        yield position


_WALKS = {
    b"\0\0\1\xba": _program_packets,
    _AC3_SYNC: _ac3_frames,
}
