"""Sound files to float32 `[channels, samples]` and back, and what may be done to such samples.

soundfile (libsndfile) reads and writes WAV, FLAC, OGG, MP3 and their kin; PyAV, which carries
FFmpeg's libraries in its wheel, does the rest: MP4, MOV, WebM and other video (their sound).
"""

import math
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from frcrn_app.audio.containers import foreign_kind, is_cut_off, stated_sample_rate
from frcrn_app.errors import AudioError

MIN_SAMPLE_RATE = 8_000  # Hz
MAX_SAMPLE_RATE = 192_000  # Hz

AUDIO_SUFFIXES = frozenset(
    {".wav", ".wave", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".flac"}
    | {".ogg", ".oga", ".opus", ".mp3", ".m4a", ".m4b", ".mp4", ".m4v", ".mov", ".3gp", ".webm"}
    | {".mkv", ".mka", ".avi", ".aac", ".ac3", ".amr", ".wma"}
)

FORMATS = ("same", "wav16", "wav-float", "flac")

# Containers that are written again as they came, with the suffixes that suit them; the first is
# given to a file whose name says something else.
_CONTAINER_SUFFIXES = {
    "WAV": (".wav", ".wave"),
    "WAVEX": (".wav", ".wave"),
    "RF64": (".wav", ".wave", ".rf64"),
    "W64": (".w64",),
    "AIFF": (".aiff", ".aif", ".aifc"),
    "AU": (".au", ".snd"),
    "CAF": (".caf",),
    "FLAC": (".flac",),
    "OGG": (".ogg", ".oga", ".opus"),
    "MP3": (".mp3",),
    "MP4": (".m4a", ".m4b"),
    "WEBM": (".webm",),
}
_WAV_FAMILY = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF")
_SUFFIX_CONTAINERS = {
    suffix: container
    for container, suffixes in reversed(_CONTAINER_SUFFIXES.items())
    for suffix in suffixes
}

# Integer PCM by soundfile subtype: bits a sample. A float sample s is round(s * 2**(bits - 1)).
_PCM_BITS = {
    "PCM_S8": 8,
    "PCM_U8": 8,
    "PCM_16": 16,
    "PCM_24": 24,
    "PCM_32": 32,
    "ULAW": 16,  # companded from 16-bit samples
    "ALAW": 16,
}
_FLOAT_SUBTYPES = ("FLOAT", "DOUBLE")
# libsndfile's ALAC encoder garbles blocks that do not compress, such as loud noise.
_ALAC_AS_PCM = {
    "ALAC_16": "PCM_16",
    "ALAC_20": "PCM_24",
    "ALAC_24": "PCM_24",
    "ALAC_32": "PCM_32",
}

# FFmpeg demuxers that may open a file. Left out on purpose: playlists (hls, concat, dash) and
# descriptions (sdp), through which an uploaded file could make the server read other files or
# addresses, and pictures.
_DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ogg,mp3,aac,amr,amrnb,amrwb,wav,w64,aiff,au,caf,flac,"
    "ac3,eac3,dts,asf,avi,mpeg,mpegts,flv,wv,ape,tta"
)
_BLOCK_FRAMES = 1 << 18  # frames decoded or encoded at a time
_LENGTH_UNKNOWN = 1 << 60  # frames; libsndfile says 2**63 - 1
_WAV_LIMIT = (1 << 32) - (1 << 16)  # bytes of samples that a RIFF header can count, with room


