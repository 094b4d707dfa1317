"""The two decoders: libsndfile for PCM and plain MP3 and Ogg, FFmpeg (through PyAV) for the rest.

A path is never handed to either, only an open file: names may be any bytes, and FFmpeg would take
some for addresses.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from frcrn_app.audio.frames import frame_samples, subtype_of
from frcrn_app.audio.surround import from_libsndfile
from frcrn_app.audio.timeline import Budget, Timeline
from frcrn_app.audio.types import Note, checked_rate, named
from frcrn_app.audio.view import Piece, View, opened
from frcrn_app.errors import AudioError

# FFmpeg demuxers that may open a file. Left out on purpose: playlists (hls, concat, dash) and
# descriptions (sdp), through which an uploaded file could make the server read other files or
# addresses, and pictures.
DEMUXERS = (
    *("mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "ogg", "mp3", "aac", "amr"),
    *("amrnb", "amrwb", "wav", "w64", "aiff", "au", "caf", "flac", "ac3", "eac3", "dts", "dtshd"),
    *("asf", "avi", "mpeg", "mpegts", "flv", "wv", "ape", "tta", "dsf", "iff", "voc", "mpc"),
    *("mpc8", "gsm", "tak", "oma", "rm", "truehd", "mlp", "wtv", "mxf", "nut", "qcp", "dv", "loas"),
)
_OPTIONS = {"format_whitelist": ",".join(DEMUXERS), "protocol_whitelist": "file"}

_BLOCK_FRAMES = 1 << 18  # frames decoded at a time
LENGTH_UNKNOWN = 1 << 60  # frames; libsndfile says 2**63 - 1
_TIMED_BY_SAMPLES = ("mov", "ogg", "flac", "mp3", "aac", "wav", "aiff", "caf", "w64", "amr")
# Containers that state a track's length; elsewhere FFmpeg guesses it from the bit rate.
_STATED = ("mov", "flac", "wv", "tta", "ape", "tak", "mpc", "mpc8", "dsf", "dtshd", "mxf", "rm")
_JITTER = 0.05  # s, of time stamps in milliseconds and of live recordings
_LONGEST_DELAY = 10.0  # s; audio alone that starts later is a piece of something longer
_SHORTEST_DELAY = 0.1  # s
_MISSING_END = 0.1  # s
_MP3_FORGIVEN = 2  # frames that rely on earlier ones, which a cut took away
_DSD_RATE = 88_200  # Hz; above 44 kHz there is but the noise that DSD shifts there


@dataclass
class Decoded:
    """One track of one part of a file."""

    samples: np.ndarray  # float32 [channels, samples]
    rate: int
    container: str
    subtype: str
    notes: list[Note]
    fields: dict[str, str]  # the track's own tags


def by_libsndfile(file: BinaryIO, pieces: Sequence[Piece], budget: Budget) -> Decoded | None:
    """Decode one part; None if libsndfile does not know the container, or not all of it."""
    import soundfile

    view = View(file, pieces)
    if view.whole_file:
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        source = file.fileno()
    else:
        source = opened(file, pieces)
    spent = budget.samples
    try:
        # Where it may close a descriptor, libsndfile sometimes does so even if it fails.
        decoder = soundfile.SoundFile(source, closefd=False)
    except soundfile.LibsndfileError:
        return None
    with decoder:
        # libsndfile reads no FLAC that was streamed, so that its header lacks the length, to its
        # end.
        if decoder.format == "RAW" or decoder.frames >= LENGTH_UNKNOWN:
            return None
        rate = checked_rate(decoder.samplerate, named(budget.path))
        budget.check(decoder.frames, rate)
        timeline = Timeline(budget)
        try:
            while len(block := decoder.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)):
                ordered = from_libsndfile(block.T, decoder.subtype)
                timeline.add(np.ascontiguousarray(ordered), rate)
        except soundfile.LibsndfileError:
            budget.samples = spent
            return None
        if timeline.rate is None:
            samples = np.zeros((decoder.channels, 0), np.float32)
        else:
            samples = timeline.samples()
        return Decoded(samples, rate, decoder.format, decoder.subtype, timeline.notes, {})


def by_ffmpeg(
    file: BinaryIO,
    pieces: Sequence[Piece],
    budget: Budget,
    *,
    track: int | None = None,
    seamless: bool = False,
) -> list[Decoded]:
    """Decode the audio tracks of one part: all, or the one with a number (from 1).

    Args:
        seamless: its frames follow each other, so that a gap is damage.

    Raises:
        AudioError: no track that can be decoded, or not so many.
    """
    import av
    import av.error

    try:
        with open_container(file, pieces) as container:
            streams = audio_streams(container, budget)
            if track is not None:
                if not 1 <= track <= len(streams):
                    raise AudioError(
                        "audio.track_missing",
                        name=named(budget.path),
                        track=track,
                        count=len(streams),
                    )
                streams = [streams[track - 1]]
            return _decode(container, streams, budget, seamless)
    except av.error.FFmpegError as error:
        raise AudioError("audio.unreadable", name=named(budget.path)) from error


def open_container(file: BinaryIO, pieces: Sequence[Piece]):
    """A part of an open file as PyAV's container, by the allowed demuxers alone."""
    import av
    import av.error

    source = opened(file, pieces)
    return av.open(source, options=_OPTIONS, metadata_errors="replace")


