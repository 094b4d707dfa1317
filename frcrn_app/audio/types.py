"""Audio in memory: samples, their rate, where they come from, and what is to be said about them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from numbers import Real
from pathlib import Path, PurePath

import numpy as np

from frcrn_app.errors import AudioError, UserError

MIN_SAMPLE_RATE = 8_000  # Hz
MAX_SAMPLE_RATE = 192_000  # Hz

_BLOCK_FRAMES = 1 << 18  # frames looked at in one go
_LARGEST = float(1 << 32)  # beyond the range of integers that a file may hold as floats


@dataclass(frozen=True)
class Note:
    """What whoever gets the audio should know about it, such as a gap that was filled.

    Args:
        code: key of its sentence.
        fields: what the sentence names.
        lost: whether something of the recording could not be read or kept.
    """

    code: str
    fields: Mapping[str, object] = field(default_factory=dict)
    lost: bool = False

    def sentence(self, language: str = "en", path: Callable[[PurePath], str] | None = None) -> str:
        """The sentence in "en" or "zh"; `path` words the paths in it, by default in full."""
        return UserError(self.code, **self.fields).sentence(language, path)


@dataclass(frozen=True)
class Picture:
    """Cover art: an image file's bytes and their type, such as "image/jpeg"."""

    mime: str
    data: bytes


@dataclass(frozen=True)
class Chapter:
    """A named stretch of a recording, in seconds."""

    start: float
    end: float
    title: str

    def for_ffmpeg(self, number: int) -> dict:
        """As PyAV wants it."""
        milliseconds = {"start": round(1000 * self.start), "end": round(1000 * self.end)}
        metadata = {"title": self.title} if self.title else {}
        return {"id": number, "time_base": Fraction(1, 1000), "metadata": metadata, **milliseconds}


@dataclass(frozen=True)
class Tags:
    """What a file says about its audio.

    Args:
        fields: (name, text) under FFmpeg's names in lower case: "title", "artist", "date" ...
        pictures: cover art.
        chapters: in the order of time.
        family: the kind of container that `chunks` belong to: "RIFF", "AIFF", "CAF", "ID3" ...
        chunks: (name, content) of what that container holds beside format and samples, byte for
            byte: bext, iXML, cue, LIST ...
    """

    fields: tuple[tuple[str, str], ...] = ()
    pictures: tuple[Picture, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    family: str | None = None
    chunks: tuple[tuple[bytes, bytes], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.fields or self.pictures or self.chapters or self.chunks)


@dataclass(frozen=True, eq=False)
class Audio:
    """Audio in memory.

    Args:
        samples: float32 `[channels, samples]`, nominally in [-1, 1]; other floats are converted,
            one dimension is taken as one channel.
        sample_rate: Hz, 8,000 to 192,000.
        container: how it was stored: "WAV", "FLAC", "OGG", "MP3", "MP4", "WEBM" ... None if it was
            made in memory.
        subtype: the coding inside it, in soundfile's names where it has one: "PCM_16", "FLOAT",
            "VORBIS", "OPUS", "MPEG_LAYER_III", otherwise the codec's own, such as "AAC".
        notes: what reading it found: gaps, a wrong header, a lost end.
        tags: what its file said about it, to be written back.

    Raises:
        AudioError: on integer samples, more than two dimensions, or a sample rate out of range.
    """

    samples: np.ndarray
    sample_rate: int
    container: str | None = None
    subtype: str | None = None
    notes: tuple[Note, ...] = ()
    tags: Tags = Tags()

    def __post_init__(self):
        samples = np.asarray(self.samples)
        if samples.ndim not in (1, 2) or not np.issubdtype(samples.dtype, np.floating):
            raise AudioError("audio.not_floats", type=samples.dtype.name, shape=samples.shape)
        object.__setattr__(self, "samples", np.atleast_2d(samples).astype(np.float32, copy=False))
        object.__setattr__(self, "sample_rate", checked_rate(self.sample_rate, named(None)))

    @property
    def channels(self) -> int:
        return self.samples.shape[0]

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.samples.shape[1] / self.sample_rate

    def with_samples(self, samples: np.ndarray) -> "Audio":
        """Return other samples under the same rate, container, subtype, notes and tags."""
        return replace(self, samples=samples)

    def noted(self, *notes: Note) -> "Audio":
        """Return the same audio with further notes."""
        return replace(self, notes=(*self.notes, *notes))


def named(path: Path | None) -> UserError:
    """How a sentence names audio: by its file, or as "the audio" where it has none."""
    return UserError("audio.unnamed") if path is None else UserError("audio.named", path=path)


def checked_rate(rate: float, name: UserError) -> int:
    """A sample rate in Hz as an integer; AudioError where it cannot be processed."""
    is_number = isinstance(rate, Real) and math.isfinite(rate)
    if not is_number or rate != int(rate) or not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        limits = {"lowest": MIN_SAMPLE_RATE, "highest": MAX_SAMPLE_RATE}
        if is_number and rate > 0:
            raise AudioError("audio.rate", name=name, rate=rate, **limits)
        raise AudioError("audio.rate_unknown", name=name, **limits)
    return int(rate)


def require_samples(audio: Audio, path: Path | None = None) -> None:
    """Raise AudioError if audio has no samples, or NaN, infinite or absurdly large ones."""
    if audio.samples.size == 0:
        raise AudioError("audio.no_samples", name=named(path))
    for start in range(0, audio.samples.shape[1], _BLOCK_FRAMES):
        block = audio.samples[:, start : start + _BLOCK_FRAMES]
        finite = ((block >= -_LARGEST) & (block <= _LARGEST)).all(axis=0)  # which NaN is not
        if not finite.all():
            second = (start + int(np.argmin(finite))) / audio.sample_rate
            raise AudioError("audio.not_finite", name=named(path), second=second)