@dataclass(frozen=True, eq=False)
class Audio:
    """A sound in memory.

    Args:
        samples: float32 `[channels, samples]`, nominally in [-1, 1]; other floats are converted,
            one dimension is taken as one channel.
        sample_rate: Hz, 8,000 to 192,000.
        container: how it was stored: "WAV", "FLAC", "OGG", "MP3", "MP4", "WEBM" ... None if it was
            made in memory.
        subtype: the coding inside it, in soundfile's names where it has one: "PCM_16", "FLOAT",
            "VORBIS", "OPUS", "MPEG_LAYER_III", otherwise the codec's own, such as "AAC".

    Raises:
        AudioError: on integer samples, more than two dimensions, or a sample rate out of range.
    """

    samples: np.ndarray
    sample_rate: int
    container: str | None = None
    subtype: str | None = None

    def __post_init__(self):
        samples = np.asarray(self.samples)
        if samples.ndim not in (1, 2) or not np.issubdtype(samples.dtype, np.floating):
            raise AudioError(
                "Samples must be floating-point [channels, samples], not "
                f"{samples.dtype} of shape {samples.shape}: divide integers by their full scale."
            )
        object.__setattr__(self, "samples", np.atleast_2d(samples).astype(np.float32, copy=False))
        object.__setattr__(self, "sample_rate", _checked_rate(self.sample_rate, "The sound"))

    @property
    def channels(self) -> int:
        return self.samples.shape[0]

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.samples.shape[1] / self.sample_rate

    def with_samples(self, samples: np.ndarray) -> "Audio":
        """Return other samples under the same rate, container and subtype."""
        return replace(self, samples=samples)


def require_sound(audio: Audio, name: str = "The sound") -> None:
    """Raise AudioError if a sound has no samples, or NaN or infinite ones."""
    if audio.samples.size == 0:
        raise AudioError(f"{name} holds no samples: record or export it again.")
    for start in range(0, audio.samples.shape[1], _BLOCK_FRAMES):
        finite = np.isfinite(audio.samples[:, start : start + _BLOCK_FRAMES]).all(axis=0)
        if not finite.all():
            second = (start + int(np.argmin(finite))) / audio.sample_rate
            raise AudioError(
                f"{name} has NaN or infinite samples, the first at {second:.3f} s: "
                "export it again, or replace them by zeros."
            )


# --------------------------------------------------------------------------------------- reading


def load_audio(path: str | os.PathLike, *, max_seconds: float | None = None) -> Audio:
    """Read a sound file, or the sound of a video, whatever its container.

    Integer PCM of up to 24 bits is kept exactly (sample / 2**(bits - 1)); of 32 bits, float32
    keeps the leading 24. Float files keep what exceeds [-1, 1].

    Args:
        path: the file; its content counts, not its suffix.
        max_seconds: refuse longer sounds. Where the header tells the length this costs no
            decoding, elsewhere decoding stops there, so that memory stays bounded.

    Raises:
        AudioError: with one sentence, on a path that is missing, unreadable or a folder; on a file
            that is empty, cut off, damaged, not sound, or a video without sound; on no samples,
            NaN or infinite samples; on a sample rate that is unknown or outside 8 to 192 kHz; on a
            sound longer than `max_seconds`.
    """
    path = Path(path)
    _check_readable(path)
    name = f'"{path.name}"'
    kind = foreign_kind(path)
    if kind is not None:
        raise AudioError(f"{name} is not a sound file but {kind}: choose a recording.")
    if (rate := stated_sample_rate(path)) is not None:
        _checked_rate(rate, name)
    if is_cut_off(path):
        raise AudioError(
            f"{name} is cut off: its header promises more than there is; copy or export it again."
        )
    audio = _read_by_soundfile(path, name, max_seconds)
    if audio is None:
        audio = _read_by_pyav(path, name, max_seconds)
    require_sound(audio, name)
    return audio


def _check_readable(path: Path) -> None:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise AudioError(f'"{path}" is a folder, not a sound file: name the files in it.')
        if not stat.S_ISREG(status.st_mode):
            raise AudioError(f'"{path}" is a device or pipe, not a file: save the sound first.')
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise AudioError(f'There is no file "{path}": check the path.') from None
    except PermissionError:
        raise AudioError(f'"{path}" may not be read: check its permissions.') from None
    except AudioError:
        raise
    except (OSError, ValueError) as error:  # too long a name, a NUL in it, a failing disk
        reason = getattr(error, "strerror", None) or str(error)
        raise AudioError(f'"{path}" cannot be read ({reason}): check the path.') from error
    if status.st_size == 0:
        raise AudioError(f'"{path.name}" is empty (0 bytes): record or copy it again.')


def _checked_rate(rate: float, name: str) -> int:
    if rate != int(rate) or not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        stated = f"a sample rate of {rate:,} Hz" if rate > 0 else "an unknown sample rate"
        raise AudioError(
            f"{name} has {stated}: "
            f"rates from {MIN_SAMPLE_RATE:,} to {MAX_SAMPLE_RATE:,} Hz can be processed."
        )
    return int(rate)


