"""AAC in a WAV without any framing: nothing but a decoder knows where a frame ends.

FFmpeg hands its decoder such a file in pieces of 4 kB, of which the first frame each fails. Here it
gets all of it at once and takes frame after frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from frcrn_app.audio.decode import Decoded
from frcrn_app.audio.frames import frame_samples
from frcrn_app.audio.timeline import Budget, Timeline
from frcrn_app.audio.types import Note, named
from frcrn_app.audio.view import Piece
from frcrn_app.errors import AudioError

CODINGS = (0x00FF, 0x1610)  # format tags of WAV; the latter's setup follows a header
_HEADER_1610 = 12  # bytes
_SYNCHRONISED = (0xFFF0, 0xFFF6)  # the first 16 bits of frames that say how long they are, masked

_MISSING = 0.1  # s


@dataclass(frozen=True)
class Setup:
    """What the header says.

    Args:
        config: an AudioSpecificConfig (ISO 14496-3), which the decoder needs.
        samples: of each channel, as far as the header counts them.
    """

    config: bytes
    samples: int | None


def setup_of(coding: int | None, extra: bytes, samples: int | None, head: bytes) -> Setup | None:
    """The setup of samples that are raw AAC, None where they are anything else.

    Args:
        coding: the format tag.
        extra: what follows the format in its chunk.
        samples: of each channel, as the header counts them.
        head: the first two bytes of the samples.
    """
    config = extra[_HEADER_1610:] if coding == 0x1610 else extra
    sync, mask = _SYNCHRONISED
    framed = int.from_bytes(head, "big") & mask == sync
    return None if coding not in CODINGS or framed or len(config) < 2 else Setup(config, samples)


def by_raw_aac(file: BinaryIO, pieces: Sequence[Piece], setup: Setup, budget: Budget) -> Decoded:
    """Decode one part; AudioError `audio.unreadable` where nothing decodes."""
    import av
    import av.error

    ((start, stop),) = pieces
    file.seek(start)
    packet = av.Packet(file.read(stop - start))
    codec = av.CodecContext.create("aac", "r")
    codec.extradata = setup.config
    timeline = Timeline(budget)
    try:
        for frame in codec.decode(packet):
            if frame.samples:
                timeline.add(frame_samples(frame), frame.sample_rate)
    except av.error.FFmpegError as error:
        raise AudioError("audio.unreadable", name=named(budget.path)) from error
    if timeline.rate is None:
        raise AudioError("audio.unreadable", name=named(budget.path))
    if setup.samples is not None:
        missing = setup.samples / timeline.rate - timeline.seconds
        if missing > _MISSING:
            stated = {"held": timeline.seconds, "stated": timeline.seconds + missing}
            timeline.notes.append(Note("audio.note.cut_off_at", stated, lost=True))
    return Decoded(timeline.samples(), timeline.rate, "WAV", "AAC", timeline.notes, {})
