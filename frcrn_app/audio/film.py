"""Films: the cleaned tracks put beside the untouched picture."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from frcrn_app.audio.decode import beginning, is_cover, open_container
from frcrn_app.audio.encode import TrackEncoder, UnsuitableError
from frcrn_app.audio.formats import PCM_BITS
from frcrn_app.audio.resampling import resample
from frcrn_app.audio.types import Audio, Note, named
from frcrn_app.audio.write import Place, Written, fitted
from frcrn_app.errors import AudioError
from frcrn_app.files import atomic_path

_MUXERS = {
    **dict.fromkeys((".mp4", ".m4v", ".f4v"), "mp4"),
    **dict.fromkeys((".mov", ".qt"), "mov"),
    **dict.fromkeys((".3gp", ".3gpp"), "3gp"),
    ".3g2": "3g2",
    **dict.fromkeys((".mkv", ".mk3d"), "matroska"),
    ".webm": "webm",
    **dict.fromkeys((".avi", ".divx"), "avi"),
    **dict.fromkeys((".ts", ".mts", ".m2ts", ".m2t"), "mpegts"),
    ".flv": "flv",
}
_ANYTHING = ".mkv"  # holds most of what no other container does
_OLD = ".avi"  # WMV and DV, which PyAV does not put into Matroska
_INTO_MKV = frozenset(
    {".mpg", ".mpeg", ".vob", ".m2p", ".wmv", ".asf", ".ogv", ".mj2", ".mxf", ".dv", ".dif"}
)

_LEFT_OUT = {  # to be said of kinds of streams; a picture that does not move is a cover
    "video": "audio.note.film_cover",
    "subtitle": "audio.note.film_subtitles",
    "attachment": "audio.note.film_attachments",
    "data": "audio.note.film_data",
}
# Films of iPhones: under the other name of HEVC, Apple's players show no picture. Which ProRes it
# is stands in its name too.
_APPLE_HEVC = "hvc1"
_OPUS_RATE = 48_000
_BLOCK_FRAMES = 1 << 13  # of audio between packets of the picture


def film_suffix(suffix: str) -> str | None:
    """The ending of a cleaned film; None where files of this ending are not films."""
    suffix = suffix.lower()
    return suffix if suffix in _MUXERS else _ANYTHING if suffix in _INTO_MKV else None


def has_picture(path: str | os.PathLike) -> bool:
    """Whether a file holds moving pictures."""
    import av
    import av.error

    try:
        with open(path, "rb") as file, open_container(file, [(0, _length(file))]) as container:
            return any(not is_cover(stream) for stream in container.streams.video)
    except (av.error.FFmpegError, OSError):
        return False


def save_film(
    path: str | os.PathLike,
    source: str | os.PathLike,
    tracks: Sequence[Audio],
    *,
    place: Place | None = None,
) -> Written:
    """Write a film with other audio: its picture, subtitles and tags as they are.

    The picture's packets are copied, not encoded again. Tracks keep their codec where it is
    written here, lossless ones stay lossless; others become AAC (in WebM, Opus).

    Args:
        path: where to; folders are made. The container is the one that its ending names, or
            Matroska or AVI, with their ending, where that does not hold the picture.
        source: the film that the picture is taken from.
        tracks: as `load_tracks` gave them, cleaned.
        place: where a file goes whose ending turns out to be this.

    Raises:
        AudioError: the film has no picture, cannot be read or cannot be written.
    """
    path, source = Path(path), Path(source)
    if not has_picture(source):
        raise AudioError("audio.no_picture", name=named(source))
    wished = path.suffix.lower() if path.suffix.lower() in _MUXERS else _ANYTHING
    for suffix in dict.fromkeys((wished, _ANYTHING, _OLD)):
        target = path if suffix == path.suffix.lower() else path.with_suffix(suffix)
        if place is not None:
            target = place(target.suffix)
        with suppress(UnsuitableError):
            try:
                return _write(target, source, tracks, _MUXERS[suffix])
            except OSError as error:
                raise AudioError("audio.not_written", path=path, reason=error) from error
    raise AudioError("audio.film_container", path=path)


def _write(path: Path, source: Path, tracks: Sequence[Audio], muxer: str) -> Written:
    import av
    import av.error

    fitting, notes = fitted(list(tracks), "AAC")
    with atomic_path(path) as part, source.open("rb") as file, part.open("w+b") as target:
        try:
            with (
                open_container(file, [(0, _length(file))]) as film,
                av.open(target, "w", format=muxer) as output,
            ):
                copied, left = _copied_streams(film, output)
                output.metadata.update(film.metadata)
                output.set_chapters(film.chapters())
                encoders = [_encoder(output, track, muxer) for track in fitting]
                _mux(film, output, copied, encoders)
        except (av.error.FFmpegError, ValueError) as error:
            if isinstance(error, OSError) and not isinstance(error, av.error.InvalidDataError):
                raise
            raise UnsuitableError from error
    said = [Note(_LEFT_OUT[kind]) for kind in _LEFT_OUT if kind in left]
    return Written(path, (*notes, *said))


def _copied_streams(film, output) -> tuple[dict, list[str]]:
    """Streams of the output by those of the film, and the kinds of those that it cannot hold."""
    import av
    import av.error

    copied, left = {}, []
    for stream in film.streams:
        if stream.type == "audio":
            continue
        if stream.type not in ("video", "subtitle") or is_cover(stream):
            left.append(stream.type)
            continue
        try:
            copied[stream] = _copied_stream(output, stream)
        except (av.error.FFmpegError, ValueError):
            if stream.type == "video":
                raise
            left.append(stream.type)
        else:
            copied[stream].metadata.update(stream.metadata)
    return copied, left


def _copied_stream(output, stream):
    from av.codec.codec import UnknownCodecError

    try:
        copied = output.add_stream_from_template(stream)
    except UnknownCodecError:  # Theora, VC-1 and others are decoded, but not encoded
        copied = output.add_stream_from_template(stream, opaque=True)
    if stream.type == "video" and stream.container.format.name.startswith("mov"):
        tag = stream.codec_context.codec_tag
        if output.format.name == "mov" or tag == _APPLE_HEVC:
            copied.codec_context.codec_tag = tag
    return copied


def _encoder(output, track: Audio, muxer: str) -> TrackEncoder:
    """The encoder of a track: its own codec's, where the container takes it, or the usual one."""
    for coding in _codings(track, muxer):
        with suppress(UnsuitableError):
            if coding == "OPUS" and track.sample_rate not in (8_000, 12_000, 16_000, 24_000):
                samples = resample(track.samples, track.sample_rate, _OPUS_RATE)
                track = replace(track, samples=samples, sample_rate=_OPUS_RATE)
            return TrackEncoder(output, track, coding)
    raise UnsuitableError