class _Collector:
    """Decoded blocks `[channels, samples]` of one sound, up to a limit of seconds."""

    def __init__(self, name: str, sample_rate: int, max_seconds: float | None):
        self.name, self.sample_rate, self.max_seconds = name, sample_rate, max_seconds
        self.blocks: list[np.ndarray] = []
        self.length = 0

    def refuse_if_longer(self, samples: int) -> None:
        if self.max_seconds is not None and samples > self.max_seconds * self.sample_rate:
            raise AudioError(
                f"{self.name} is longer than the limit of {self.max_seconds:g} s: "
                "cut it into shorter files, or raise the limit (--max-seconds)."
            )

    def add(self, block: np.ndarray) -> None:
        self.length += block.shape[1]
        self.refuse_if_longer(self.length)
        self.blocks.append(block)

    def trim_padding(self, length: int) -> None:
        """Drop what an encoder added to fill its last frames, of up to 2,048 samples each."""
        if 0 < self.length - length <= 2 * 2048 and self.blocks:
            samples = self.joined(self.blocks[0].shape[0])[:, :length]
            self.blocks, self.length = [samples], length

    def joined(self, channels: int) -> np.ndarray:
        samples = np.empty((channels, self.length), dtype=np.float32)
        end = self.length
        while self.blocks:  # freed one by one: the sound is never held twice
            block = self.blocks.pop()
            samples[:, end - block.shape[1] : end] = block
            end -= block.shape[1]
        return samples


def _read_by_soundfile(path: Path, name: str, max_seconds: float | None) -> Audio | None:
    """Return None if libsndfile does not know the container."""
    import soundfile

    if path.suffix.lower() == ".raw":  # soundfile takes the suffix for headerless samples
        return None
    try:
        file = soundfile.SoundFile(path)
    except soundfile.LibsndfileError:
        return None
    with file:
        # RAW is guessed from the suffix alone; libsndfile reads no FLAC that was streamed, so that
        # its header lacks the length, to its end.
        if file.format == "RAW" or file.frames >= _LENGTH_UNKNOWN:
            return None
        collector = _Collector(name, _checked_rate(file.samplerate, name), max_seconds)
        stated = file.frames
        collector.refuse_if_longer(stated)
        try:
            while True:
                block = file.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)
                if not len(block):
                    break
                collector.add(np.ascontiguousarray(block.T))
        except soundfile.LibsndfileError as error:
            raise AudioError(f"{name} is damaged or cut off: copy or export it again.") from error
        # An MP3's stated length is an estimate to within its last frames, others are exact.
        tolerance = 2 * 1152 if file.format == "MP3" else 0
        if collector.length < stated - tolerance:
            raise AudioError(
                f"{name} is cut off: it holds {collector.length / file.samplerate:.1f} of "
                f"{stated / file.samplerate:.1f} s; copy or export it again."
            )
        return Audio(collector.joined(file.channels), file.samplerate, file.format, file.subtype)


def _read_by_pyav(path: Path, name: str, max_seconds: float | None) -> Audio:
    import av

    unknown = AudioError(
        f"{name} cannot be read as sound: it is damaged, cut off or no sound file at all."
    )
    options = {"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"}
    try:
        # An absolute path cannot be taken for an address or another FFmpeg protocol.
        with av.open(
            os.path.abspath(path), options=options, metadata_errors="replace"
        ) as container:
            stream = container.streams.best("audio")
            if stream is None and container.streams.video:
                raise AudioError(f"{name} is a video without sound: choose one with a sound track.")
            if stream is None:
                raise unknown
            if stream.codec_context is None:
                raise AudioError(
                    f"{name} is coded in a way that cannot be decoded here: export it as WAV."
                )
            return _decode(container, stream, name, max_seconds)
    except av.FFmpegError as error:
        raise unknown from error


