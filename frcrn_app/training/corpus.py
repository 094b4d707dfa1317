"""Speech, noise and room responses to train on: found, decoded once, read from int16 at 16 kHz.

Audio comes either from an index (a CSV file whose rows cut clips out of longer files) or from
plain folders of audio of any kind. Every file is decoded once, whole, into a cache of raw int16
samples; a clip is then a short read from that file. Decoding per clip would decode the start of a
joined file again for each of its hundreds of clips.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from frcrn_app import audio
from frcrn_app.errors import AudioError, UserError

SAMPLE_RATE = 16_000  # Hz, the network's only rate
INT16_SCALE = 32_768.0
VALID_SHARE = 0.1  # of the groups of a folder or of an index without a validation split
MIN_CLIP_SECONDS = 0.25  # shorter ones are clicks or decoding remnants
CACHE_VERSION = 1  # raise when what is stored per file changes

# Test speakers of VoiceBank-DEMAND. Weights that heard them would score too well on the set that
# everybody compares on, so no training corpus takes them, wherever they lie.
HELD_OUT_SPEAKERS = re.compile(r"(?:^|[^a-z0-9])p(?:232|257)(?:[^0-9]|$)", re.IGNORECASE)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Clip:
    """A stretch of one file: `start` and `frames` in samples at 16 kHz."""

    path: str
    start: int
    frames: int
    kind: str  # "speech" | "noise" | "rir"
    source: str  # the collection it belongs to
    group: str  # speaker or noise kind, unique only within its source
    split: str  # "train" | "valid"

    @property
    def seconds(self) -> float:
        return self.frames / SAMPLE_RATE


class Corpus:
    """Clips of one split, readable as float32 at 16 kHz.

    Attributes:
        speech, noise: lists of `Clip`.
        rirs: room impulse responses, float32 `[samples]` each, as measured.
    """

    def __init__(
        self,
        speech: Sequence[Clip],
        noise: Sequence[Clip],
        rirs: Sequence[np.ndarray],
        files: dict[str, str],
        cache: str | Path,
    ):
        self.speech = list(speech)
        self.noise = list(noise)
        self.rirs = list(rirs)
        self.cache = Path(cache)
        self._files = files  # original path -> cached samples

    @classmethod
    def build(
        cls,
        *,
        speech: Iterable[str | Path] = (),
        noise: Iterable[str | Path] = (),
        rir: Iterable[str | Path] = (),
        index: str | Path | None = None,
        cache: str | Path,
        split: str = "train",
        progress: Progress | None = None,
    ) -> Corpus:
        """Find audio, decode what the cache lacks, and keep the clips of one split.

        Args:
            speech, noise, rir: folders or single files, searched to any depth.
            index: a CSV file with the columns path (relative to it), kind, source, group, start,
                frames, split; `start` and `frames` in samples at 16 kHz.
            cache: folder for the decoded samples, 115 MB an hour; made if missing. A run that
                was stopped goes on where it was.
            split: "train", "valid" or "all". An index names it; of folders a tenth of the groups
                (subfolders, or files where there are none) is held out, always the same ones.
            progress: called as progress(files done, files in all) while decoding.

        Raises:
            UserError: a folder or index that is missing, empty or malformed.
            AudioError: a file that cannot be decoded.
        """
        if split not in ("train", "valid", "all"):
            raise UserError(f'A corpus has the splits "train", "valid" and "all", not "{split}".')
        cache = Path(cache)
        rows = read_index(index) if index is not None else []
        found = {
            kind: [(root, path) for root in roots for path in find_audio(root, kind)]
            for kind, roots in (("speech", speech), ("noise", noise), ("rir", rir))
        }
        wanted = [clip.path for clip in rows]
        wanted += [str(path) for kind in ("speech", "noise") for _, path in found[kind]]
        files = decode_all(list(dict.fromkeys(wanted)), cache, progress)

        clips = _assign_splits(rows, files) if rows else []
        for kind in ("speech", "noise"):
            by_root: dict[Path, list[Clip]] = defaultdict(list)
            for root, path in found[kind]:
                frames = os.path.getsize(files[str(path)]) // 2
                folder = path.parent if Path(root).is_file() else Path(root)
                by_root[folder].append(_whole_file(folder, path, frames, kind))
            for root_clips in by_root.values():
                clips += _assign_splits(root_clips, files)

        shortest = MIN_CLIP_SECONDS * SAMPLE_RATE
        clips = [clip for clip in clips if split in (clip.split, "all")]
        clips = [clip for clip in clips if clip.frames >= shortest]
        clips = [clip for clip in clips if not _held_out(clip)]
        rirs = [read_rir(path) for _, path in found["rir"]]
        return cls(
            [clip for clip in clips if clip.kind == "speech"],
            [clip for clip in clips if clip.kind == "noise"],
            rirs,
            files,
            cache,
        )

    def read(self, clip: Clip, offset: int = 0, frames: int | None = None) -> np.ndarray:
        """Samples of a clip from `offset` on, float32 `[frames]` in [-1, 1)."""
        left = clip.frames - offset
        frames = left if frames is None else min(frames, left)
        stored = np.fromfile(
            self._files[clip.path], np.int16, count=frames, offset=2 * (clip.start + offset)
        )
        return stored.astype(np.float32) * np.float32(1 / INT16_SCALE)

    def seconds(self, kind: str) -> float:
        """Length of all clips of a kind ("speech" or "noise") in seconds."""
        return sum(clip.frames for clip in getattr(self, kind)) / SAMPLE_RATE

    def groups(self, kind: str) -> set[tuple[str, str]]:
        """(source, group) of all clips of a kind: its speakers or its noise kinds."""
        return {(clip.source, clip.group) for clip in getattr(self, kind)}

    def subset(self, *, speech: bool = True, noise: bool = True) -> Corpus:
        """The same corpus without its speech or without its noise."""
        return Corpus(
            self.speech if speech else [],
            self.noise if noise else [],
            self.rirs,
            self._files,
            self.cache,
        )

    def joined(self, other: Corpus) -> Corpus:
        """Both corpora as one; they may share clips, which then count twice."""
        return Corpus(
            self.speech + other.speech,
            self.noise + other.noise,
            self.rirs + other.rirs,
            self._files | other._files,
            self.cache,
        )


def read_index(index: str | Path) -> list[Clip]:
    """Clips of an index file, paths made absolute.

    Raises:
        UserError: the file is missing, lacks columns, or a row is malformed.
    """
    index = Path(index).expanduser()
    if not index.is_file():
        raise UserError(f"There is no index file {index}.")
    clips = []
    with index.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        columns = ("path", "kind", "source", "group", "start", "frames", "split")
        missing = [name for name in columns if name not in (rows.fieldnames or ())]
        if missing:
            raise UserError(
                f"{index} lacks the column {missing[0]}; it needs {', '.join(columns)}."
            )
        folder = index.parent.resolve()
        for number, row in enumerate(rows, start=2):
            try:
                start, frames = int(row["start"]), int(row["frames"])
            except (TypeError, ValueError):
                start = frames = -1
            if start < 0 or frames <= 0 or row["kind"] not in ("speech", "noise"):
                raise UserError(
                    f"Line {number} of {index} is no clip: kind is speech or noise, start and "
                    "frames are whole numbers of samples at 16 kHz."
                )
            path = str(folder / row["path"])
            clips.append(
                Clip(path, start, frames, row["kind"], row["source"], row["group"], row["split"])
            )
    if not clips:
        raise UserError(f"{index} lists no clips.")
    return clips


def find_audio(root: str | Path, kind: str = "audio") -> list[Path]:
    """All audio files under a folder, sorted; a file is itself.

    Raises:
        UserError: nothing is there.
    """
    root = Path(root).expanduser().resolve()
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise UserError(f"There is no {kind} folder {root}.")
    suffixes = audio.AUDIO_SUFFIXES
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in suffixes)
    found = [path for path in found if path.is_file() and not path.name.startswith(".")]
    if not found:
        raise UserError(f"The {kind} folder {root} holds no audio file.")
    return found


def decode_all(
    paths: Sequence[str], cache: Path, progress: Progress | None = None
) -> dict[str, str]:
    """Decode files into the cache, several at a time; those it has already cost a stat each.

    Returns:
        path -> file of raw int16 samples at 16 kHz, mono.
    """
    files = {path: str(_cached_name(path, cache)) for path in paths}
    with _only_process(cache):
        _decode_missing(files, progress)
    return files


@contextmanager
def _only_process(cache: Path) -> Iterator[None]:
    """Processes that share a cache, as those of one run under torchrun, decode one at a time."""
    try:
        import fcntl
    except ImportError:  # not on Windows; there they would decode the same files twice
        yield
        return
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _decode_missing(files: dict[str, str], progress: Progress | None) -> None:
    missing = [path for path, target in files.items() if not os.path.exists(target)]
    done = len(files) - len(missing)
    if progress is not None:
        progress(done, len(files))
    # Threads, not processes: the decoders and the resampler let go of the interpreter lock.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        pending = [pool.submit(_decode, path, files[path]) for path in missing]
        try:
            for future in as_completed(pending):
                future.result()
                done += 1
                if progress is not None:
                    progress(done, len(files))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def read_mono(path: str | Path) -> np.ndarray:
    """A whole file as float32 `[samples]`, mono at 16 kHz."""
    sound = audio.to_mono(audio.load_audio(path))
    samples = sound.samples
    if sound.sample_rate != SAMPLE_RATE:
        samples = audio.resample(samples, sound.sample_rate, SAMPLE_RATE)
    return samples[0]


def read_rir(path: str | Path) -> np.ndarray:
    """A measured room impulse response, float32 `[samples]` at 16 kHz.

    The first channel, not the mean: microphones apart from each other would comb-filter it.
    """
    sound = audio.load_audio(path)
    samples = audio.resample(sound.samples[:1], sound.sample_rate, SAMPLE_RATE)[0]
    if not np.any(samples):
        raise AudioError(f"{path} is silent: it is no room impulse response.")
    return np.asarray(samples, np.float32)


def _cached_name(path: str, cache: Path) -> Path:
    try:
        status = os.stat(path)
    except OSError as error:
        raise UserError(f"The audio file {path} is missing.") from error
    identity = f"{CACHE_VERSION}|{path}|{status.st_size}|{status.st_mtime_ns}"
    key = hashlib.sha1(identity.encode()).hexdigest()
    # Two letters of folder: a hundred thousand files in one folder are slow to open.
    return cache / "decoded" / key[:2] / f"{key}.i16"


def _decode(path: str, target: str) -> None:
    samples = np.clip(np.rint(read_mono(path) * INT16_SCALE), -INT16_SCALE, INT16_SCALE - 1)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    part = f"{target}.{os.getpid()}.part"
    samples.astype(np.int16).tofile(part)
    os.replace(part, target)  # a kill half way leaves no file that looks whole


def _whole_file(root: Path, path: Path, frames: int, kind: str) -> Clip:
    root = root.expanduser().resolve()
    inside = path.relative_to(root)
    # A subfolder is a speaker or a noise kind; files side by side are each their own.
    group = inside.parent.as_posix() if len(inside.parts) > 1 else inside.stem
    return Clip(str(path), 0, frames, kind, root.name, group, "")


def _assign_splits(clips: list[Clip], files: dict[str, str]) -> list[Clip]:
    """Hold out whole groups, else whole files, else the end of the only file."""
    assigned = []
    for kind in ("speech", "noise"):
        same_kind = [clip for clip in clips if clip.kind == kind]
        if not same_kind or any(clip.split == "valid" for clip in same_kind):
            assigned += same_kind
            continue
        for key in (lambda c: (c.source, c.group), lambda c: c.path, lambda c: (c.path, c.start)):
            names = sorted({key(clip) for clip in same_kind}, key=_shuffled)
            if len(names) > 1:
                held_out = set(names[: max(1, round(VALID_SHARE * len(names)))])
                assigned += [
                    replace(clip, split="valid" if key(clip) in held_out else "train")
                    for clip in same_kind
                ]
                break
        else:
            clip = same_kind[0]
            kept = round(clip.frames * (1 - 2 * VALID_SHARE))
            assigned.append(replace(clip, frames=kept, split="train"))
            end = replace(clip, start=clip.start + kept, frames=clip.frames - kept, split="valid")
            assigned.append(end)
    return assigned


def _shuffled(name: object) -> int:
    """An order that is no alphabet's, and the same on every run and machine."""
    return zlib.crc32(repr(name).encode())


def _held_out(clip: Clip) -> bool:
    # Only the end of the path: a folder above the corpus says nothing about the speaker.
    name = "/".join([*Path(clip.path).parts[-3:], clip.group])
    return clip.kind == "speech" and HELD_OUT_SPEAKERS.search(name) is not None
