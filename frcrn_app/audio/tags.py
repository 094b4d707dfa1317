"""What files say about their audio: read from one container, written into another.

Chunks of WAV and AIFF and the ID3 tags of MP3 go into a file of the same family byte for byte.
Otherwise names and texts go over, and cover art, as far as the container holds them.
"""

import base64
import io
import struct
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from frcrn_app.audio.chunks import AIFF, RIFF, Dialect, dialect_of, walk
from frcrn_app.audio.decode import is_cover, open_container
from frcrn_app.audio.types import Chapter, Note, Picture, Tags

_OF_THE_SAMPLES = frozenset(  # what describes how samples are stored, and padding
    {
        *(b"fmt ", b"data", b"fact", b"PEAK", b"ds64", b"JUNK", b"junk", b"FLLR", b"PAD "),
        *(b"levl", b"COMM", b"SSND", b"FVER", b"wavl", b"slnt"),
    }
)
_LARGEST_CHUNK = 1 << 24  # bytes
_LARGEST_TAG = 1 << 26

_INFO = {  # of RIFF
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
_AIFF_TEXTS = {"title": b"NAME", "artist": b"AUTH", "copyright": b"(c) ", "comment": b"ANNO"}
_TECHNICAL = frozenset(  # written by muxers about their own work
    {
        *("encoder", "major_brand", "minor_version", "compatible_brands", "handler_name"),
        *("vendor_id", "duration", "bps", "number_of_frames", "number_of_bytes", "software"),
    }
)
_MUXERS = {"FLAC": "flac", "OGG": "ogg", "MP3": "mp3"}
_WITH_COVER = ("FLAC", "OGG", "MP3", "MP4")


def read_tags(file: BinaryIO, length: int) -> Tags:
    """What an open file says about its audio; nothing where that is damaged."""
    file.seek(0)
    head = file.read(16)
    dialect = dialect_of(head)
    with suppress(struct.error):
        if dialect in (RIFF, AIFF):
            return _of_chunks(file, dialect, length)
    if dialect is not None:
        return Tags()
    return _by_ffmpeg(file, length, head)


def _of_chunks(file: BinaryIO, dialect: Dialect, length: int) -> Tags:
    chunks: list[tuple[bytes, bytes]] = []
    fields: dict[str, str] = {}
    for chunk in walk(file, dialect, dialect.first, length):
        fits = 0 < chunk.size <= _LARGEST_CHUNK and chunk.stop <= length
        if chunk.name in _OF_THE_SAMPLES or not fits:
            continue
        file.seek(chunk.start)
        content = file.read(chunk.size)
        chunks.append((chunk.name, content))
        if chunk.name == b"LIST" and content[:4] == b"INFO":
            fields |= _info_fields(content)
        for name, code in _AIFF_TEXTS.items():
            if dialect is AIFF and chunk.name == code:
                fields[name] = _text(content)
        if chunk.name == b"bext":
            fields.setdefault("comment", _text(content[:256]))
            fields.setdefault("encoded_by", _text(content[256:288]))
    return Tags(
        tuple((name, text) for name, text in fields.items() if text),
        family=dialect.family,
        chunks=tuple(chunks),
    )


def _info_fields(content: bytes) -> dict[str, str]:
    names = {code: name for name, code in _INFO.items()}
    fields, position = {}, 4
    while position + 8 <= len(content):
        code, size = struct.unpack_from("<4sI", content, position)
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
        and (name.lower(), text) != ("language", "und")
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


def left_behind(tags: Tags, container: str) -> list[Note]:
    """A note that names what a container cannot take over."""
    names = []
    family = family_of(container)
    if tags.chunks and tags.family != family:
        names += [
            name.decode("latin-1").strip()
            for name, content in tags.chunks
            if tags.family != "ID3" and not (name == b"LIST" and content[:4] == b"INFO")
        ]
        if tags.family == "AIFF":
            names = [name for name in names if name.encode() not in _AIFF_TEXTS.values()]
    if tags.pictures and container not in _WITH_COVER:
        names.append("cover art")
    if tags.fields and container in ("W64", "AU", "CAF"):
        names += [name for name, _ in tags.fields]
    if not names:
        return []
    return [Note("audio.note.metadata_left", {"names": ", ".join(dict.fromkeys(names))})]


def family_of(container: str) -> str | None:
    """The kind of raw tags that a container takes."""
    if container in ("WAV", "WAVEX", "RF64"):
        return "RIFF"
    return {"AIFF": "AIFF", "MP3": "ID3"}.get(container)


def add_tags(path: Path, container: str, tags: Tags) -> None:
    """Write tags into a finished file of a container that has room for them."""
    if not tags:
        return
    family = family_of(container)
    if family in ("RIFF", "AIFF"):
        chunks = tags.chunks if tags.family == family else _made_chunks(tags, family)
        _append_chunks(path, RIFF if family == "RIFF" else AIFF, chunks)
    elif family == "ID3" and tags.family == "ID3":
        raw = dict(tags.chunks)
        _rewrite(path, before=raw.get(b"ID3", b""), after=raw.get(b"TAG", b""))
    elif container in _MUXERS:
        _remux(path, container, tags)


def _made_chunks(tags: Tags, family: str) -> list[tuple[bytes, bytes]]:
    if family == "AIFF":
        return [
            (_AIFF_TEXTS[name], text.encode()) for name, text in tags.fields if name in _AIFF_TEXTS
        ]
    entries = b""
    for name, text in tags.fields:
        if name in _INFO:
            content = text.encode() + b"\0"
            entries += struct.pack("<4sI", _INFO[name], len(content)) + content
            entries += b"\0" * (len(content) % 2)
    return [(b"LIST", b"INFO" + entries)] if entries else []


def _append_chunks(path: Path, dialect: Dialect, chunks) -> None:
    """Put chunks behind the samples, and count them in the file's size."""
    if not chunks:
        return
    with path.open("r+b") as file:
        magic = file.read(4)
        end = file.seek(0, io.SEEK_END)
        file.write(b"\0" * (end % 2))
        for name, content in chunks:
            file.write(dialect.header.pack(name, len(content)) + content)
            file.write(b"\0" * (len(content) % 2))
        size = file.tell() - 8
        if magic == b"RF64":
            file.seek(20)  # the size in the ds64 chunk, which stands first
            file.write(struct.pack("<Q", size))
        else:
            file.seek(4)
            file.write(struct.pack("<I" if dialect is RIFF else ">I", size))


def _rewrite(path: Path, before: bytes, after: bytes) -> None:
    content = path.read_bytes()
    path.write_bytes(before + content + after)


def _remux(path: Path, container: str, tags: Tags) -> None:
    """Copy the coded audio into a file with tags."""
    import av
    import av.error

    tagged = path.with_name(path.name + "t")
    try:
        with (
            path.open("rb") as source,
            tagged.open("wb") as target,
            av.open(source, "r") as plain,
            av.open(target, "w", format=_MUXERS[container]) as output,
        ):
            audio = plain.streams.audio[0]
            stream = output.add_stream_from_template(audio)
            add_to_output(output, stream, container, tags)
            for packet in plain.demux(audio):
                if packet.dts is not None:
                    packet.stream = stream
                    output.mux(packet)
        tagged.replace(path)
    finally:
        tagged.unlink(missing_ok=True)


def add_to_output(output, stream, container: str, tags: Tags) -> None:
    """Tags into an open output container, whose streams must all be there, and nothing else yet.

    Args:
        output: PyAV's container.
        stream: its first audio track.
        container: what it is.
    """
    output.set_chapters(
        [chapter.for_ffmpeg(number) for number, chapter in enumerate(tags.chapters)]
    )
    if container == "OGG":
        stream.metadata.update(dict(tags.fields))
        if tags.pictures:
            stream.metadata["METADATA_BLOCK_PICTURE"] = _flac_picture(tags.pictures[0])
        return
    output.metadata.update(dict(tags.fields))
    if container in _WITH_COVER:
        _add_covers(output, tags)


def _add_covers(output, tags: Tags) -> None:
    import av
    import av.error
    from av.stream import Disposition

    packets = []
    for picture in tags.pictures:
        demuxer = "png_pipe" if picture.mime == "image/png" else "jpeg_pipe"
        with (
            suppress(av.error.FFmpegError),
            av.open(io.BytesIO(picture.data), "r", format=demuxer) as image,
        ):
            stream = output.add_stream_from_template(image.streams.video[0])
            stream.disposition = Disposition.attached_pic
            packet = next(packet for packet in image.demux() if packet.size)
            packet.stream = stream
            packets.append(packet)
    for packet in packets:
        output.mux(packet)


def _flac_picture(picture: Picture) -> str:
    """A FLAC picture block (front cover) in Base64, as Ogg comments hold it."""
    mime = picture.mime.encode()
    block = struct.pack(">II", 3, len(mime)) + mime + struct.pack(">I", 0)
    block += struct.pack(">4II", 0, 0, 0, 0, len(picture.data)) + picture.data
    return base64.b64encode(block).decode()