def _decode(container, stream, name: str, max_seconds: float | None) -> Audio:
    import av

    family = container.format.name
    collector = None
    channels = rate = subtype = None
    try:
        for frame in container.decode(stream):
            if frame.samples == 0:
                continue
            if collector is None:
                rate, channels = _checked_rate(frame.sample_rate, name), frame.layout.nb_channels
                subtype = _pyav_subtype(stream.codec_context)
                collector = _Collector(name, rate, max_seconds)
                if family.startswith("mov") and stream.duration is not None:
                    # Elsewhere the duration is a guess from the bit rate.
                    collector.refuse_if_longer(int(stream.duration * stream.time_base * rate))
            if (frame.sample_rate, frame.layout.nb_channels) != (rate, channels):
                raise AudioError(
                    f"{name} changes its sample rate or channels midway: export it again."
                )
            collector.add(_frame_samples(frame))
    except av.FFmpegError as error:
        if collector is None:
            raise
        raise AudioError(f"{name} is damaged or cut off: copy or export it again.") from error
    if collector is None:
        raise AudioError(f"{name} holds no samples: record or export it again.")
    if family.startswith("mov"):
        label = "MP4"
        if stream.duration is not None:
            collector.trim_padding(round(stream.duration * stream.time_base * rate))
    elif family.startswith("matroska"):
        label = "WEBM"
    else:
        label = family.split(",")[0].upper()
    return Audio(collector.joined(channels), rate, label, subtype)


def _frame_samples(frame) -> np.ndarray:
    """Samples of an av.AudioFrame as float32 `[channels, samples]`."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128) / 128
    if np.issubdtype(samples.dtype, np.integer):
        full_scale = float(1 << (8 * samples.dtype.itemsize - 1))
        return (samples.astype(np.float64) / full_scale).astype(np.float32)
    return samples.astype(np.float32)


def _pyav_subtype(codec) -> str:
    """Lossless codecs under soundfile's names, so that they are stored losslessly again."""
    if codec.name in ("alac", "flac", "wavpack", "ape", "tta") or codec.name.startswith("pcm_"):
        width = {"u8": 8, "s16": 16, "s32": 24, "flt": 32, "dbl": 64}
        bits = width.get(codec.format.name.rstrip("p"), 16)
        return {8: "PCM_16", 16: "PCM_16", 24: "PCM_24", 32: "FLOAT", 64: "DOUBLE"}[bits]
    return {"libopus": "OPUS", "mp3float": "MPEG_LAYER_III"}.get(codec.name, codec.name.upper())


# --------------------------------------------------------------------------------------- writing


