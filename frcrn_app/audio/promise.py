"""What a file's headers promise, before anything is decoded: how long, how many channels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from frcrn_app.audio.containers import Part
from frcrn_app.audio.decode import LENGTH_UNKNOWN, open_container
from frcrn_app.audio.view import Piece, opened

_USUAL_RATE = 48_000  # Hz, where it is not known
_USUAL_CHANNELS = 2


@dataclass(frozen=True)
class Promise:
    """Of one track.

    Args:
        seconds: None where the headers do not tell.
        rate: Hz.
        channels: of it.
        estimated: whether the seconds may be a guess from the bit rate.
    """

    seconds: float | None = None
    rate: int = _USUAL_RATE
    channels: int = _USUAL_CHANNELS
    estimated: bool = True


def promises_of(file: BinaryIO, parts: Sequence[Part], most: int = 50) -> list[Promise]:
    """What the parts of an open file promise together, track by track.

    Args:
        file: open for reading.
        parts: of it.
        most: parts that are looked at; of more, the others are taken to be like those.
    """
    looked_at = [_of_part(file, part) for part in parts[:most]]
    tracks = []
    for index in range(max(map(len, looked_at))):
        of_track = [part[min(index, len(part) - 1)] for part in looked_at]
        lengths = [promise.seconds for promise in of_track if promise.seconds is not None]
        whole = None
        if len(lengths) == len(of_track):
            whole = sum(lengths) * len(parts) / len(looked_at)
        tracks.append(
            Promise(
                whole,
                of_track[0].rate,
                max(promise.channels for promise in of_track),
                len(parts) > most or any(promise.estimated for promise in of_track),
            )
        )
    return tracks


def _of_part(file: BinaryIO, part: Part) -> list[Promise]:
    found = None
    if part.setup is None:
        found = _by_libsndfile(file, part.pieces) if part.libsndfile else None
        found = found or _by_ffmpeg(file, part.pieces)
    return found or [Promise()]


def _by_libsndfile(file: BinaryIO, pieces: Sequence[Piece]) -> list[Promise]:
    import soundfile

    try:
        with soundfile.SoundFile(opened(file, pieces)) as header:
            if header.frames >= LENGTH_UNKNOWN or header.samplerate <= 0:
                return []
            seconds = header.frames / header.samplerate
            return [Promise(seconds, header.samplerate, header.channels, estimated=False)]
    except (soundfile.LibsndfileError, RuntimeError, TypeError):
        return []


def _by_ffmpeg(file: BinaryIO, pieces: Sequence[Piece]) -> list[Promise]:
    import av
    import av.error

    try:
        with open_container(file, pieces) as container:
            duration = getattr(container, "duration", None) or 0
            seconds = duration / av.time_base if duration > 0 else None
            return [
                Promise(
                    seconds,
                    getattr(stream, "rate", None) or _USUAL_RATE,
                    getattr(stream, "channels", None) or _USUAL_CHANNELS,
                )
                for stream in container.streams.audio
            ]
    except (av.error.FFmpegError, OSError, ValueError):
        return []
