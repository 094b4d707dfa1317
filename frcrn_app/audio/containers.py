"""What a file holds, before a decoder touches it.

Decoders forgive: libsndfile shortens a WAV whose end is missing, and of joined files both read the
first alone. For a cleaned recording that would be silent loss, so containers are walked here,
header by header: how many files lie in this one, where each one's samples really end, and what its
header promised.
"""

import mmap
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from frcrn_app.audio import au, matroska, mp3, ogg, older, raw_aac, sphere, streams, voc
from frcrn_app.audio.beginnings import beginnings
from frcrn_app.audio.chunks import Dialect, dialect_of
from frcrn_app.audio.extents import MPEG_IN_WAV, find_samples
from frcrn_app.audio.kinds import AMR, EBML, FLAC, MP4_BOXES
from frcrn_app.audio.types import Note
from frcrn_app.audio.view import Piece, patched

_OLDER = {older.ASF: older.asf, b"RIFF": older.avi, older.FLV: older.flv}
_MOST_BOXES = 100_000
# A box that names the channels. Where their order is a rare one, PyAV 17.1 to 18.1 frees its memory
# twice; the samples are the same without it.
_CHANNELS = re.compile(rb"\0\0..chan\0{4}", re.DOTALL)
_MOST_PARTS = 1_000  # files joined into one; of more, the rest is taken for the last one's
_OGG_BEGINS = b"OggS\0\2"
_JUNK = 1 << 16  # bytes before it that are passed over
_BEGINS = re.compile(
    rb"RIFF.{4}WAVE|FORM.{4}AIF[FC]|fLaC[\0\x80]\0\0\x22|\x1a\x45\xdf\xa3.{1,60}?(?:webm|matroska)"
    rb"|\0\0\0.ftyp[0-9A-Za-z]|#!AMR(?:-WB)?\n",
    re.DOTALL,
)
_MP3_HEADS = (b"ID3", b"TAG", b"APETAGEX", b"\0\0\0")
_ESTIMATED = 1.0  # s
_MOSTLY = 0.5  # of a file's bytes in MP3 frames make it one


@dataclass(frozen=True)
class Part:
    """One file of those that a file consists of: mostly the only one.

    Args:
        pieces: what a decoder is shown.
        libsndfile: whether libsndfile reads it to its end, or FFmpeg does.
        container, subtype: where the decoder would name them differently.
        seamless: its frames follow each other, so that a gap is damage.
        setup: how to decode AAC without any framing, which neither decoder reads.
    """

    pieces: list[Piece]
    libsndfile: bool = True
    container: str | None = None
    subtype: str | None = None
    seamless: bool = False
    setup: raw_aac.Setup | None = None


@dataclass
class Survey:
    """What a file holds."""

    parts: list[Part]
    notes: list[Note] = field(default_factory=list)
    rate: int | None = None  # Hz, where the header states one

    @property
    def cut_off(self) -> bool:
        return any(note.code.startswith("audio.note.cut_off") for note in self.notes)


def survey(file: BinaryIO, data: mmap.mmap, length: int) -> Survey:
    """Split a file into parts, and note what its headers promise and it lacks.

    Every walk over headers advances or ends.
    """
    head = data[:16]
    dialect = dialect_of(head)
    if dialect is not None:
        return _chunked(file, data, dialect, length)
    if head[:4] in au.MAGICS:
        found = au.survey(data, _MOST_PARTS)
        return Survey([Part(pieces) for pieces in found.parts], found.notes, found.rate)
    if head.startswith(voc.MAGIC[:16]):
        blocks = voc.survey(data, _MOST_PARTS)
        parts = [Part(pieces, libsndfile=False) for pieces in blocks.parts]
        return Survey(parts, blocks.notes)
    if head.startswith(sphere.MAGIC):
        return Survey([Part([(0, length)])], sphere.promises(data))
    if head.startswith(b"OggS"):
        return _ogg(data)
    if head.startswith(EBML):
        return _matroska(data, length)
    if head[4:8] in MP4_BOXES:
        return _mp4(data, length)
    for magic in AMR:
        if head.startswith(magic):
            return Survey(_parts(_found(data, magic), length))
    for magic, walk in _OLDER.items():
        if head.startswith(magic):
            starts, end, notes = walk(data, _MOST_PARTS)
            return Survey(_parts(starts, end), notes)
    flac = data.find(FLAC, 0, 1 << 24) if head.startswith((FLAC, b"ID3")) else -1
    if flac >= 0 and _is_stream_info(data, flac):
        return _flac(data, length)
    if head.startswith(_MP3_HEADS) or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"):
        found = _mp3(data, 0, length)
        if found is not None:
            return found
    if data.find(_OGG_BEGINS, 0, _JUNK) > 0:
        return _ogg(data)
    start = _behind_junk(data, length)
    if start:
        return Survey([Part([(start, length)])])
    notes = [Note("audio.note.cut_off", lost=True)] if streams.is_cut_off(data) else []
    return Survey(_parts(beginnings(data, _MOST_PARTS), length), notes)


def _behind_junk(data: mmap.mmap, length: int) -> int:
    """Where a file begins behind a tag or what a broken download put before it; 0 if it does not.

    A decoder looks for its magic at the start alone.
    """
    position = mp3.skip_tags(data, 0, length)
    found = _BEGINS.search(data, position, min(length, position + _JUNK))
    return found.start() if found else 0