def save_audio(path: str | os.PathLike, audio: Audio, *, format: str = "same") -> Path:
    """Write a sound and return the path that was written.

    Integer formats take round(sample * 2**(bits - 1)), clipped at full scale: never wrapped, never
    rescaled, so that PCM of up to 24 bits survives load_audio and save_audio bit for bit (of 32
    bits, the leading 24 do). Float formats keep samples beyond [-1, 1].

    The file appears complete or not at all: it is written beside its place and moved there.

    Args:
        path: where to; folders are made. A suffix that does not suit what is written is replaced.
        audio: the sound.
        format: "same" writes the container that the path's suffix names, if it is one that can be
            written, else the one that the sound came in; bit depth and codec are kept. What cannot
            be written so becomes lossless where it was lossless, else the nearest: MP4 and MOV
            become M4A, AMR, WMA and others WAV. "wav16", "wav-float" and "flac" (16 bit, or 24 if
            the sound came in more) are what they say.

    Raises:
        AudioError: on NaN samples, a folder that cannot be written, a full disk, or more channels
            than FLAC has.
    """
    if format not in FORMATS:
        raise AudioError(f'There is no format "{format}": choose one of {", ".join(FORMATS)}.')
    path = Path(path)
    if not np.isfinite(audio.samples).all():
        raise AudioError(f'"{path.name}" is not written: the sound has NaN or infinite samples.')
    if format == "flac" and audio.channels > 8:
        raise AudioError(f"FLAC holds at most 8 channels, not {audio.channels}: choose WAV.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for container, subtype in _targets(path, audio, format):
            target = _with_suitable_suffix(path, container, subtype)
            if _write_atomically(target, audio, container, subtype):
                return target
    except OSError as error:
        reason = error.strerror or str(error)
        raise AudioError(f'"{path}" cannot be written ({reason}): check the folder.') from error
    raise AudioError(f'"{path}" cannot be written: no format holds {audio.channels} channels.')


def _targets(path: Path, audio: Audio, format: str) -> Iterator[tuple[str, str]]:
    """Yield (container, subtype) from the wished-for one to the ones that hold anything."""
    coding = _ALAC_AS_PCM.get(audio.subtype, audio.subtype)
    deep = coding in (*_FLOAT_SUBTYPES, "PCM_24", "PCM_32")
    if format == "wav16":
        yield "WAV", "PCM_16"
    elif format == "wav-float":
        yield "WAV", "FLOAT"
    elif format == "flac":
        yield "FLAC", "PCM_24" if deep else "PCM_16"
    else:
        named = _SUFFIX_CONTAINERS.get(path.suffix.lower())
        own = audio.container
        if named is None or path.suffix.lower() in _CONTAINER_SUFFIXES.get(own, ()):
            container = own or "WAV"
        else:
            container = named
        yield from _same_targets(container, coding, path.suffix.lower(), deep)
        yield "WAV", coding if coding in (*_PCM_BITS, *_FLOAT_SUBTYPES) else "PCM_16"
        yield "WAV", "PCM_24" if deep else "PCM_16"


def _same_targets(
    container: str, subtype: str | None, suffix: str, deep: bool
) -> Iterator[tuple[str, str]]:
    lossless = subtype in _PCM_BITS or subtype in _FLOAT_SUBTYPES
    if container in _WAV_FAMILY:
        yield container, subtype if lossless else "PCM_16"
        yield container, "PCM_24" if deep else "PCM_16"
    elif container == "FLAC":
        yield container, "PCM_S8" if subtype == "PCM_S8" else "PCM_24" if deep else "PCM_16"
    elif container == "OGG":
        opus = subtype == "OPUS" or suffix == ".opus"
        yield container, "OPUS" if opus else "VORBIS"
        yield container, "VORBIS"
    elif container == "MP3":
        yield container, "MPEG_LAYER_III"
    elif container == "MP4" and not lossless:
        yield container, "AAC"
    elif container == "WEBM" and not lossless:
        yield container, "OPUS"


def _with_suitable_suffix(path: Path, container: str, subtype: str) -> Path:
    suffixes = _CONTAINER_SUFFIXES[container]
    suffix = path.suffix.lower()
    if suffix in suffixes and (suffix != ".opus" or subtype == "OPUS"):
        return path
    if suffix in AUDIO_SUFFIXES:
        return path.with_suffix(suffixes[0])
    return path.with_name(path.name + suffixes[0])  # "talk.v2" is a name, not a suffix


def _write_atomically(path: Path, audio: Audio, container: str, subtype: str) -> bool:
    """Return False if the format cannot hold such a sound; nothing is left behind then."""
    part = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex[:8]}.part")
    try:
        if container in ("MP4", "WEBM"):
            written = _write_by_pyav(part, audio, container)
        else:
            written = _write_by_soundfile(part, audio, container, subtype)
        if written:
            os.replace(part, path)
        return written
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _write_by_soundfile(part: Path, audio: Audio, container: str, subtype: str) -> bool:
    import soundfile

    sample_bytes = 8 if subtype == "DOUBLE" else _PCM_BITS.get(subtype, 32) // 8
    if container in ("WAV", "WAVEX") and audio.samples.size * sample_bytes > _WAV_LIMIT:
        container = "RF64"
    if not soundfile.check_format(container, subtype):
        return False
    part.touch()  # a folder that cannot be written raises its OSError here
    quality = {"compression_level": 0.0} if container == "MP3" else {}  # 0: least compressed
    if subtype in ("VORBIS", "OPUS"):
        quality = {"compression_level": 0.2}
    try:
        file = soundfile.SoundFile(
            part, "w", audio.sample_rate, audio.channels, subtype, format=container, **quality
        )
    except soundfile.LibsndfileError:
        return False
    try:
        with file:
            # By the block: libsndfile's Vorbis encoder overflows its stack on long ones.
            for block in _blocks(audio.samples):
                file.write(_encodable(block, subtype))
    except soundfile.LibsndfileError as error:
        raise OSError(f"the disk may be full: {error}") from error
    return True


