"""Files to audio: what a container holds is found first, then decoded, and nothing is left out."""

import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from frcrn_app.audio.containers import Part, survey
from frcrn_app.audio.decode import (
    Decoded,
    audio_streams,
    by_ffmpeg,
    by_libsndfile,
    open_container,
    track_fields,
)
from frcrn_app.audio.kinds import foreign_kind
from frcrn_app.audio.level import mix, scaled_from_integers
from frcrn_app.audio.promise import Promise, promises_of
from frcrn_app.audio.raw_aac import by_raw_aac
from frcrn_app.audio.tags import read_tags
from frcrn_app.audio.timeline import Budget, Timeline
from frcrn_app.audio.types import Audio, Note, Tags, checked_rate, named, require_samples
from frcrn_app.errors import AudioError

_MOST_FAILURES = 20  # parts of one file that cannot be read
_NOTHING_READ = ("audio.unreadable", "audio.no_samples", "audio.cut_off")


@dataclass(frozen=True)
class Track:
    """An audio track of a file, as its header tells."""

    number: int  # from 1
    title: str
    language: str
    channels: int


def load_audio(
    path: str | os.PathLike,
    *,
    track: int | None = None,
    max_seconds: float | None = None,
    max_samples: int | None = None,
) -> Audio:
    """Read a recording, or the audio of a film, whatever its container.

    Integer PCM of up to 24 bits is kept exactly (sample / 2**(bits - 1)); of 32 bits, float32
    keeps the leading 24. Float files keep what exceeds [-1, 1]; those in the range of integers are
    divided by their full scale. Joined files come out whole, gaps and a late start as silence. Of
    a recording that is cut off or damaged, what can be read comes out. `notes` of the result say
    where any of this happened.

    Args:
        path: the file; its content counts, not its ending.
        track: number of the track, from 1; None: all of them, mixed where there are several.
        max_seconds: refuse longer audio. Where the header tells the length this costs no
            decoding, elsewhere decoding stops there, so that memory stays bounded.
        max_samples: refuse audio of more samples, over all channels of all tracks.

    Raises:
        AudioError: on a path that is missing, unreadable or a folder; on a file that is empty,
            no audio, or a video without audio; on no samples, NaN or infinite samples; on a sample
            rate that is unknown or outside 8 to 192 kHz; on audio beyond a limit.
    """
    tracks = load_tracks(path, track=track, max_seconds=max_seconds, max_samples=max_samples)
    return tracks[0] if len(tracks) == 1 else mix(tracks)


def load_tracks(
    path: str | os.PathLike,
    *,
    track: int | None = None,
    max_seconds: float | None = None,
    max_samples: int | None = None,
) -> list[Audio]:
    """Read every audio track of a file by itself; arguments and errors as of `load_audio`."""
    path = Path(path)
    _check_readable(path)
    kind = foreign_kind(path)
    if kind is not None:
        raise AudioError("audio.foreign", name=named(path), kind=kind)
    budget = Budget(path, max_seconds, max_samples)
    with path.open("rb") as file:
        length = os.fstat(file.fileno()).st_size
        with _mapped(file, length) as data:
            found = survey(file, data, length)
        if found.rate is not None:
            checked_rate(found.rate, named(path))
        tracks = _tracks(file, found.parts, budget, track, found.cut_off)
        tags = read_tags(file, length)
    return [_finished(decoded, found.notes, tags, path) for decoded in tracks]


def promised_tracks(path: str | os.PathLike) -> list[Promise]:
    """What a file's headers promise of each track, with what they have wrong mended.

    Nothing is decoded. Raises AudioError where the file cannot be opened.
    """
    path = Path(path)
    _check_readable(path)
    with path.open("rb") as file:
        length = os.fstat(file.fileno()).st_size
        with _mapped(file, length) as data:
            parts = survey(file, data, length).parts
        return promises_of(file, parts)


def list_tracks(path: str | os.PathLike) -> list[Track]:
    """The audio tracks that a file's header names, without decoding them.

    Raises:
        AudioError: the file cannot be read, or holds no audio.
    """
    import av
    import av.error

    path = Path(path)
    _check_readable(path)
    with path.open("rb") as file:
        length = os.fstat(file.fileno()).st_size
        try:
            with _mapped(file, length) as data:
                pieces = survey(file, data, length).parts[0].pieces
            with open_container(file, pieces) as container:
                streams = audio_streams(container, Budget(path))
                return [
                    Track(
                        number,
                        track_fields(stream).get("title", ""),
                        track_fields(stream).get("language", ""),
                        stream.codec_context.channels,
                    )
                    for number, stream in enumerate(streams, 1)
                ]
        except av.error.FFmpegError:
            return [Track(1, "", "", 0)]  # load_audio repairs what FFmpeg refuses


