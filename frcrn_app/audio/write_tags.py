"""What files say about their audio, written into another container.

Chunks of WAV and AIFF and the ID3 tags of MP3 go into a file of the same family byte for byte.
Otherwise names and texts go over, and cover art, as far as the container holds them.
"""

import base64
import io
import struct
from contextlib import suppress
from pathlib import Path

from frcrn_app.audio.chunks import AIFF, RIFF, Dialect
from frcrn_app.audio.tags import AIFF_TEXTS, INFO
from frcrn_app.audio.types import Note, Picture, Tags

_MUXERS = {"FLAC": "flac", "OGG": "ogg", "MP3": "mp3"}
_WITH_COVER = ("FLAC", "OGG", "MP3", "MP4")


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
            names = [name for name in names if name.encode() not in AIFF_TEXTS.values()]
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
            (AIFF_TEXTS[name], text.encode()) for name, text in tags.fields if name in AIFF_TEXTS
        ]
    entries = b""
    for name, text in tags.fields:
        if name in INFO:
            content = text.encode() + b"\0"
            entries += struct.pack("<4sI", INFO[name], len(content)) + content
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
