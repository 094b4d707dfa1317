"""NIST SPHERE, the .wav and .sph of TIMIT and other corpora: a header of text, then samples."""

import mmap
import re

from frcrn_app.audio.types import Note

MAGIC = b"NIST_1A\n"

_LARGEST_HEADER = 1 << 16  # bytes
_COUNTS = (b"sample_count", b"channel_count", b"sample_n_bytes", b"sample_rate")


def promises(data: mmap.mmap) -> list[Note]:
    """A note where the header counts more samples than the file holds."""
    size = re.match(rb"NIST_1A\s+(\d{1,9})\s", data[:32])
    header = data[: min(int(size[1]), _LARGEST_HEADER)] if size else b""
    found = [re.search(rb"^%s -i (\d{1,15})\s" % name, header, re.MULTILINE) for name in _COUNTS]
    if size is None or None in found:
        return []
    count, channels, width, rate = (int(number[1]) for number in found if number)
    held = (len(data) - int(size[1])) / max(1, channels * width)
    if held >= count or not rate:
        return []
    seconds = {"held": max(0.0, held / rate), "stated": count / rate}
    return [Note("audio.note.cut_off_at", seconds, lost=True)]
