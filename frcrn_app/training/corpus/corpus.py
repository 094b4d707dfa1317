"""A corpus: clips of one split with their samples, from folders, files or an index."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import AudioError, UserError
from frcrn_app.training.corpus.clips import Clip, is_held_out_speaker, whole_file, with_splits
from frcrn_app.training.corpus.decoded import (
    INT16_SCALE,
    LeftOut,
    Progress,
    decode_all,
    read_rir,
)
from frcrn_app.training.corpus.sources import find_audio, read_index, weights_of

SPLITS = ("train", "valid", "all")
CLIP_KINDS = ("speech", "noise")
ALL_LEFT_OUT = {
    "speech": "training.speech_all_left_out",
    "noise": "training.noise_all_left_out",
    "rir": "training.rir_all_left_out",
}
MIN_CLIP_SECONDS = 0.25  # shorter ones are clicks or decoding remnants


class Corpus:
    """Clips of one split, readable as float32 at 16 kHz.

    Attributes:
        speech, noise: lists of `Clip`.
        rirs: room impulse responses, float32 `[samples]` each, as measured.
        source_weights: factors on the share of single sources, by name.
        left_out: files that were missing, damaged or silent.
    """

    def __init__(
        self,
        speech: Sequence[Clip],
        noise: Sequence[Clip],
        rirs: Sequence[np.ndarray],
        files: Mapping[str, str],
        cache: str | Path,
        source_weights: Mapping[str, float] | None = None,
        left_out: Sequence[LeftOut] = (),
    ):
        self.speech = list(speech)
        self.noise = list(noise)
        self.rirs = list(rirs)
        self.cache = Path(cache)
        self.source_weights = dict(source_weights or {})
        self.left_out = tuple(left_out)
        self._files = dict(files)  # original path -> cached samples

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
        source_weights: Sequence[tuple[str, float]] = (),
        progress: Progress | None = None,
    ) -> "Corpus":
        """Find audio, decode what the cache lacks, and keep the clips of one split.

        Args:
            speech, noise, rir: folders or single files, searched to any depth.
            index: a CSV file with the columns path (relative to it), kind, source, group, start,
                frames, split; `start` and `frames` in samples at 16 kHz.
            cache: folder for the decoded samples, 115 MB an hour; made if missing. A run that
                was stopped goes on where it was.
            split: "train", "valid" or "all". An index names it; of folders a tenth of the groups
                (subfolders, or files where there are none) is held out, always the same ones.
            source_weights: patterns of source names and factors on their share, of which the last
                that fits counts; a source of factor 0 is left out of the corpus.
            progress: called as progress(files done, files in all) while decoding.

        Raises:
            UserError: a folder or index that is missing, empty or malformed, an unknown source,
                or a kind of which no file can be used.
        """
        if split not in SPLITS:
            raise ValueError(f"split is one of {SPLITS}, not {split!r}")
        cache = Path(cache)
        rows = read_index(index) if index is not None else []
        found, refused = _found({"speech": speech, "noise": noise, "rir": rir})
        sources = {clip.source for clip in rows}
        sources |= {folder.name for kind in CLIP_KINDS for folder, _ in found[kind]}
        weights = weights_of(sources, source_weights)
        rows = [clip for clip in rows if weights.get(clip.source, 1) > 0]
        for kind in CLIP_KINDS:
            found[kind] = [at for at in found[kind] if weights.get(at[0].name, 1) > 0]

        wanted = [clip.path for clip in rows]
        wanted += [str(path) for kind in CLIP_KINDS for _, path in found[kind]]
        files, left_out = decode_all(list(dict.fromkeys(wanted)), cache, progress)
        rirs, silent_rirs = _read_rirs([path for _, path in found["rir"]])
        for kind in CLIP_KINDS:
            _require_some(kind, left_out, _paths(kind, rows, found))
        _require_some("rir", silent_rirs, _paths("rir", (), found))

        clips = with_splits([clip for clip in rows if clip.path in files])
        for kind in CLIP_KINDS:
            clips += _whole_files(kind, found[kind], files)
        clips = [clip for clip in clips if _is_wanted(clip, split)]
        kept_speech, kept_noise = (
            [clip for clip in clips if clip.kind == kind] for kind in CLIP_KINDS
        )
        left_out = refused + left_out + silent_rirs
        return cls(kept_speech, kept_noise, rirs, files, cache, weights, left_out)

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

    def subset(self, *, speech: bool = True, noise: bool = True) -> "Corpus":
        """The same corpus without its speech or without its noise."""
        return Corpus(
            self.speech if speech else [],
            self.noise if noise else [],
            self.rirs,
            self._files,
            self.cache,
            self.source_weights,
            self.left_out,
        )

    def joined(self, other: "Corpus") -> "Corpus":
        """Both corpora as one; they may share clips, which then count twice."""
        return Corpus(
            self.speech + other.speech,
            self.noise + other.noise,
            self.rirs + other.rirs,
            self._files | other._files,
            self.cache,
            self.source_weights | other.source_weights,
            tuple(dict.fromkeys(self.left_out + other.left_out)),
        )


Found = tuple[Path, Path]  # the folder that was named, or that a named file lies in; a file


def _found(
    roots: Mapping[str, Iterable[str | Path]],
) -> tuple[dict[str, list[Found]], list[LeftOut]]:
    """The files of each kind below its folders, and those that cannot be read."""
    found: dict[str, list[Found]] = {kind: [] for kind in roots}
    refused: list[LeftOut] = []
    for kind, folders in roots.items():
        for root in folders:
            paths, unreadable = find_audio(root, kind)
            found[kind] += [(_folder_of(root), path) for path in paths]
            refused += unreadable
    return found, refused


def _whole_files(kind: str, found: Sequence[Found], files: Mapping[str, str]) -> list[Clip]:
    """A clip of each file that was decoded, with splits by folder."""
    by_folder: dict[Path, list[Clip]] = defaultdict(list)
    for folder, path in found:
        if str(path) in files:
            frames = os.path.getsize(files[str(path)]) // 2
            by_folder[folder].append(whole_file(folder, path, frames, kind))
    return [clip for clips in by_folder.values() for clip in with_splits(clips)]


def _is_wanted(clip: Clip, split: str) -> bool:
    return (
        split in (clip.split, "all")
        and clip.frames >= MIN_CLIP_SECONDS * SAMPLE_RATE
        and not is_held_out_speaker(clip)
    )


def _folder_of(root: str | Path) -> Path:
    """The folder that a root is, or that it lies in."""
    root = Path(root).expanduser().resolve()
    return root.parent if root.is_file() else root


def _read_rirs(paths: Sequence[Path]) -> tuple[list[np.ndarray], list[LeftOut]]:
    rirs, left_out = [], []
    for path in paths:
        try:
            rirs.append(read_rir(path))
        except AudioError as error:
            left_out.append(LeftOut(path, error))
    return rirs, left_out


def _paths(kind: str, rows: Sequence[Clip], found: Mapping[str, Sequence[Found]]) -> set[str]:
    """The files of a kind, of an index and of folders."""
    of_rows = {clip.path for clip in rows if clip.kind == kind}
    return of_rows | {str(path) for _, path in found[kind]}


def _require_some(kind: str, left_out: Sequence[LeftOut], paths: set[str]) -> None:
    """Raises a UserError where every one of the files of a kind had to be left out."""
    problems = {str(each.path): each.problem for each in left_out if str(each.path) in paths}
    if paths and len(problems) == len(paths):
        problem = next(iter(problems.values()))
        raise UserError(ALL_LEFT_OUT[kind], count=len(paths), problem=problem)
