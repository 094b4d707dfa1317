"""What a sound file's container says about itself, before a decoder touches it.

Decoders forgive: libsndfile shortens a WAV whose end is missing, FFmpeg skips what it cannot read.
For a cleaned recording that would be silent loss, so the containers that state their size are
walked here, header by header, without reading their sound.
"""

import os
import struct
from pathlib import Path
from typing import BinaryIO

# Sizes from here on are what programs write into a 32-bit field when they stream to a pipe and do
# not know the end yet (0x7FFFF000 by sox, 0x80000000 by arecord, 0xFFFFFFFF by ffmpeg).
UNKNOWN_SIZE_32 = 0x7FFFF000

_PICTURES_AND_DOCUMENTS = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
)


def foreign_kind(path: Path) -> str | None:
    """Return what a file is, such as "a PNG picture", where its first bytes rule out sound."""
    with path.open("rb") as file:
        head = file.read(16)
    for magic, kind in _PICTURES_AND_DOCUMENTS:
        if head.lower().startswith(magic.lower()):
            return kind
    return None


def is_cut_off(path: Path) -> bool:
    """Whether the container promises bytes beyond the file's end.

    Knows RIFF, RF64, BW64, AIFF, AU, CAF, Wave64, MP4 and QuickTime, Matroska and WebM, and Ogg.
    False for formats without a stated size (raw AAC, MP3, AMR) and for unfinished recordings whose
    writer left the size open.
    """
    length = os.path.getsize(path)
    with path.open("rb") as file:
        head = file.read(16)
        try:
            return _promised_end(file, head, length) > length
        except struct.error:  # the file ends within a header
            return True


def stated_sample_rate(path: Path) -> int | None:
    """Return the sample rate in Hz that a RIFF header states, None for other or broken files."""
    with path.open("rb") as file:
        head = file.read(16)
        if head[:4] not in (b"RIFF", b"RF64", b"BW64"):
            return None
        position = 12
        while True:
            file.seek(position)
            chunk = file.read(16)
            if len(chunk) < 16:
                return None
            name, size = struct.unpack_from("<4sI", chunk)
            if name == b"fmt ":
                return struct.unpack_from("<I", chunk, 12)[0]
            position += 8 + size + size % 2


def _promised_end(file: BinaryIO, head: bytes, length: int) -> int:
    magic = head[:4]
    if magic in (b"RIFF", b"RF64", b"BW64"):
        return _iff_end(file, length, "<", b"data")
    if magic == b"RIFX":
        return _iff_end(file, length, ">", b"data")
    if magic == b"FORM":
        return _iff_end(file, length, ">", b"SSND")
    if magic == b".snd":
        offset, size = struct.unpack_from(">II", head, 4)
        return 0 if size >= UNKNOWN_SIZE_32 else offset + size
    if magic == b"caff":
        return _caf_end(file, length)
    if head.startswith(b"riff\x2e\x91\xcf\x11"):
        return _wave64_end(file, length)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return _mp4_end(file, length)
    if magic == b"\x1a\x45\xdf\xa3":
        return _matroska_end(file)
    if magic == b"OggS":
        return _ogg_end(file, length)
    return 0


def _iff_end(file: BinaryIO, length: int, order: str, sound: bytes) -> int:
    """End of the sound chunk of a RIFF or AIFF file; sizes are 32 bits, 64 in a `ds64` chunk."""
    position, long_size = 12, None
    while position + 8 <= length:
        file.seek(position)
        name, size = struct.unpack(order + "4sI", file.read(8))
        if name == b"ds64":
            long_size = struct.unpack("<QQ", file.read(16))[1]
        if name == sound:
            if size >= UNKNOWN_SIZE_32:
                size = long_size if long_size is not None else 0
            return position + 8 + size
        position += 8 + size + size % 2
    return position


def _caf_end(file: BinaryIO, length: int) -> int:
    position = 8
    while position + 12 <= length:
        file.seek(position)
        name, size = struct.unpack(">4sq", file.read(12))
        if name == b"data":
            return position + 12 + max(size, 0)  # -1: up to the end
        position += 12 + size
    return position


def _wave64_end(file: BinaryIO, length: int) -> int:
    position = 40  # riff GUID, size, wave GUID
    while position + 24 <= length:
        file.seek(position)
        name, size = struct.unpack("<4s12xQ", file.read(24))  # the size counts these 24 bytes
        if name == b"data":
            return position + size
        position += max(24, (size + 7) // 8 * 8)
    return position


def _mp4_end(file: BinaryIO, length: int) -> int:
    position = 0
    while position + 8 <= length:
        file.seek(position)
        size, _name = struct.unpack(">I4s", file.read(8))
        if size == 0:  # up to the end
            return length
        if size == 1:
            size = struct.unpack(">Q", file.read(8))[0]
        position += max(8, size)
    return position


def _matroska_end(file: BinaryIO) -> int:
    """End of the EBML segment; browsers that record live leave it open (all bits set)."""

    def variable_length_integer(keep_marker: bool) -> tuple[int, bool]:
        first = file.read(1)[0]
        width = 9 - first.bit_length()
        raw = bytes([first]) + file.read(width - 1)
        value = int.from_bytes(raw, "big")
        marker = 1 << (7 * width)
        is_open = value == 2 * marker - 1
        return (value if keep_marker else value - marker), is_open

    file.seek(0)
    try:
        for _element in ("EBML header", "Segment"):
            name, _ = variable_length_integer(keep_marker=True)
            size, is_open = variable_length_integer(keep_marker=False)
            if name == 0x18538067:  # Segment
                return 0 if is_open else file.tell() + size
            file.seek(size, os.SEEK_CUR)
    except IndexError as error:
        raise struct.error("the file ends within an element") from error
    return 0


def _ogg_end(file: BinaryIO, length: int) -> int:
    """End of the last page, whose header lists the sizes of its segments."""
    longest_page = 27 + 255 + 255 * 255
    start = max(0, length - longest_page)
    file.seek(start)
    tail = file.read()
    page = tail.rfind(b"OggS\x00")
    if page < 0:
        return 0
    header = tail[page : page + 27 + 255]
    if len(header) < 27 or len(header) < 27 + header[26]:
        return length + 1
    return start + page + 27 + header[26] + sum(header[27 : 27 + header[26]])