def _blocks(samples: np.ndarray, frames: int = 1 << 16) -> Iterator[np.ndarray]:
    for start in range(0, samples.shape[1], frames):
        yield samples[:, start : start + frames]


def _encodable(samples: np.ndarray, subtype: str) -> np.ndarray:
    """`[channels, samples]` float to `[samples, channels]` of what libsndfile stores unchanged.

    libsndfile scales floats by 2**(bits - 1) - 1 on their way to integers, which is off by one
    at the last bit; integers it takes as they are, in the upper bits.
    """
    if subtype in _FLOAT_SUBTYPES:
        return samples.T
    bits = _PCM_BITS.get(subtype)
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


def _write_by_pyav(part: Path, audio: Audio, container: str) -> bool:
    import av

    rate, channels = audio.sample_rate, audio.channels
    if channels > 2:  # beyond stereo the encoders want to be told which loudspeaker is which
        return False
    codec, muxer, sample_format = {
        "MP4": ("aac", "ipod", "fltp"),
        "WEBM": ("libopus", "webm", "flt"),
    }[container]
    try:
        if rate not in (av.Codec(codec, "w").audio_rates or [rate]):
            return False
    except av.codec.codec.UnknownCodecError:
        return False
    layout = "mono" if channels == 1 else "stereo"
    # By default the edit list, which tells players the true length, counts in milliseconds.
    options = {"movie_timescale": str(rate)} if container == "MP4" else {}
    part.touch()
    try:
        with av.open(str(part.absolute()), "w", format=muxer, options=options) as output:
            stream = output.add_stream(codec, rate=rate, layout=layout)
            stream.codec_context.format = sample_format
            # 2.5 bits a sample: 120 kbit/s for a channel at 48 kHz, 40 at 16 kHz.
            stream.bit_rate = round(2.5 * rate) * channels
            position = 0
            for block in _blocks(np.clip(audio.samples, -1.0, 1.0)):
                planar = sample_format.endswith("p")
                array = block if planar else block.T.reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(array), format=sample_format, layout=layout
                )
                frame.sample_rate, frame.pts = rate, position
                position += block.shape[1]
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
    except av.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        return False
    return True


# ------------------------------------------------------------------------------------ resampling

# A Kaiser window of 128 zero crossings a side with -100 dB stop band (beta from Kaiser's formula,
# 0.1102 * (100 - 8.7)) needs 5 % of the lower Nyquist frequency to fall: passband flat up to 0.95
# of it, nothing above it folds back. At 48 <-> 16 kHz that is 7.6 kHz, where torchaudio's default
# (6 crossings, Hann) is already 6 dB down at 7.9 and aliases at -40 dB. The cost is small beside
# the network's.
_ZERO_CROSSINGS = 128
_KAISER_BETA = 10.06
_ROLLOFF = 0.975

_LARGEST_KERNEL = 1 << 24  # numbers in torchaudio's filter bank, 64 MiB
_CHUNK_SAMPLES = 1 << 20  # samples in or out at a time, a channel
_PHASES = 2048  # of the interpolated bank; linear in between, exact to -130 dB


