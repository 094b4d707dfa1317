"""What files say about their audio, written into another container.

Chunks of WAV, AIFF, CAF and Wave64 and the ID3 tags of MP3 go into a file of the same family byte
for byte. Otherwise names and texts go over, and cover art, as far as the container holds them.
"""

import base64
import io
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from frcrn_app.audio.chunks import AIFF, CAF, RIFF, WAVE64, Dialect
from frcrn_app.audio.tags import AIFF_TEXTS, INFO
from frcrn_app.audio.types import Chapter, Note, Picture, Tags

_MUXERS = {"FLAC": "flac", "OGG": "ogg", "MP3": "mp3"}
_WITH_COVER = ("FLAC", "OGG", "MP3", "MP4")
_WITH_CHAPTERS = ("FLAC", "OGG", "MP3", "MP4", "WEBM", "MKA")
_DIALECTS = {"WAV": RIFF, "WAVEX": RIFF, "RF64": RIFF, "AIFF": AIFF, "CAF": CAF, "W64": WAVE64}
_MP4_FIELDS = frozenset(  # that FFmpeg writes; the last two of each track
    {
        *("title", "artist", "album", "album_artist", "composer", "date", "comment", "genre"),
        *("copyright", "grouping", "lyrics", "description", "synopsis", "show", "episode_id"),
        *("network", "keywords", "episode_sort", "season_number", "media_type", "hd_video"),
        *("gapless_playback", "compilation", "track", "disc", "sort_name", "sort_artist"),
        *("sort_album", "sort_album_artist", "sort_composer", "sort_show", "creation_time"),
        *("language", "name"),
    }
)


def left_behind(tags: Tags, container: str) -> list[Note]:
    """Notes that name what a container cannot take over."""
    names = []
    family = family_of(container)
    if family is None or tags.family != family:
        names += [
            name[:4].decode("latin-1").strip()
            for name, content in tags.chunks
            if tags.family != "ID3" and not _in_fields(tags, name, content)
        ]
        names += [name for name, _ in tags.fields if not _holds(container, name)]
    notes = []
    if names:
        fields = {"names": ", ".join(dict.fromkeys(names))}
        notes.append(Note("audio.note.metadata_left", fields))
    if tags.pictures and container not in _WITH_COVER:
        notes.append(Note("audio.note.cover_left"))
    if tags.chapters and container not in _WITH_CHAPTERS:
        notes.append(Note("audio.note.chapters_left"))
    return notes


def _in_fields(tags: Tags, name: bytes, content: bytes) -> bool:
    """Whether a chunk holds nothing but texts that are among the fields."""
    if tags.family in ("AIFF", "SVX"):
        return name in AIFF_TEXTS.values()
    return (name == b"LIST" and content[:4] == b"INFO") or (tags.family, name) == ("CAF", b"info")


def _holds(container: str, field: str) -> bool:
    dialect = _DIALECTS.get(container)
    if dialect is RIFF:
        return field in INFO
    if dialect is AIFF:
        return field in AIFF_TEXTS
    if container == "MP4":
        return field in _MP4_FIELDS
    return container not in ("W64", "AU")


def family_of(container: str) -> str | None:
    """The kind of raw tags that a container takes."""
    if container in _DIALECTS:
        return _DIALECTS[container].family
    return "ID3" if container == "MP3" else None


def add_tags(path: Path, container: str, tags: Tags) -> None:
    """Write tags into a finished file of a container that has room for them."""
    if not tags:
        return
    family = family_of(container)
    if container in _DIALECTS:
        dialect = _DIALECTS[container]
        chunks = tags.chunks if tags.family == family else _made_chunks(tags, dialect)
        _append_chunks(path, dialect, chunks)
    elif family == "ID3" and tags.family == "ID3":
        raw = dict(tags.chunks)
        _rewrite(path, before=raw.get(b"ID3", b""), after=raw.get(b"TAG", b""))
    elif container in _MUXERS:
        _remux(path, container, tags)


def _made_chunks(tags: Tags, dialect: Dialect) -> Sequence[tuple[bytes, bytes]]:
    """The fields as chunks of a dialect."""
    if dialect is AIFF:
        return [
            (AIFF_TEXTS[name], text.encode()) for name, text in tags.fields if name in AIFF_TEXTS
        ]
    if dialect is CAF and tags.fields:
        texts = "".join(f"{name}\0{text}\0" for name, text in tags.fields)
        return [(b"info", struct.pack(">I", len(tags.fields)) + texts.encode())]
    entries = b""
    for name, text in tags.fields:
        if dialect is RIFF and name in INFO:
            content = text.encode() + b"\0"
            entries += struct.pack("<4sI", INFO[name], len(content)) + content
            entries += b"\0" * (len(content) % 2)
    return [(b"LIST", b"INFO" + entries)] if entries else []


def _append_chunks(path: Path, dialect: Dialect, chunks: Sequence[tuple[bytes, bytes]]) -> None:
    """Put chunks behind the samples, and count them in the file's size."""
    if not chunks:
        return
    with path.open("r+b") as file:
        magic = file.read(4)
        file.seek(0, io.SEEK_END)
        _pad(file, dialect)
        for name, content in chunks:
            counted = dialect.header.size if dialect.counts_header else 0
            file.write(dialect.header.pack(name, len(content) + counted) + content)
            _pad(file, dialect)
        size = file.tell()
        if dialect is WAVE64:
            file.seek(16)
            file.write(struct.pack("<Q", size))
        elif magic == b"RF64":
            file.seek(20)  # the size in the ds64 chunk, which stands first
            file.write(struct.pack("<Q", size - 8))
        elif dialect is not CAF:  # which does not count them
            file.seek(4)
            file.write(struct.pack("<I" if dialect is RIFF else ">I", size - 8))


def _pad(file: BinaryIO, dialect: Dialect) -> None:
    file.write(bytes(-file.tell() % dialect.alignment))


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
    fields = dict(tags.fields)
    if container in ("OGG", "FLAC"):  # of these, FFmpeg writes the chapters of Opus alone
        fields |= _chapter_comments(tags.chapters)
    else:
        chapters = [chapter.for_ffmpeg(number) for number, chapter in enumerate(tags.chapters)]
        output.set_chapters(chapters)
    if container == "OGG":
        stream.metadata.update(fields)
        if tags.pictures:
            stream.metadata["METADATA_BLOCK_PICTURE"] = _flac_picture(tags.pictures[0])
        return
    output.metadata.update(fields)
    if container in _WITH_COVER:
        _add_covers(output, tags)


def _chapter_comments(chapters: Sequence[Chapter]) -> dict[str, str]:
    """Chapters as Vorbis comments: https://wiki.xiph.org/Chapter_Extension."""
    comments = {}
    for number, chapter in enumerate(chapters):
        minutes, seconds = divmod(chapter.start, 60)
        hours, minutes = divmod(int(minutes), 60)
        comments[f"CHAPTER{number:03}"] = f"{hours:02}:{minutes:02}:{seconds:06.3f}"
        comments[f"CHAPTER{number:03}NAME"] = chapter.title
    return comments


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
