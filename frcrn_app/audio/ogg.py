"""Ogg files page by page: chained streams, lost pages, a missing end."""

import mmap
import struct
import zlib
from dataclasses import dataclass, field

from frcrn_app.audio.types import Note

_PAGE = struct.Struct("<4sBBqIIIB")  # magic, version, flags, granule, serial, number, CRC, segments
_BEGINS = 0x02  # flag of a stream's first page
_CRC_AT = 22  # offset of a page's check sum
# Ogg's check sum is that of zlib with the bits of all bytes, and of itself, the other way round.
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))

_AUDIO = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   ")
_BY_LIBSNDFILE = (b"\x01vorbis", b"OpusHead")


@dataclass
class Link:
    """Streams that begin together: a stretch of the file that can be read by itself."""

    start: int
    stop: int
    heads: dict[int, bytes] = field(default_factory=dict)  # how each stream begins, by serial
    numbers: dict[int, int] = field(default_factory=dict)  # of each stream's last page
    pages: int = 0
    holes: bool = False  # whether pages are missing

    @property
    def plain(self) -> bool:
        """Whether it is one stream that libsndfile reads whole."""
        heads = list(self.heads.values())
        return len(heads) == 1 and heads[0].startswith(_BY_LIBSNDFILE) and not self.holes

    @property
    def holds_audio(self) -> bool:
        return any(head.startswith(_AUDIO) for head in self.heads.values())


def survey(data: mmap.mmap, most_links: int) -> tuple[list[Link], list[Note]]:
    """Split a file into its links, those without audio left out."""
    links: list[Link] = []
    notes: list[Note] = []
    link: Link | None = None
    is_damaged = False  # the last page
    position, stop = data.find(b"OggS"), len(data)
    while 0 <= position < stop and len(links) <= most_links:
        page = data[position : position + _PAGE.size + 255]
        if len(page) < _PAGE.size:
            notes.append(Note("audio.note.cut_off", lost=True))
            break
        magic, _, flags, _, serial, number, _, segments = _PAGE.unpack_from(page)
        table = page[_PAGE.size : _PAGE.size + segments]
        end = position + _PAGE.size + segments + sum(table)
        if magic != b"OggS":
            position = data.find(b"OggS", position + 1)
            if link is not None:
                link.holes = True
            continue
        if len(table) < segments or end > stop:
            following = data.find(b"OggS", position + 4)
            if following < 0:
                notes.append(Note("audio.note.cut_off", lost=True))
                break
            position = following
            continue
        is_damaged = not _is_whole(data[position:end])
        if is_damaged:  # decoders leave it out, and libsndfile whatever follows
            if link is not None:
                link.holes = True
            position = data.find(b"OggS", position + 4)
            continue
        if flags & _BEGINS:
            if link is None or _is_under_way(link):
                link = Link(position, end)
                links.append(link)
            content = position + _PAGE.size + segments
            link.heads[serial] = data[content : content + 8]
        if link is not None:
            if serial in link.numbers and number != link.numbers[serial] + 1:
                link.holes = True
            link.numbers[serial] = number
            link.pages += 1
            link.stop = end
        position = end
    if is_damaged and not notes:
        notes.append(Note("audio.note.cut_off", lost=True))
    return [link for link in links if link.holds_audio], notes


def _is_whole(page: bytes) -> bool:
    """Whether a page has the check sum that it states."""
    stated = page[_CRC_AT : _CRC_AT + 4]
    page = page[:_CRC_AT] + bytes(4) + page[_CRC_AT + 4 :]
    found = ~zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) & 0xFFFFFFFF
    return found.to_bytes(4, "big").translate(_REVERSED) == stated


def _is_under_way(link: Link) -> bool:
    """Whether pages followed those that begin its streams."""
    return link.pages > len(link.heads)