def _chunked(file: BinaryIO, data: mmap.mmap, dialect: Dialect, length: int) -> Survey:
    found = Survey([])
    origin = 0
    while origin < length and len(found.parts) < _MOST_PARTS:
        samples = find_samples(file, data, dialect, origin, length)
        if samples is None:
            break
        found.notes += samples.notes
        if found.rate is None:
            found.rate = samples.rate
        inside = None
        if samples.coding in MPEG_IN_WAV:
            inside = _mp3(data, samples.start, samples.stop)
        if inside is not None:
            # Frames count, not what the header estimates from them, unless much is missing.
            found.notes = [note for note in found.notes if note not in samples.notes]
            found.notes += [note for note in samples.notes if _is_much(note)] or inside.notes
            found.parts += [replace(part, container="WAV") for part in inside.parts]
        else:
            head = data[samples.start : samples.start + 2]
            setup = raw_aac.setup_of(samples.coding, samples.extra, samples.frames, head)
            if setup is not None:
                found.parts.append(Part([(samples.start, samples.stop)], setup=setup))
            else:
                found.parts.append(Part(samples.pieces))
        if samples.end <= origin:
            break
        origin = samples.end
    if not found.parts:
        found.parts = [Part([(0, length)])]
        found.notes = [Note("audio.note.cut_off", lost=True)]
    return found


def _is_much(note: Note) -> bool:
    """Whether more is missing than an estimate may be wrong by."""
    if note.code == "audio.note.cut_off_at":
        missing = float(str(note.fields["stated"])) - float(str(note.fields["held"]))
        return missing > _ESTIMATED
    return note.lost


def _ogg(data: mmap.mmap) -> Survey:
    links, notes = ogg.survey(data, _MOST_PARTS)
    parts = [
        Part([(link.start, link.stop)], libsndfile=link.plain, seamless=link.holes)
        for link in links
    ]
    return Survey(parts or [Part([(0, len(data))], libsndfile=False)], notes)


def _is_stream_info(data: mmap.mmap, position: int) -> bool:
    block = data[position + 4 : position + 8]
    return block in (b"\0\0\0\x22", b"\x80\0\0\x22")


def _flac(data: mmap.mmap, length: int) -> Survey:
    starts = [start for start in _found(data, FLAC) if _is_stream_info(data, start)]
    parts = []
    for start, stop in zip(starts, [*starts[1:], length], strict=True):
        # 20 bits of rate, 3 of channels, 5 of bits a sample, 36 of length
        fields = int.from_bytes(data[start + 18 : start + 26], "big")
        bits = (fields >> 36 & 31) + 1
        subtype = "PCM_S8" if bits == 8 else "PCM_16" if bits <= 16 else "PCM_24"
        begin = start if parts else 0
        parts.append(Part([(begin, stop)], libsndfile=False, subtype=subtype, seamless=True))
    return Survey(parts)


def _mp3(data: mmap.mmap, start: int, stop: int) -> Survey | None:
    found = mp3.survey(data, start, stop, _MOST_PARTS)
    if found is None:
        return None
    parts, notes = found
    if sum(part.stop - part.start for part in parts) < _MOSTLY * (stop - parts[0].start):
        return None
    # Without a count, libsndfile takes the first frame's bit rate for all, and stops too early; of
    # damaged files it prints much.
    return Survey(
        [
            Part([(part.start, part.stop)], libsndfile=part.counted is not None and not notes)
            for part in parts
        ],
        notes,
    )


def _mp4(data: mmap.mmap, length: int) -> Survey:
    """Walk the boxes of MP4 and QuickTime; another header after a whole file begins a new part."""
    starts, has_moov, position, end = [0], False, 0, 0
    patches: dict[int, bytes] = {}
    for _ in range(_MOST_BOXES):
        if position + 8 > length:
            break
        size, name = struct.unpack_from(">I4s", data, position)
        if size == 1 and position + 16 <= length:
            size = struct.unpack_from(">Q", data, position + 8)[0]
        if name == b"ftyp" and has_moov:
            starts.append(position)
            has_moov = False
        has_moov = has_moov or name == b"moov"
        if name == b"moov":
            stop = position + size if size else length
            named = _CHANNELS.finditer(data, position, min(stop, length))
            patches |= {found.start() + 4: b"free" for found in named}
        if size == 0:  # up to the end
            end = length
            break
        position += max(8, size)
        end = position
    notes = [Note("audio.note.cut_off", lost=True)] if end > length else []
    return Survey(_parts(starts, length, patches), notes)


def _matroska(data: mmap.mmap, length: int) -> Survey:
    starts = [
        start
        for start in _found(data, EBML)
        if any(kind in data[start : start + 80] for kind in (b"webm", b"matroska"))
    ] or [0]
    starts[0] = 0
    is_cut = matroska.is_cut_off(data, starts[-1])
    return Survey(_parts(starts, length), [Note("audio.note.cut_off", lost=True)] if is_cut else [])


def _parts(starts: list[int], length: int, patches: Mapping[int, bytes] = {}) -> list[Part]:
    """Parts for FFmpeg, from each start to the next, with bytes at some offsets replaced."""
    return [
        Part(
            patched(start, stop, {at: patches[at] for at in patches if start <= at < stop}),
            libsndfile=False,
        )
        for start, stop in zip(starts, [*starts[1:], length], strict=True)
    ]


def _found(data: mmap.mmap, magic: bytes) -> list[int]:
    """Where a magic stands."""
    starts, position = [], data.find(magic)
    while position >= 0 and len(starts) < _MOST_PARTS:
        starts.append(position)
        position = data.find(magic, position + len(magic))
    return starts
