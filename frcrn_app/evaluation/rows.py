"""What an evaluation comes to: a row for each pair."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from frcrn_app.evaluation.pairing import NOISY, Pair, Unpaired
from frcrn_app.evaluation.scoring import SoundScores


@dataclass
class Row:
    """Everything about one pair after scoring."""

    pair: Pair
    sounds: dict[str, SoundScores]  # by system, "noisy" first
    duration: float = math.nan  # s
    input_snr: float = math.nan  # dB, measured
    input_band_hz: float = math.nan  # up to which the noisy recording has content
    input_clipped: float = math.nan  # share of its samples that are cut off at full scale
    enhanced: Path | None = None  # what our own network made, where it is kept

    @property
    def name(self) -> str:
        return self.pair.name

    @property
    def group(self) -> str | None:
        return self.pair.group

    @property
    def cluster(self) -> str | None:
        return self.pair.cluster

    @property
    def problems(self) -> str:
        """What went wrong with it, in one line; empty if all went well."""
        return self.problems_in("en")

    def problems_in(self, language: str) -> str:
        """The same in a language."""
        return _by_system(
            {name: sound.problems_in(language) for name, sound in self.sounds.items()}
        )

    def notes_in(self, language: str) -> str:
        """What a reader should know of its scores, in one line; empty if there is nothing."""
        return _by_system({name: sound.notes_in(language) for name, sound in self.sounds.items()})


@dataclass
class Evaluation:
    """The result of a run: rows in the order of the pairs, and how they came about."""

    rows: list[Row]
    systems: list[str]  # "noisy" first
    metrics: list[str]
    unpaired: list[Unpaired]
    total: int  # pairs there were: more than rows if the run was cancelled
    cancelled: bool
    settings: dict
    provenance: dict  # date, versions, weights, machine
    own_system: str | None = None  # what our own network is called among the systems
    resumed: int = 0  # sounds whose scores came from the journal
    elapsed: float = 0.0  # s that the run took

    def files(self, row: Row) -> dict[str, Path]:
        """The files of a row by system, as far as they were kept."""
        files = {NOISY: row.pair.noisy, **row.pair.systems}
        if self.own_system is not None and row.enhanced is not None:
            files[self.own_system] = row.enhanced
        return {system: files[system] for system in self.systems if system in files}

    def values(self, system: str, metric: str) -> np.ndarray:
        """Scores float64 [rows], NaN where there is none."""
        return np.array([row.sounds[system].scores.get(metric, math.nan) for row in self.rows])

    def gains(self, system: str, metric: str) -> np.ndarray:
        """Scores of the system minus those of the noisy sound, float64 [rows]."""
        return self.values(system, metric) - self.values(NOISY, metric)

    def real_time_factors(self) -> np.ndarray:
        """Seconds of our own network for a second of sound, float64 [rows]; NaN without it."""
        elapsed = [
            row.sounds[self.own_system].elapsed if self.own_system else None for row in self.rows
        ]
        return np.array(
            [
                math.nan if seconds is None or not row.duration > 0 else seconds / row.duration
                for seconds, row in zip(elapsed, self.rows, strict=True)
            ]
        )

    def real_time_factor(self) -> float:
        """Of all rows together: seconds taken over seconds of sound; NaN without a denoiser."""
        factors = self.real_time_factors()
        durations = np.array([row.duration for row in self.rows])
        known = np.isfinite(factors)
        if not known.any():
            return math.nan
        return float((factors[known] * durations[known]).sum() / durations[known].sum())


def _by_system(lines: dict[str, str]) -> str:
    """Lines of systems as one, each said once; without their names if all say the same."""
    systems: dict[str, list[str]] = {}
    for system, line in lines.items():
        if line:
            systems.setdefault(line, []).append(system)
    if len(systems) == 1 and len(lines) == len(*systems.values()):
        return next(iter(systems))
    return " | ".join(f"{', '.join(names)}: {line}" for line, names in systems.items())
