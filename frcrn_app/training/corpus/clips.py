"""Clips: where they come from, which of them training never uses, which are held out."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from frcrn_app.constants import SAMPLE_RATE

VALID_SHARE = 0.1  # of the groups of a folder or of an index without a validation split

# Test speakers of VoiceBank-DEMAND. Weights that were trained on them would score too well on the
# set that everybody compares on, so no training corpus takes them, wherever they lie.
HELD_OUT_SPEAKERS = re.compile(r"(?:^|[^a-z0-9])p(?:232|257)(?:[^0-9]|$)", re.IGNORECASE)


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


def whole_file(folder: Path, path: Path, frames: int, kind: str) -> Clip:
    """The clip that a whole file is: its folder is the source, its subfolder the group.

    Files side by side are a group each.
    """
    inside = path.relative_to(folder)
    group = inside.parent.as_posix() if len(inside.parts) > 1 else inside.stem
    return Clip(str(path), 0, frames, kind, folder.name, group, "")


def with_splits(clips: Sequence[Clip]) -> list[Clip]:
    """Clips of one source or index with their split; those that name a validation split keep it.

    Of the others whole groups are held out, else whole files, else the end of the only file;
    always the same ones.
    """
    assigned: list[Clip] = []
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


def is_held_out_speaker(clip: Clip) -> bool:
    """Whether a clip is speech of `HELD_OUT_SPEAKERS`."""
    # Only the end of the path: a folder above the corpus says nothing about the speaker.
    name = "/".join([*Path(clip.path).parts[-3:], clip.group])
    return clip.kind == "speech" and HELD_OUT_SPEAKERS.search(name) is not None
