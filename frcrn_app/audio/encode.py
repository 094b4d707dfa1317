"""The two encoders: libsndfile for WAV and its kin, FLAC, Ogg and MP3, FFmpeg for the rest."""

import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from frcrn_app.audio.formats import FLOAT_SUBTYPES, PCM_BITS
from frcrn_app.audio.frames import frame_of
from frcrn_app.audio.surround import for_libsndfile
from frcrn_app.audio.types import Audio
from frcrn_app.audio.write_tags import add_to_output

_WAV_LIMIT = (1 << 32) - (1 << 16)  # bytes of samples that a RIFF header can count, with room

_PAGE = 4096  # bytes, more than any header takes
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_CODECS = {"AAC": "aac", "OPUS": "libopus", "AC3": "ac3", "MPEG_LAYER_III": "libmp3lame"}
_MUXERS = {"MP4": "mp4", "WEBM": "webm", "MKA": "matroska", "OGG": "ogg"}


def by_libsndfile(part: Path, audio: Audio, container: str, coding: str) -> bool:
    """Write a file; False if the format cannot hold such audio.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    import soundfile

    sample_bytes = 8 if coding == "DOUBLE" else PCM_BITS.get(coding, 32) // 8
    if container in ("WAV", "WAVEX") and audio.samples.size * sample_bytes > _WAV_LIMIT:
        container = "RF64"
    if not soundfile.check_format(container, coding):
        return False
    compression = 0.2 if coding in ("VORBIS", "OPUS") else None
    if container == "MP3":
        compression = 0.0  # the least
    with part.open("wb") as target:  # a folder that cannot be written raises its OSError here
        descriptor = os.dup(target.fileno())  # libsndfile closes it, also where it fails
        try:
            file = soundfile.SoundFile(
                descriptor,
                "w",
                audio.sample_rate,
                audio.channels,
                coding,
                format=container,
                compression_level=compression,
            )
        except soundfile.LibsndfileError:
            target.write(bytes(_PAGE))  # raises OSError where it was for want of room
            target.flush()
            return False
        try:
            with file:
                # By the block: libsndfile's Vorbis encoder overflows its stack on long ones.
                for block in _blocks(audio.samples):
                    file.write(_encodable(for_libsndfile(block, coding), coding))
        except soundfile.LibsndfileError as error:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
    return True


def by_ffmpeg(part: Path, tracks: Sequence[Audio], container: str, coding: str) -> bool:
    """Write a file of one or several tracks; False if the format cannot hold such audio.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    import av
    import av.error
    from av.codec.codec import UnknownCodecError

    # By default the edit list, which tells players the true length, counts in milliseconds.
    timescale = str(tracks[0].sample_rate)
    options = {"movie_timescale": timescale, "brand": "M4A "} if container == "MP4" else {}
    with part.open("w+b") as target:
        try:
            with av.open(target, "w", format=_MUXERS[container], options=options) as output:
                encoders = [TrackEncoder(output, track, coding) for track in tracks]
                add_to_output(output, encoders[0].stream, container, tracks[0].tags)
                while any(encoder.second is not None for encoder in encoders):
                    waiting = [e for e in encoders if e.second is not None]
                    min(waiting, key=lambda encoder: encoder.second or 0.0).encode_block()
        except (av.error.FFmpegError, UnknownCodecError, UnsuitableError) as error:
            if isinstance(error, OSError) and error.errno:
                raise
            return False
    return True


class UnsuitableError(Exception):
    """A codec cannot have such a rate or so many channels."""


class TrackEncoder:
    """One audio track of an open output container, encoded block by block.

    Args:
        output: PyAV's container; nothing may have been muxed into it yet.
        audio: the samples, within full scale.
        coding: a lossy codec, or integer PCM, which becomes FLAC (in MP4, ALAC; in AVI, it stays).

    Raises:
        UnsuitableError: the codec does not take such audio.
    """

    def __init__(self, output, audio: Audio, coding: str):
        import av

        rate = audio.sample_rate
        self._audio, self._position = audio, 0
        self._bits = 16 if coding == "PCM_16" else 24 if coding == "PCM_24" else None
        lossless = {"mp4": "alac", "mov": "alac", "avi": f"pcm_s{self._bits}le"}.get(
            output.format.name, "flac"
        )
        codec = _CODECS.get(coding, coding.lower()) if self._bits is None else lossless
        known = av.Codec(codec, "w")
        if (known.audio_rates and rate not in known.audio_rates) or audio.channels not in _LAYOUTS:
            raise UnsuitableError
        self._layout = _LAYOUTS[audio.channels]
        self.stream = output.add_stream(codec, rate=rate, layout=self._layout)
        names = [kind.name for kind in known.audio_formats or []]
        if self._bits is None:
            self._kind = next(name for name in ("fltp", "flt", *names) if name in names)
        else:
            self._kind = ("s16" if self._bits == 16 else "s32") + (
                "p" if lossless == "alac" else ""
            )
        self.stream.codec_context.format = self._kind
        if self._bits is None:
            # 2.5 bits a sample: 120 kbit/s for a channel at 48 kHz, 40 at 16 kHz.
            self.stream.bit_rate = round(2.5 * rate) * audio.channels
        for name, text in audio.tags.fields:
            if name in ("title", "language"):
                self.stream.metadata[name] = text
        self._output = output

    @property
    def second(self) -> float | None:
        """Where the next block begins; None once all is encoded."""
        if self._position > self._audio.samples.shape[1]:
            return None
        return self._position / self._audio.sample_rate

    def encode_block(self, frames: int = 1 << 16) -> None:
        """Encode and mux the next block; after the last one, what the codec holds back."""
        block = self._audio.samples[:, self._position : self._position + frames]
        if not block.shape[1]:
            self._output.mux(self.stream.encode(None))
            self._position = self._audio.samples.shape[1] + 1
            return
        if self._bits is not None:
            block = _to_pcm(block, self._bits)
        elif not self._kind.startswith("flt"):
            block = _to_pcm(block, 16)
        frame = frame_of(block, self._kind, self._layout, self._audio.sample_rate)
        frame.pts = self._position
        self._position += block.shape[1]
        self._output.mux(self.stream.encode(frame))


def _blocks(samples: np.ndarray, frames: int = 1 << 16) -> Iterator[np.ndarray]:
    for start in range(0, samples.shape[1], frames):
        yield samples[:, start : start + frames]


def _encodable(samples: np.ndarray, coding: str) -> np.ndarray:
    """`[channels, samples]` float to `[samples, channels]` of what libsndfile stores unchanged.

    libsndfile scales floats by 2**(bits - 1) - 1 on their way to integers, which is off by one
    at the last bit; integers it takes as they are, in the upper bits.
    """
    if coding in FLOAT_SUBTYPES:
        return samples.T
    bits = PCM_BITS.get(coding)
    if bits is None:
        return np.clip(samples, -1.0, 1.0).T
    return _to_pcm(samples, bits).T


def _to_pcm(samples: np.ndarray, bits: int) -> np.ndarray:
    """Round and clip floats to integers of `bits`, held in the upper bits of int16 or int32."""
    full_scale = float(1 << (bits - 1))
    pcm = np.clip(np.rint(samples * np.float64(full_scale)), -full_scale, full_scale - 1)
    if bits <= 16:
        return pcm.astype(np.int16) << (16 - bits)
    return pcm.astype(np.int32) << (32 - bits)