def _codings(track: Audio, muxer: str) -> Iterator[str]:
    own = track.subtype or ""
    if muxer == "webm":
        yield "OPUS"
        return
    if muxer in ("mp4", "mov", "matroska", "avi") and (
        own in PCM_BITS or own in ("FLOAT", "DOUBLE")
    ):
        yield "PCM_16" if PCM_BITS.get(own, 24) <= 16 else "PCM_24"
    if own in ("AC3", "MPEG_LAYER_III") and muxer in ("matroska", "avi", "mpegts", "mov", "mp4"):
        yield own
    if own == "OPUS" and muxer == "matroska":
        yield own
    if muxer == "avi":
        yield "MPEG_LAYER_III"
    yield "AAC"
    yield "AC3"


def _mux(film, output, copied: dict, encoders: list[TrackEncoder]) -> None:
    """Packets of the picture and blocks of audio in the order of their time."""
    start = Fraction(beginning(film)).limit_denominator(1_000_000)
    for packet in film.demux(list(copied)):
        if packet.dts is None and packet.pts is None:
            continue
        stream = packet.stream
        shift = round(start / stream.time_base)
        stamp = packet.dts if packet.dts is not None else packet.pts
        second = float((stamp - shift) * stream.time_base)
        for encoder in encoders:
            while encoder.second is not None and encoder.second <= second:
                encoder.encode_block(_BLOCK_FRAMES)
        if packet.pts is not None:
            packet.pts -= shift
        if packet.dts is not None:
            packet.dts -= shift
        packet.stream = copied[stream]
        output.mux(packet)
    for encoder in encoders:
        while encoder.second is not None:
            encoder.encode_block(_BLOCK_FRAMES)


def _length(file) -> int:
    return os.fstat(file.fileno()).st_size
