"""Decoded blocks in their places: limits, gaps as silence, changes of rate and channels."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from frcrn_app.audio.level import with_channels
from frcrn_app.audio.resampling import resample
from frcrn_app.audio.types import Note, checked_rate, named
from frcrn_app.errors import AudioError
from frcrn_app.memory import give_back_freed_memory

_LONGEST_GAP = 3600.0  # s; beyond, time stamps have jumped
_BACKWARDS = 1.0  # s; from here on time stamps have started anew
_NOTED_GAP = 0.03  # s
_NOTED_DELAY = 0.1  # s; decoders of WMA begin with the third frame, at 0.09 s
_GIVEN_BACK = 1 << 22  # samples of freed blocks


@dataclass
class Budget:
    """How much one file may hold; counted while it is decoded, over all its parts and tracks.

    Args:
        path: of the file, for the error.
        max_seconds: of one track.
        max_samples: of all channels of all tracks.
    """

    path: Path
    max_seconds: float | None = None
    max_samples: int | None = None
    seconds: float = 0.0  # of the parts before
    samples: int = 0

    def check(self, frames: int, rate: int) -> None:
        """Raise AudioError if a part of so many frames would be too long."""
        if self.max_seconds is not None and self.seconds + frames / rate > self.max_seconds:
            raise AudioError("audio.too_long", name=named(self.path), limit=self.max_seconds)

    def spend(self, samples: int) -> None:
        """Count samples of all channels; raise AudioError where they are too many."""
        self.foresee(samples)
        self.samples += samples

    def foresee(self, samples: int) -> None:
        """Raise AudioError where so many samples more would be too many."""
        if self.max_samples is not None and self.samples + samples > self.max_samples:
            raise AudioError("audio.too_large", name=named(self.path), limit=self.max_samples)


@dataclass
class _Run:
    """Blocks `[channels, samples]` of one rate and channel count."""

    rate: int
    channels: int
    blocks: list[np.ndarray] = field(default_factory=list)
    length: int = 0


class Timeline:
    """One track as it is decoded.

    Args:
        budget: counts what is added.
        tolerance: s that a block may come later than the one before ended, without a gap: time
            stamps of some containers are rounded, or jitter.
        seamless: a gap is damage: nobody stops such a recording and goes on.
        forgiven: how many blocks that cannot be decoded are no damage.
    """

    def __init__(
        self,
        budget: Budget,
        tolerance: float = 0.0,
        *,
        seamless: bool = False,
        forgiven: int = 0,
    ):
        self.budget, self.tolerance, self.seamless = budget, tolerance, seamless
        self.forgiven = forgiven
        self.notes: list[Note] = []
        self._runs: list[_Run] = []
        self._origin: float | None = None  # s of time stamps at the track's start
        self._gaps: list[tuple[float, float]] = []  # where, how long, in s
        self.damaged: list[float] = []  # where something could not be decoded, in s

    @property
    def rate(self) -> int | None:
        """Hz, of the first block; None while there is none."""
        return self._runs[0].rate if self._runs else None

    @property
    def seconds(self) -> float:
        return sum(run.length / run.rate for run in self._runs)

    def add(self, block: np.ndarray, rate: int) -> None:
        """Append a block `[channels, samples]`."""
        if not self._runs or (rate, len(block)) != (self._runs[-1].rate, self._runs[-1].channels):
            self._runs.append(_Run(checked_rate(rate, named(self.budget.path)), len(block)))
        run = self._runs[-1]
        run.length += block.shape[1]
        self.budget.check(round(self.seconds * run.rate), run.rate)
        self.budget.spend(block.size)
        run.blocks.append(block)

    def add_at(self, block: np.ndarray, rate: int, second: float | None, start: float) -> None:
        """Append a block where its time stamp says, with silence before it where there is a gap.

        Args:
            second: its time stamp; None where it has none.
            start: the time stamp of the recording's beginning.
        """
        if second is not None:
            if self._origin is None:
                self._origin = start
            gap = second - self._origin - self.seconds
            first = not self._runs
            if gap > _LONGEST_GAP or gap < -_BACKWARDS:
                self._origin = second - self.seconds
            elif gap > (0.005 if first else self.tolerance):
                if first and gap >= _NOTED_DELAY:
                    self.notes.append(Note("audio.note.late", {"seconds": gap}))
                elif gap >= _NOTED_GAP and not first:
                    if self.seamless:
                        self.damaged.append(self.seconds)
                    else:
                        self._gaps.append((self.seconds, gap))
                self._fill(gap, rate, len(block))
        self.add(block, rate)

    def _fill(self, seconds: float, rate: int, channels: int) -> None:
        frames = round(seconds * rate)
        self.budget.check(round(self.seconds * rate) + frames, rate)
        self.budget.foresee(frames * channels)
        self.add(np.zeros((channels, frames), np.float32), rate)

    def trim_padding(self, seconds: float) -> None:
        """Drop what an encoder added to fill its last frames, of up to 2,048 samples each."""
        if len(self._runs) != 1:
            return
        [run] = self._runs
        length = round(seconds * run.rate)
        while run.blocks and 0 < run.length - length <= 2 * 2048:
            last = run.blocks.pop()
            kept = max(0, last.shape[1] - (run.length - length))
            run.length -= last.shape[1] - kept
            if kept:
                run.blocks.append(last[:, :kept])

    def samples(self) -> np.ndarray:
        """float32 `[channels, samples]` at the first block's rate and channels; empties itself."""
        self._note_faults()
        rate, channels = self._runs[0].rate, self._runs[0].channels
        if len(self._runs) == 1:
            return _joined(self._runs[0])
        rates = sorted({run.rate for run in self._runs if run.rate != rate})
        if rates:
            self.notes.append(Note("audio.note.rate_changed", {"rate": rate}))
        if any(run.channels != channels for run in self._runs):
            self.notes.append(Note("audio.note.channels_changed", {"count": channels}))
        parts = [
            with_channels(resample(_joined(run), run.rate, rate), channels) for run in self._runs
        ]
        return np.concatenate(parts, axis=1)

    def _note_faults(self) -> None:
        if self._gaps:
            fields = {
                "second": self._gaps[0][0],
                "seconds": sum(gap for _, gap in self._gaps),
                "count": len(self._gaps),
            }
            self.notes.append(Note("audio.note.gap", fields))
        if len(self.damaged) <= self.forgiven:
            return
        within = [second for second in self.damaged if second < self.seconds]
        if within:
            fields = {"second": within[0], "count": len(within)}
            self.notes.append(Note("audio.note.damaged", fields, lost=True))
        if len(within) < len(self.damaged):  # nothing could be decoded behind it
            self.notes.append(Note("audio.note.cut_off", lost=True))


def _joined(run: _Run) -> np.ndarray:
    samples = np.empty((run.channels, run.length), dtype=np.float32)
    end, freed = run.length, 0
    while run.blocks:  # freed one by one: the audio is never held twice
        block = run.blocks.pop()
        samples[:, end - block.shape[1] : end] = block
        end -= block.shape[1]
        freed += block.size
        if freed >= _GIVEN_BACK:  # something small behind them keeps free() from doing so
            freed = 0
            give_back_freed_memory()
    return samples