def resample(samples: np.ndarray, orig_rate: int, new_rate: int) -> np.ndarray:
    """Resample by windowed-sinc interpolation (torchaudio.functional.resample's filters).

    Long sounds pass in chunks that share their neighbours' samples, so that memory is bounded and
    the result is the whole's. Rates with hardly a common divisor (44,101 and 16,000 Hz), for which
    torchaudio would build gigabytes of filters, use the same window on an interpolated bank.

    Args:
        samples: floats `[channels, samples]` (or any leading dimensions).
        orig_rate, new_rate: Hz.

    Returns:
        float32 `[channels, ceil(samples * new_rate / orig_rate)]`.
    """
    samples = np.asarray(samples, dtype=np.float32)
    if orig_rate == new_rate:
        return samples
    divisor = math.gcd(orig_rate, new_rate)
    orig, new = orig_rate // divisor, new_rate // divisor
    leading, length = samples.shape[:-1], samples.shape[-1]
    target = -(-length * new // orig)
    rows = np.ascontiguousarray(samples).reshape(math.prod(leading), length)
    resampled = np.empty((rows.shape[0], target), dtype=np.float32)
    if length:
        # Zero crossings a side, in samples of the original rate.
        reach = math.ceil(_ZERO_CROSSINGS * orig / (min(orig, new) * _ROLLOFF))
        if new * (2 * reach + orig) <= _LARGEST_KERNEL:
            _resample_in_chunks(rows, resampled, orig, new, reach)
        else:
            _resample_by_interpolated_bank(rows, resampled, orig, new, reach)
    return resampled.reshape(*leading, target)


@lru_cache(maxsize=16)
def _resampler(orig: int, new: int):
    import torch

    from frcrn_app.audio.torchaudio import import_torchaudio

    resampler = import_torchaudio().transforms.Resample(
        orig,
        new,
        resampling_method="sinc_interp_kaiser",
        lowpass_filter_width=_ZERO_CROSSINGS,
        rolloff=_ROLLOFF,
        beta=_KAISER_BETA,
        dtype=torch.float64,  # of the filters' phases: single precision costs up to 40 dB
    )
    return resampler.float()


def _resample_in_chunks(
    rows: np.ndarray, resampled: np.ndarray, orig: int, new: int, reach: int
) -> None:
    """Every `orig` samples in are `new` samples out: chunks are whole numbers of such blocks."""
    import torch

    resampler = _resampler(orig, new)
    length, target = rows.shape[1], resampled.shape[1]
    blocks = max(1, _CHUNK_SAMPLES // max(orig, new))
    margin = -(-reach // orig) + 1  # blocks of real samples on either side, then dropped
    for first in range(0, -(-length // orig), blocks):
        before = min(first, margin)
        begin, end = (first - before) * orig, min(length, (first + blocks + margin) * orig)
        chunk = rows[:, begin:end]
        # Full blocks only: torchaudio rounds the length of others in single precision.
        chunk = np.pad(chunk, ((0, 0), (0, -chunk.shape[1] % orig)))
        with torch.inference_mode():
            out = resampler(torch.from_numpy(chunk)).numpy()
        begin, end = first * new, min(target, (first + blocks) * new)
        resampled[:, begin:end] = out[:, before * new : before * new + end - begin]


def _resample_by_interpolated_bank(
    rows: np.ndarray, resampled: np.ndarray, orig: int, new: int, reach: int
) -> None:
    cutoff = min(orig, new) / orig * _ROLLOFF  # of the original Nyquist frequency
    taps = np.arange(-reach, reach + 1)
    # bank[p, k]: weight of the sample at distance taps[k] for an output p / _PHASES after it
    distance = (taps[None] - np.arange(_PHASES + 1)[:, None] / _PHASES) * cutoff
    window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (distance / _ZERO_CROSSINGS) ** 2, 0, 1)))
    window[np.abs(distance) > _ZERO_CROSSINGS] = 0
    bank = (cutoff * np.sinc(distance) * window / np.i0(_KAISER_BETA)).astype(np.float32)
    padded = np.pad(rows, ((0, 0), (reach, reach + 1)))
    views = np.lib.stride_tricks.sliding_window_view(padded, len(taps), axis=1)
    step = max(1, _CHUNK_SAMPLES * 4 // len(taps))
    for begin in range(0, resampled.shape[1], step):
        numerator = np.arange(begin, min(begin + step, resampled.shape[1]), dtype=np.int64) * orig
        nearest = numerator // new
        phase = (numerator - nearest * new) / new * _PHASES
        lower = phase.astype(np.int64)
        weight = (phase - lower).astype(np.float32)[:, None]
        filters = bank[lower] * (1 - weight) + bank[lower + 1] * weight  # [outputs, taps]
        resampled[:, begin : begin + step] = np.einsum(
            "cnk,nk->cn", views[:, nearest], filters, optimize=False
        )


# ----------------------------------------------------------------------------------------- level


def to_mono(audio: Audio) -> Audio:
    """Return the mean of all channels, `[1, samples]`."""
    return audio.with_samples(audio.samples.mean(axis=0, keepdims=True))


def rms_dbfs(samples: np.ndarray) -> float:
    """Root mean square level in dB relative to a sample of 1.0; -inf for silence or no samples."""
    if samples.size == 0:
        return -math.inf
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return 10 * math.log10(power) if power > 0 else -math.inf
