"""What files say about their audio, read; `write_tags` writes it into another file."""

import struct
from contextlib import suppress
from typing import BinaryIO

from frcrn_app.audio.chunks import AIFF, CAF, RIFX, SVX, Chunk, Dialect, dialect_of, walk
from frcrn_app.audio.decode import is_cover, open_container
from frcrn_app.audio.extents import ends_well
from frcrn_app.audio.types import Chapter, Picture, Tags

_OF_THE_SAMPLES = frozenset(  # what describes how samples are stored, and padding
    {
        *(b"fmt ", b"data", b"fact", b"PEAK", b"ds64", b"JUNK", b"junk", b"FLLR", b"PAD "),
        *(b"levl", b"COMM", b"SSND", b"FVER", b"wavl", b"slnt", b"VHDR", b"BODY"),
        *(b"desc", b"pakt", b"chan", b"kuki", b"free", b"peak", b"ovvw"),  # of CAF
    }
)
_LARGEST_CHUNK = 1 << 24  # bytes
_LARGEST_TAG = 1 << 26

INFO = {  # of RIFF
    "title": b"INAM",
    "artist": b"IART",
    "album": b"IPRD",
    "date": b"ICRD",
    "genre": b"IGNR",
    "comment": b"ICMT",
    "copyright": b"ICOP",
    "track": b"IPRT",
    "language": b"ILNG",
    "encoded_by": b"ITCH",
    "keywords": b"IKEY",
    "subject": b"ISBJ",
}
AIFF_TEXTS = {"title": b"NAME", "artist": b"AUTH", "copyright": b"(c) ", "comment": b"ANNO"}
_TECHNICAL = frozenset(  # written by muxers about their own work
    {
        *("encoder", "major_brand", "minor_version", "compatible_brands", "handler_name"),
        *("vendor_id", "duration", "bps", "number_of_frames", "number_of_bytes", "software"),
    }
)


def read_tags(file: BinaryIO, length: int) -> Tags:
    """What an open file says about its audio; nothing where that is damaged."""
    file.seek(0)
    head = file.read(16)
    dialect = dialect_of(head)
    if dialect is None:
        return _by_ffmpeg(file, length, head)
    with suppress(struct.error):
        return _of_chunks(file, dialect, length)
    return Tags()


def _of_chunks(file: BinaryIO, dialect: Dialect, length: int) -> Tags:
    chunks: list[tuple[bytes, bytes]] = []
    fields: dict[str, str] = {}
    for chunk in walk(file, dialect, dialect.first, length):
        if _nothing_follows(file, dialect, chunk, length):
            break
        fits = 0 < chunk.size <= _LARGEST_CHUNK and chunk.stop <= length
        if chunk.name in _OF_THE_SAMPLES or not fits:
            continue
        file.seek(chunk.header)
        whole_name = file.read(dialect.names_length)
        file.seek(chunk.start)
        content = file.read(chunk.size)
        chunks.append((whole_name, content))
        if chunk.name == b"LIST" and content[:4] == b"INFO":
            fields |= _info_fields(content, ">" if dialect is RIFX else "<")
        if dialect is CAF and chunk.name == b"info":
            fields |= _caf_fields(content)
        for name, code in AIFF_TEXTS.items():
            if dialect in (AIFF, SVX) and chunk.name == code:
                fields[name] = _text(content)
        if chunk.name == b"bext":
            fields.setdefault("comment", _text(content[:256]))
            fields.setdefault("encoded_by", _text(content[256:288]))
    return Tags(
        tuple((name, text) for name, text in fields.items() if text),
        family=dialect.family,
        chunks=tuple(chunks),
    )


def _nothing_follows(file: BinaryIO, dialect: Dialect, chunk: Chunk, length: int) -> bool:
    """Whether this is no chunk of the file, or samples whose size is wrong: the rest is samples."""
    file.seek(chunk.header)
    if dialect_of(file.read(16)) is dialect:  # another file, joined to this one
        return True
    is_samples = chunk.name == dialect.samples
    return is_samples and not (chunk.size and ends_well(file, dialect, chunk, chunk.stop, length))


def _caf_fields(content: bytes) -> dict[str, str]:
    """Names and texts of a CAF's information, each behind the other, behind their number."""
    texts = [text.decode("utf-8", "replace") for text in content[4:].split(b"\0")]
    return {name.lower(): text for name, text in zip(texts[::2], texts[1::2], strict=False) if name}


def _info_fields(content: bytes, order: str) -> dict[str, str]:
    names = {code: name for name, code in INFO.items()}
    fields, position = {}, 4
    while position + 8 <= len(content):
        code, size = struct.unpack_from(f"{order}4sI", content, position)
        if code in names:
            fields[names[code]] = _text(content[position + 8 : position + 8 + size])
        position += 8 + size + size % 2
    return fields


def _text(content: bytes) -> str:
    content = content.split(b"\0")[0]
    try:
        return content.decode("utf-8").strip()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace").strip()


def _by_ffmpeg(file: BinaryIO, length: int, head: bytes) -> Tags:
    import av
    import av.error

    try:
        with open_container(file, [(0, length)]) as container:
            texts = dict(container.metadata)
            if container.streams.audio:
                texts |= container.streams.audio[0].metadata
            covers = [stream for stream in container.streams.video if is_cover(stream)]
            pictures = [_picture(container, stream) for stream in covers]
            chapters = [
                Chapter(
                    float(chapter["start"] * base),
                    float(chapter["end"] * base),
                    chapter["metadata"].get("title", ""),
                )
                for chapter in container.chapters()
                if (base := chapter["time_base"]) is not None
            ]
    except av.error.FFmpegError:
        return Tags()
    fields = {
        name.lower(): text
        for name, text in texts.items()
        if name.lower() not in _TECHNICAL
        and not name.startswith(("_", "id3v2_priv"))
        and (name.lower(), text) not in (("language", "und"), ("name", texts.get("title")))
    }
    raw = _id3(file, length, head)
    return Tags(
        tuple(fields.items()),
        tuple(picture for picture in pictures if picture is not None),
        tuple(chapters),
        "ID3" if raw else None,
        raw,
    )


def _picture(container, stream) -> Picture | None:
    for packet in container.demux(stream):
        if packet.size:
            name = stream.codec_context.name if stream.codec_context else ""
            return Picture({"png": "image/png"}.get(name, "image/jpeg"), bytes(packet))
    return None


def _id3(file: BinaryIO, length: int, head: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """ID3 tags at either end, byte for byte."""
    tags = []
    if head.startswith(b"ID3"):
        size = 10 + sum(
            (byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False)
        )
        if size <= min(length, _LARGEST_TAG):
            file.seek(0)
            tags.append((b"ID3", file.read(size)))
    if length > 128:
        file.seek(length - 128)
        tail = file.read(128)
        if tail.startswith(b"TAG"):
            tags.append((b"TAG", tail))
    return tuple(tags)