def _check_readable(path: Path) -> None:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise AudioError("audio.folder", path=path)
        if not stat.S_ISREG(status.st_mode):
            raise AudioError("audio.no_file", path=path)
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise AudioError("audio.missing", path=path) from None
    except PermissionError:
        raise AudioError("audio.forbidden", path=path) from None
    except AudioError:
        raise
    except OSError as error:  # too long a name, a failing disk
        raise AudioError("audio.not_opened", path=path, reason=error) from error
    except ValueError as error:  # a NUL in the name
        raise AudioError("audio.not_opened", path=path, reason=str(error)) from error
    if status.st_size == 0:
        raise AudioError("audio.empty", name=named(path))


@contextmanager
def _mapped(file: BinaryIO, length: int) -> Iterator[mmap.mmap]:
    with mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ) as data:
        yield data


def _tracks(
    file: BinaryIO, parts: list[Part], budget: Budget, track: int | None, cut_off: bool
) -> list[Decoded]:
    """Decode all parts, and join each track over them."""
    decoded: list[list[Decoded]] = []
    failures = 0
    for part in parts:
        try:
            decoded.append(_decode(file, part, budget, track))
        except AudioError as error:
            if error.code not in _NOTHING_READ or (not decoded and part is parts[-1]):
                if cut_off and error.code in _NOTHING_READ:
                    raise AudioError("audio.cut_off", name=named(budget.path)) from error
                raise
            failures += 1
            if failures > _MOST_FAILURES:
                raise
            # The other parts come out nevertheless.
            if decoded:
                decoded[-1][0].notes.append(Note("audio.note.part_lost", lost=True))
        else:
            first = decoded[-1][0]
            budget.seconds += first.samples.shape[1] / first.rate
    if len(decoded) == 1:
        return decoded[0]
    return [_joined(part_tracks, budget) for part_tracks in _by_track(decoded)]


def _by_track(parts: list[list[Decoded]]) -> list[list[Decoded]]:
    """The same track of each part; where a part lacks it, its first track keeps the time."""
    count = max(map(len, parts))
    return [[part[min(index, len(part) - 1)] for part in parts] for index in range(count)]


def _joined(parts: list[Decoded], budget: Budget) -> Decoded:
    timeline = Timeline(Budget(budget.path))
    for part in parts:
        timeline.add(part.samples, part.rate)
    samples = timeline.samples()
    notes = [note for part in parts for note in part.notes]
    joined = Note("audio.note.joined", {"count": len(parts)})
    first = parts[0]
    return replace(first, samples=samples, notes=[joined, *notes, *timeline.notes])


def _decode(file: BinaryIO, part: Part, budget: Budget, track: int | None) -> list[Decoded]:
    spent = budget.samples
    if part.setup is not None and track in (None, 1):
        return [by_raw_aac(file, part.pieces, part.setup, budget)]
    if part.libsndfile:
        decoded = by_libsndfile(file, part.pieces, budget)
        if decoded is not None:
            if track not in (None, 1):
                raise AudioError(
                    "audio.track_missing", name=named(budget.path), track=track, count=1
                )
            return [replace(decoded, container=part.container or decoded.container)]
        budget.samples = spent
    tracks = by_ffmpeg(file, part.pieces, budget, track=track, seamless=part.seamless)
    return [
        replace(
            decoded,
            container=part.container or decoded.container,
            subtype=part.subtype or decoded.subtype,
        )
        for decoded in tracks
    ]


def _said_once(notes: list[Note]) -> tuple[Note, ...]:
    """Each note once, without those that tell of a missing end less exactly than another one."""
    notes = [note for index, note in enumerate(notes) if note not in notes[:index]]
    exact = [note for note in notes if note.code == "audio.note.cut_off_at"]
    if not exact:
        return tuple(notes)
    held = max(float(str(note.fields["held"])) for note in exact)
    return tuple(
        note
        for note in notes
        if note.code != "audio.note.cut_off"
        and not (note in exact and float(str(note.fields["held"])) < held)
        and not (
            note.code == "audio.note.damaged" and float(str(note.fields["second"])) >= held - 0.1
        )
    )


def _finished(decoded: Decoded, notes: list[Note], tags: Tags, path: Path) -> Audio:
    fields = dict(tags.fields) | decoded.fields
    audio = Audio(
        decoded.samples,
        decoded.rate,
        decoded.container,
        decoded.subtype,
        _said_once([*notes, *decoded.notes]),
        replace(tags, fields=tuple(fields.items())),
    )
    require_samples(audio, path)
    return scaled_from_integers(audio)
