"""The network of this project as one of the systems that are scored."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from frcrn_app.audio import load_audio, save_audio
from frcrn_app.errors import PairError
from frcrn_app.evaluation.by_workers import OwnTask
from frcrn_app.evaluation.pairing import Pair, PairSet
from frcrn_app.evaluation.recordings import MAX_SECONDS
from frcrn_app.evaluation.scoring import Measured, SoundScores
from frcrn_app.version import __version__

if TYPE_CHECKING:
    from frcrn_app.inference import Denoiser

_LONGEST_NAME = 100  # characters of a folder's or file's name


@dataclass
class Job:
    """One pair on its way to a row: what is known of it by now."""

    place: int  # in the set
    pair: Pair
    paths: dict[str, Path]  # of the files to be scored, by system
    sounds: dict[str, SoundScores] = field(default_factory=dict)
    journal_keys: dict[str, str] = field(default_factory=dict)
    measured: Measured = field(default_factory=Measured)
    elapsed: float | None = None  # s that our own network took
    enhanced: Path | None = None


class OwnSystem:
    """Cleans the noisy files of a set, each into a file of its own.

    Raises:
        PairError: if another system has the name of the weights.
    """

    def __init__(
        self, denoiser: Denoiser, strength: float, pairs: PairSet, folder: Path, keep: bool
    ):
        self.name = denoiser.entry.name
        if self.name in pairs.systems:
            raise PairError("evaluation.own_name", name=self.name)
        self.denoiser, self.strength = denoiser, strength
        self._keep = keep
        self._targets = _targets(pairs.pairs, folder)
        self._warm = False

    def identity(self, noisy_hash: str) -> str:
        """Stands for the bytes of what this network makes of a noisy file."""
        of = self.denoiser
        device = str(of.device).split(":")[0]
        how = f"at {self.strength:g} in {of.precision} on {device}"
        return f"{noisy_hash} by {of.sha256} {how}, frcrn_app {__version__}"

    def task(self, job: Job) -> OwnTask | None:
        """What a worker is to make of a pair; None: all that is wanted of it is there already."""
        target = self._targets[job.place]
        job.enhanced = target if self._keep else None
        if self.name in job.sounds and (not self._keep or target.is_file()):
            return None
        return OwnTask(self.name, job.enhanced, self.strength)

    def make(self, job: Job, check: Callable[[], None]) -> None:
        """Clean the noisy file of a pair unless what is wanted of it is there already."""
        target = self._targets[job.place]
        known = self.name in job.sounds
        if known and (not self._keep or target.is_file()):
            job.enhanced = target if self._keep else None
            return
        if not self._warm:  # the first file must not be charged for the set-up
            self.denoiser.warm_up()
            self._warm = True
        read = getattr(self.denoiser, "read", load_audio)
        noisy = read(job.pair.noisy, max_seconds=MAX_SECONDS)
        check()
        start = time.perf_counter()
        enhanced = self.denoiser(noisy, self.strength, lambda *_: check())
        job.elapsed = getattr(self.denoiser, "elapsed", None) or time.perf_counter() - start
        job.enhanced = save_audio(target, enhanced, format="wav-float")
        job.paths[self.name] = job.enhanced

    def discard(self, job: Job) -> None:
        """Delete what was made, once it is scored, unless it is to be kept."""
        if job.enhanced is not None and not self._keep:
            job.enhanced.unlink(missing_ok=True)
            job.enhanced = None


def _targets(pairs: Sequence[Pair], folder: Path) -> list[Path]:
    """A file of its own for each pair: its name, made fit for any file system."""
    targets, taken = [], set()
    for number, pair in enumerate(pairs, 1):
        parts = [re.sub(r'[\x00-\x1f<>:"|?*\\]', "_", part) for part in pair.name.split("/")]
        parts = [_cut(part) for part in parts if part.strip(". ")] or ["recording"]
        if "/".join(parts).casefold() in taken:
            parts[-1] = f"{parts[-1]}-{number}"
        taken.add("/".join(parts).casefold())
        targets.append(folder.joinpath(*parts[:-1], f"{parts[-1]}.wav"))
    return targets


def _cut(part: str) -> str:
    """At most 200 bytes, since file systems count bytes, and whole characters."""
    return part[:_LONGEST_NAME].encode()[: 2 * _LONGEST_NAME].decode("utf-8", "ignore")
