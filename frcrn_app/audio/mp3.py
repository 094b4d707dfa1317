"""MP3 files frame by frame: their frames say what they hold, their first one only what was meant.

An MP3's first frame may count the rest (as "Xing" or "Info"), and decoders believe it: of joined
files they read the first part, of shortened ones they miss the end without a word.
"""

import mmap
from dataclasses import dataclass

from frcrn_app.audio.types import Note

_BIT_RATES = {  # kbit/s by (MPEG-1?, layer)
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_LYRICS = 1 << 20  # bytes of a Lyrics3 tag at the most
_LYRICS_END = (b"LYRICS200", b"LYRICSEND")
_TAIL = 1 << 12  # bytes of junk between frames that are passed over without a word


@dataclass(frozen=True)
class _Frame:
    size: int  # bytes
    rate: int  # Hz
    channels: int
    samples: int
    layer: int

    def goes_on_as(self, other: "_Frame") -> bool:
        return (self.rate, self.channels, self.layer) == (other.rate, other.channels, other.layer)


@dataclass
class Part:
    """Frames that one encoder made: a stretch of the file."""

    start: int
    stop: int
    frames: int  # with the one that counts them
    counted: int | None  # frames beside that one, as it says
    first: _Frame

    @property
    def seconds(self) -> float:
        return self.frames * self.first.samples / self.first.rate


def survey(
    data: mmap.mmap, start: int, stop: int, most_parts: int
) -> tuple[list[Part], list[Note]] | None:
    """Split what lies between two offsets into parts; None if it is no MP3, or of unusual kind."""
    position = skip_tags(data, start, stop)
    if _frame_at(data, position, stop) is None:
        position = _next_frame(data, position, min(stop, position + (1 << 16)), None, stop)
        if position is None:
            return None
    parts: list[Part] = []
    notes: list[Note] = []
    part: Part | None = None
    seconds = 0.0
    while position < stop and len(parts) <= most_parts:
        frame = _frame_at(data, position, stop)
        if frame is not None and position + frame.size > stop:
            if part is None or part.counted is None or part.frames <= part.counted:
                notes.append(Note("audio.note.cut_off", lost=True))
            break
        if frame is not None and part is not None and not frame.goes_on_as(part.first):
            following = _frame_at(data, position + frame.size, stop)
            if position + frame.size < stop and not (following and following.goes_on_as(frame)):
                frame = None  # four bytes that look like a header
        if frame is None:
            begin = position
            position = skip_tags(data, position, stop)
            if position > begin:
                part = None  # what follows a tag was encoded by itself
            else:
                found = _next_frame(data, position + 1, stop, part and part.first, stop)
                position = stop if found is None else found
                if position - begin > _TAIL:
                    notes.append(
                        Note("audio.note.damaged", {"second": seconds, "count": 1}, lost=True)
                    )
            continue
        counted = _counted(data, position, frame)
        if part is None or counted is not None or not frame.goes_on_as(part.first):
            part = Part(position, position, 0, counted, frame)
            parts.append(part)
        elif part.counted is not None and part.frames > part.counted + 1:
            # More than it counts: another file's frames, without a count of their own.
            part = Part(position, position, 0, None, frame)
            parts.append(part)
        part.frames += 1
        position += frame.size
        part.stop = position
        seconds += frame.samples / frame.rate
    if not parts:
        return None
    damaged = [note for note in notes if note.code == "audio.note.damaged"]
    # What is missing in damaged places is not missing at the end.
    return parts, damaged or _promises(parts) or notes


def _promises(parts: list[Part]) -> list[Note]:
    """A note where a count exceeds the frames that follow it."""
    for index, part in enumerate(parts):
        held = part.frames - 1
        for following in parts[index + 1 :]:
            if following.counted is not None:
                break
            held += following.frames
        if part.counted is not None and part.counted > held + 1:
            length = part.first.samples / part.first.rate
            seconds = {"held": held * length, "stated": part.counted * length}
            return [Note("audio.note.cut_off_at", seconds, lost=True)]
    return []


def _frame_at(data: mmap.mmap, position: int, stop: int) -> _Frame | None:
    """The frame whose header stands here; None for anything else, free format included."""
    if position + 4 > stop or data[position] != 0xFF:
        return None
    second, third, fourth = data[position + 1], data[position + 2], data[position + 3]
    version, layer = second >> 3 & 3, 4 - (second >> 1 & 3)
    bit_rate, rate = third >> 4, third >> 2 & 3
    if second & 0xE0 != 0xE0 or version == 1 or layer == 4 or bit_rate in (0, 15) or rate == 3:
        return None
    hertz = _RATES[version][rate]
    bits = 1000 * _BIT_RATES[version == 3, layer][bit_rate]
    padding = third >> 1 & 1
    if layer == 1:
        samples, size = 384, (12 * bits // hertz + padding) * 4
    else:
        samples = 1152 if layer == 2 or version == 3 else 576
        size = samples // 8 * bits // hertz + padding
    return _Frame(size, hertz, 1 if fourth >> 6 == 3 else 2, samples, layer)


def _counted(data: mmap.mmap, position: int, frame: _Frame) -> int | None:
    """The number of frames that this one states, if it is one that counts."""
    if frame.layer != 3:
        return None
    if frame.samples == 1152:
        side = 17 if frame.channels == 1 else 32
    else:
        side = 9 if frame.channels == 1 else 17
    for offset in (position + 4 + side, position + 6 + side):  # the latter where there is a CRC
        if data[offset : offset + 4] in (b"Xing", b"Info"):
            flags = int.from_bytes(data[offset + 4 : offset + 8], "big")
            if not flags & 1:
                return None
            return int.from_bytes(data[offset + 8 : offset + 12], "big")
    if data[position + 36 : position + 40] == b"VBRI":
        return int.from_bytes(data[position + 50 : position + 54], "big")
    return None


def _next_frame(
    data: mmap.mmap, position: int, limit: int, like: _Frame | None, stop: int
) -> int | None:
    """Where the next frame begins that another one follows, or the file's end."""
    while (position := data.find(b"\xff", position, limit)) >= 0:
        frame = _frame_at(data, position, stop)
        if frame is not None and (like is None or frame.layer == like.layer):
            end = position + frame.size
            following = _frame_at(data, end, stop)
            if end == stop or (following is not None and following.goes_on_as(frame)):
                return position
        position += 1
    return None


def skip_tags(data: mmap.mmap, position: int, stop: int) -> int:
    """Past ID3, APE and Lyrics3 tags, which joined files hold in their middle too."""
    while position < stop:
        head = data[position : position + 32]
        if head[:3] == b"ID3" and len(head) >= 10:
            size = 0
            for byte in head[6:10]:
                size = size << 7 | byte & 0x7F
            position += 10 + size + (10 if head[5] & 0x10 else 0)
        elif head[:3] == b"TAG":
            position += 128
        elif head[:8] == b"APETAGEX" and len(head) >= 24:
            position += 32 + int.from_bytes(head[12:16], "little")
        elif head[:11] == b"LYRICSBEGIN":
            ends = [data.find(end, position, position + _LYRICS) for end in _LYRICS_END]
            if max(ends) < 0:
                break
            position = max(ends) + len(_LYRICS_END[0])
        else:
            break
    return min(position, stop)
