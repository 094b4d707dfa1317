"""Audio to files: which container and coding, what must fit, what is said about it."""

import errno
import logging
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from frcrn_app.audio import encode
from frcrn_app.audio.formats import (
    FLOAT_SUBTYPES,
    FORMATS,
    targets,
    with_suitable_suffix,
)
from frcrn_app.audio.level import gain_to_fit, mix
from frcrn_app.audio.types import Audio, Note
from frcrn_app.audio.write_tags import add_tags, left_behind
from frcrn_app.errors import AudioError
from frcrn_app.files import atomic_path

logger = logging.getLogger(__name__)

_MOST_FLAC_CHANNELS = 8

Place = Callable[[str], Path]  # an ending to the path of a file that has it


@dataclass(frozen=True)
class Written:
    """A file that was written, and what is to be said about it."""

    path: Path
    notes: tuple[Note, ...] = ()


def save_audio(path: str | os.PathLike, audio: Audio, *, format: str = "same") -> Path:
    """Write audio and return the path that was written.

    Integer formats take round(sample * 2**(bits - 1)), never wrapped and never rescaled, so that
    PCM of up to 24 bits survives load_audio and save_audio bit for bit (of 32 bits, the leading 24
    do). Float formats keep samples beyond [-1, 1]; for all others, audio whose peaks exceed full
    scale is turned down until they fit, and the log says so. Tags are written along.

    The file appears complete or not at all: it is written beside its place and moved there.

    Args:
        path: where to; folders are made. An ending that does not suit what is written is replaced.
        audio: the audio.
        format: "same" writes the container that the path's ending names, if it is one that can be
            written, else the one that the audio came in; bit depth and codec are kept. What cannot
            be written so becomes lossless where it was lossless, else the nearest: MP4 and MOV
            become M4A, WavPack becomes FLAC, AMR, WMA and others WAV. "wav16", "wav-float" and
            "flac" (16 bit, or 24 if the audio came in more) are what they say.

    Raises:
        AudioError: on what is no Audio, NaN samples, a path without a name, a folder that cannot
            be written, a full disk, or more channels than FLAC has.
    """
    written = save_tracks(path, [audio], format=format)
    for note in written.notes:
        logger.warning("%s", note.sentence())  # no name: a server's log holds none
    return written.path


def save_tracks(
    path: str | os.PathLike,
    tracks: Sequence[Audio],
    *,
    format: str = "same",
    place: Place | None = None,
) -> Written:
    """Write one or several tracks into one file; see `save_audio`.

    Several tracks stay tracks where the format is "same" (in M4A, else in Matroska), and are mixed
    in others.

    Args:
        place: where a file goes whose ending turns out to be this; None: to `path`, with that
            ending.
    """
    if format not in FORMATS:
        raise AudioError("audio.format", format=format, formats=", ".join(FORMATS))
    path, tracks = Path(path), list(tracks)
    if not path.name:
        raise AudioError("audio.no_file_name", path=path)
    for track in tracks:
        if not isinstance(track, Audio):
            raise AudioError("audio.not_audio", type=type(track).__name__)
        if not np.isfinite(track.samples).all():
            raise AudioError("audio.not_finite_written", path=path)
    notes: list[Note] = []
    if len(tracks) > 1 and format != "same":
        mixed = mix(tracks)
        notes.append(mixed.notes[-1])
        tracks = [mixed]
    if format == "flac" and tracks[0].channels > _MOST_FLAC_CHANNELS:
        raise AudioError("audio.flac_channels", count=tracks[0].channels, most=_MOST_FLAC_CHANNELS)
    try:
        for container, coding in _targets(path.suffix, tracks, format):
            target = with_suitable_suffix(path, container, coding)
            if place is not None:
                target = place(target.suffix)
            fitting, said = fitted(tracks, coding)
            if _write(target, fitting, container, coding):
                return Written(target, (*notes, *said, *left_behind(tracks[0].tags, container)))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise AudioError("audio.disk_full", path=path) from error
        raise AudioError("audio.not_written", path=path, reason=error) from error
    raise AudioError("audio.no_container", path=path, count=tracks[0].channels)


def _targets(suffix: str, tracks: list[Audio], format: str) -> Iterator[tuple[str, str]]:
    first = tracks[0]
    return targets(suffix, first.container, first.subtype, format, len(tracks))


def fitted(tracks: list[Audio], coding: str) -> tuple[list[Audio], list[Note]]:
    """Tracks turned down together until they fit a coding that ends at full scale."""
    if coding in FLOAT_SUBTYPES:
        return tracks, []
    gain = gain_to_fit(*(track.samples for track in tracks))
    if gain == 1.0:
        return tracks, []
    quieter = [track.with_samples(track.samples * np.float32(gain)) for track in tracks]
    return quieter, [Note("audio.note.turned_down", {"decibels": -20 * math.log10(gain)})]


def _write(path: Path, tracks: list[Audio], container: str, coding: str) -> bool:
    """Return False if the format cannot hold such audio; nothing is left behind then."""

    class Unsuitable(Exception):
        pass

    try:
        with atomic_path(path) as part:
            if container in ("MP4", "WEBM", "MKA") or (container, coding[:3]) == ("OGG", "PCM"):
                done = encode.by_ffmpeg(part, tracks, container, coding)
            else:
                done = encode.by_libsndfile(part, tracks[0], container, coding)
                if done:
                    add_tags(part, container, tracks[0].tags)
            if not done:
                raise Unsuitable
    except Unsuitable:
        return False
    return True