def audio_streams(container, budget: Budget) -> list:
    """The tracks that can be decoded; AudioError where there are none."""
    streams = list(container.streams.audio)
    if not streams and any(not is_cover(stream) for stream in container.streams.video):
        raise AudioError("audio.no_track", name=named(budget.path))
    if not streams:
        raise AudioError("audio.unreadable", name=named(budget.path))
    decodable = [stream for stream in streams if stream.codec_context is not None]
    if not decodable:
        raise AudioError("audio.codec", name=named(budget.path))
    return decodable


def is_cover(stream) -> bool:
    """Whether a stream is a still picture that goes with the audio."""
    from av.stream import Disposition

    return stream.type == "video" and bool(stream.disposition & Disposition.attached_pic)


def track_fields(stream) -> dict[str, str]:
    """A track's title and language, where it has any."""
    fields = {name.lower(): text for name, text in stream.metadata.items()}
    return {
        name: fields[name]
        for name in ("title", "language")
        if fields.get(name) and fields[name] != "und"
    }


def _decode(container, streams: list, budget: Budget, seamless: bool) -> list[Decoded]:
    """Decode streams side by side, in one pass over the file."""
    family = container.format.name.split(",")[0]
    tolerance = 0.01 if family in _TIMED_BY_SAMPLES else _JITTER
    start = beginning(container)
    timelines = {
        stream.index: Timeline(
            budget,
            tolerance,
            seamless=seamless,
            forgiven=_MP3_FORGIVEN if stream.codec_context.name.startswith("mp3") else 0,
        )
        for stream in streams
    }
    for stream in streams:
        if stream.codec_context.name == "flac":
            # Damaged frames are left out, rather than decoded as noise.
            stream.codec_context.options = {"err_detect": "crccheck+explode"}
        rate = stream.codec_context.sample_rate
        if family in _STATED and stream.duration and rate:
            budget.check(int(stream.duration * stream.time_base * rate), rate)
    reached_end = _decode_packets(container, streams, timelines, start)
    tracks, empty = [], []
    for number, stream in enumerate(streams, 1):
        timeline = timelines[stream.index]
        if timeline.rate is None:
            if len(streams) == 1 and timeline.damaged:
                raise AudioError("audio.unreadable", name=named(budget.path))
            empty.append(Note("audio.note.track_empty", {"track": number}, lost=True))
            continue
        if not reached_end:
            timeline.notes.append(Note("audio.note.cut_off", lost=True))
        _settle_end(timeline, stream, family, start)
        tracks.append(
            Decoded(
                timeline.samples(),
                timeline.rate,
                {"mov": "MP4", "matroska": "WEBM"}.get(family, family.upper()),
                subtype_of(stream.codec_context),
                timeline.notes,
                track_fields(stream),
            )
        )
    if not tracks:
        promised = family in _STATED and any(stream.duration for stream in streams)
        code = "audio.cut_off" if promised else "audio.no_samples"
        raise AudioError(code, name=named(budget.path))
    tracks[0].notes += empty
    return tracks


def _decode_packets(container, streams: list, timelines: dict[int, Timeline], start: float) -> bool:
    """Put all that decodes into the timelines; whether the container could be read to its end."""
    import av
    import av.error

    slower = {
        stream.index: av.AudioResampler("fltp", stream.layout, _DSD_RATE)
        for stream in streams
        if stream.codec_context.name.startswith("dsd")
    }
    packets = container.demux(streams)
    counts_only = container.format.name == "avi"
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return True
        except av.error.FFmpegError:
            return False
        timeline = timelines[packet.stream.index]
        try:
            for frame in _frames(packet, slower):
                if frame.samples:
                    # AVI has no time stamps: FFmpeg counts, by numbers that are often wrong.
                    second = None if counts_only and timeline.rate else frame.time
                    timeline.add_at(frame_samples(frame), frame.sample_rate, second, start)
        except av.error.FFmpegError:
            if packet.size:
                timeline.damaged.append(timeline.seconds)


def _frames(packet, slower: dict) -> Iterator:
    """Frames of a packet; those of DSD, one bit at some megahertz, at a rate that PCM has."""
    resampler = slower.get(packet.stream.index)
    for frame in packet.decode():
        yield from resampler.resample(frame) if resampler else [frame]


def _settle_end(timeline: Timeline, stream, family: str, start: float) -> None:
    """Compare a track's length with what its container states, where that is no estimate."""
    # The last page of Ogg says where it ends; that only tells something where pages are missing.
    is_stated = family in _STATED or (family == "ogg" and timeline.seamless)
    if not is_stated or not stream.duration:
        return
    stated = float(stream.duration * stream.time_base)
    if stream.start_time is not None:
        stated += max(0.0, float(stream.start_time * stream.time_base) - start)
    timeline.trim_padding(stated)
    if family == "flac":  # frames know their place: of a trimmed file, the start is missing
        stated -= start
    if timeline.seconds < stated - _MISSING_END:
        seconds = {"held": timeline.seconds, "stated": stated}
        timeline.notes.append(Note("audio.note.cut_off_at", seconds, lost=True))


def beginning(container) -> float:
    """The time stamp, in s, at which the recording as a whole begins: its picture, say."""
    others = [*container.streams.video, *container.streams.audio]
    starts = [
        float(stream.start_time * stream.time_base)
        for stream in others
        if stream.start_time is not None and not is_cover(stream)
    ]
    first = min(starts, default=0.0)
    from_zero = container.format.name.startswith(("mov", "matroska"))
    if from_zero and _SHORTEST_DELAY < first < _LONGEST_DELAY:
        return 0.0
    return first
