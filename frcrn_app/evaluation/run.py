"""A set of pairs to rows of scores: clean the noisy sounds if wanted, and score them all."""

from __future__ import annotations

import math
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from frcrn_app import __version__
from frcrn_app.audio import load_audio, save_audio
from frcrn_app.errors import Cancelled, MetricError, PairError, UserError
from frcrn_app.evaluation.journal import Journal, JournalEntry, content_hash
from frcrn_app.evaluation.pairing import NOISY, Pair, PairSet, Unpaired
from frcrn_app.evaluation.pool import ScoringPool, default_workers
from frcrn_app.evaluation.provenance import provenance
from frcrn_app.evaluation.worker import MAX_SECONDS, ScoreTask, SoundScores
from frcrn_app.metrics import DEFAULT_SEED, METRICS, metric_keys

if TYPE_CHECKING:
    from frcrn_app.inference import Denoiser

# Cleaning and scoring take turns, so that neither is timed while the other takes its cores, and so
# that a run that is cancelled or killed has whole rows by then.
PAIRS_PER_TURN = 16
PAIRS_PER_TURN_WITHOUT_DENOISER = 256


@dataclass
class Row:
    """Everything about one pair after scoring."""

    pair: Pair
    sounds: dict[str, SoundScores]  # by system, "noisy" first
    duration: float = math.nan  # s
    input_snr: float = math.nan  # dB, measured
    enhanced: Path | None = None  # what our own network made, where it is kept

    @property
    def name(self) -> str:
        return self.pair.name

    @property
    def group(self) -> str | None:
        return self.pair.group

    @property
    def problems(self) -> str:
        """What went wrong with it, in one line; empty if all went well."""
        return self.problems_in(str)

    def problems_in(self, say: Callable[[str], str]) -> str:
        """The same in another language, into which `say` brings a sentence."""
        systems: dict[str, list[str]] = {}
        for system, sound in self.sounds.items():
            if problems := sound.problems_in(say):
                systems.setdefault(problems, []).append(system)
        if len(systems) == 1 and len(self.sounds) == len(*systems.values()):
            return next(iter(systems))
        return " | ".join(f"{', '.join(names)}: {text}" for text, names in systems.items())


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


def evaluate_pairs(
    pairs: PairSet,
    *,
    denoiser: Denoiser | None = None,
    strength: float = 1.0,
    metrics: Iterable[str] | None = None,
    align: bool = False,
    seed: int = DEFAULT_SEED,
    workers: int | None = None,
    journal: str | os.PathLike | None = None,
    resume: bool = False,
    enhanced_folder: str | os.PathLike | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Score pairs at 16 kHz mono: the noisy sounds, and what each system made of them.

    Args:
        pairs: from `pair_folders`, `pair_manifest`, `pair_archive` or `pair_files`.
        denoiser: cleans the noisy sounds first; what it makes is one more system, called by the
            name of its weights. Anything with a Denoiser's call and attributes will do; one that
            makes callers wait may tell in `elapsed` how long its last call worked (s).
        strength: of the denoiser, 0 (untouched) to 1.
        metrics: keys of `frcrn_app.metrics.METRICS`; all by default.
        align: shift each sound by up to 100 ms onto the clean one before scoring.
        seed: of extended STOI.
        workers: scoring processes; by default one a core.
        journal: file in which each score is kept as soon as it is there.
        resume: take from the journal what it has, and score only the rest.
        enhanced_folder: keeps what the denoiser made, as float WAV; otherwise it is deleted.
        progress: called as progress(steps done, steps in all). Raising Cancelled in it ends the
            run early, and what is scored by then is returned; so does Ctrl-C.

    A pair that cannot be scored has NaN and the reason in its row, and does not end the run.

    Raises:
        PairError: if there are no pairs, or the journal cannot be used.
        MetricError: for a metric that does not exist, or if all need clean sounds that are missing.
    """
    started = time.perf_counter()
    if not pairs.pairs:
        raise PairError("There are no pairs to score.")
    if workers is not None and workers < 1:
        raise PairError(f"Scoring needs at least one process, not {workers}.")
    keys = _scorable(metric_keys(metrics), pairs)
    workers = min(workers or default_workers(), len(pairs.pairs))
    steps = _Steps(progress, len(pairs.pairs) * (1 if denoiser is None else 2))
    cancelled = False
    with ExitStack() as stack:
        if enhanced_folder is None:
            enhanced_folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="frcrn-evaluate-")
            )
            keep = False
        else:
            keep = True
        own = None
        if denoiser is not None:
            own = _OwnSystem(denoiser, strength, pairs, Path(enhanced_folder), keep)
        opened = None
        if journal is not None:
            opened = stack.enter_context(Journal(journal, resume=resume))
        pool = stack.enter_context(ScoringPool(workers))
        run = _Run(pairs.systems, keys, align, seed, own, opened, pool, steps)
        try:
            steps.advance(0)
            turn = PAIRS_PER_TURN_WITHOUT_DENOISER if own is None else PAIRS_PER_TURN
            for start in range(0, len(pairs.pairs), turn):
                run.take_turn(start, pairs.pairs[start : start + turn])
        except (Cancelled, KeyboardInterrupt):
            cancelled = True
    return Evaluation(
        rows=[run.rows[place] for place in sorted(run.rows)],
        systems=run.systems,
        metrics=keys,
        unpaired=list(pairs.unpaired),
        total=len(pairs.pairs),
        cancelled=cancelled,
        settings={
            "metrics": keys,
            "align": align,
            "seed": seed,
            "workers": workers,
            "denoise": denoiser is not None,
            "strength": strength if denoiser is not None else None,
        },
        provenance=provenance(denoiser),
        own_system=own.name if own else None,
        resumed=run.resumed,
        elapsed=time.perf_counter() - started,
    )


def _scorable(keys: list[str], pairs: PairSet) -> list[str]:
    if any(pair.clean is not None for pair in pairs.pairs):
        return keys
    kept = [key for key in keys if not METRICS[key].needs_clean]
    if not kept:
        raise MetricError(
            f"{', '.join(METRICS[key].title for key in keys)} can only be had with clean sounds: "
            "give those too, or ask for dnsmos."
        )
    return kept


class _Steps:
    """Progress: for each pair one step for cleaning it, if that is done, and one for scoring it."""

    def __init__(self, callback: Callable[[int, int], None] | None, total: int):
        self._callback = callback
        self._total = total
        self._done = 0

    def advance(self, steps: int) -> None:
        self._done += steps
        if self._callback is not None:
            self._callback(self._done, self._total)


@dataclass
class _Job:
    """One pair on its way to a row: what is known of it by now."""

    place: int  # in the set
    pair: Pair
    paths: dict[str, Path]  # of the sounds to be scored, by system
    sounds: dict[str, SoundScores] = field(default_factory=dict)
    journal_keys: dict[str, str] = field(default_factory=dict)
    duration: float = math.nan
    input_snr: float = math.nan
    elapsed: float | None = None  # s that our own network took
    enhanced: Path | None = None


class _OwnSystem:
    """Our own network as one of the systems."""

    def __init__(
        self, denoiser: Denoiser, strength: float, pairs: PairSet, folder: Path, keep: bool
    ):
        if not 0 <= strength <= 1:
            raise PairError(f"The strength must lie between 0 and 1, not {strength:g}.")
        self.name = denoiser.entry.name
        while self.name in (NOISY, "clean", *pairs.systems):
            self.name += " (here)"
        self._denoiser = denoiser
        self._strength = strength
        self._keep = keep
        self._targets = _targets(pairs.pairs, folder)
        self._warm = False

    def identity(self, noisy_hash: str) -> str:
        """Stands for the bytes of what this network makes of a noisy file."""
        of = self._denoiser
        device = str(of.device).split(":")[0]
        how = f"at {self._strength:g} in {of.precision} on {device}"
        return f"{noisy_hash} by {of.sha256} {how}, frcrn_app {__version__}"

    def make(self, job: _Job, check: Callable[[], None]) -> None:
        """Clean the noisy sound of a pair unless what is wanted of it is there already."""
        target = self._targets[job.place]
        known = self.name in job.sounds
        if known and (not self._keep or target.is_file()):
            job.enhanced = target if self._keep else None
            return
        if not self._warm:  # the first sound must not be charged for the set-up
            self._denoiser.warm_up()
            self._warm = True
        noisy = load_audio(job.pair.noisy, max_seconds=MAX_SECONDS)
        check()
        start = time.perf_counter()
        enhanced = self._denoiser(noisy, self._strength, lambda *_: check())
        job.elapsed = getattr(self._denoiser, "elapsed", None) or time.perf_counter() - start
        job.enhanced = save_audio(target, enhanced, format="wav-float")
        job.paths[self.name] = job.enhanced

    def discard(self, job: _Job) -> None:
        """Delete what was made, once it is scored, unless it is to be kept."""
        if job.enhanced is not None and not self._keep:
            job.enhanced.unlink(missing_ok=True)
            job.enhanced = None


@dataclass
class _Run:
    """What is the same for all pairs of a run, and the rows that are done, by place in the set."""

    set_systems: Sequence[str]
    keys: list[str]
    align: bool
    seed: int
    own: _OwnSystem | None
    journal: Journal | None
    pool: ScoringPool
    steps: _Steps
    rows: dict[int, Row] = field(default_factory=dict)
    resumed: int = 0

    @property
    def systems(self) -> list[str]:
        return [NOISY, *self.set_systems, *([self.own.name] if self.own else [])]

    def take_turn(self, start: int, pairs: Sequence[Pair]) -> None:
        """Clean some pairs, score them, and put them among the rows."""
        waiting = []
        for place, pair in enumerate(pairs, start):
            job = _Job(place, pair, {NOISY: pair.noisy, **pair.systems})
            self._look_up(job)
            if self.own is not None:
                self._clean(job)
                self.steps.advance(1)
            if self._missing(job):
                waiting.append(job)
            else:
                self._finish(job)
        with closing(self.pool.run(self._task(job) for job in waiting)) as results:
            for index, scored in results:
                job = waiting[index]
                job.duration, job.input_snr = scored.duration, scored.input_snr
                for system, sound in scored.sounds.items():
                    self._note(job, system, sound)
                self._finish(job)

    def _keys(self, pair: Pair) -> list[str]:
        """The metrics that a pair can have at all."""
        return [k for k in self.keys if pair.clean is not None or not METRICS[k].needs_clean]

    def _missing(self, job: _Job) -> list[str]:
        return [system for system in job.paths if system not in job.sounds]

    def _look_up(self, job: _Job) -> None:
        """Take from the journal what it has of a pair."""
        if self.journal is None:
            return
        clean = job.pair.clean and content_hash(job.pair.clean)
        if job.pair.clean and not clean:
            return
        hashes = {system: content_hash(path) for system, path in job.paths.items()}
        if self.own is not None and hashes[NOISY]:
            hashes[self.own.name] = self.own.identity(hashes[NOISY])
        for system, degraded in hashes.items():
            if not degraded:
                continue
            key = self.journal.key(clean, degraded, align=self.align, seed=self.seed)
            job.journal_keys[system] = key
            entry = self.journal.find(key, self._keys(job.pair))
            if entry is not None:
                job.sounds[system] = entry.sound
                job.duration, job.input_snr = entry.duration, entry.input_snr
                self.resumed += 1

    def _clean(self, job: _Job) -> None:
        try:
            self.own.make(job, lambda: self.steps.advance(0))
        except Cancelled:
            raise
        except UserError as error:
            self._fail(job, self.own.name, str(error))
        except Exception as error:  # one bad file never ends a run
            self._fail(job, self.own.name, f"Cleaning failed: {type(error).__name__}: {error}")

    def _task(self, job: _Job) -> ScoreTask:
        missing = self._missing(job)
        return ScoreTask(
            clean=job.pair.clean,
            noisy=job.pair.noisy,
            degraded={system: job.paths[system] for system in missing},
            metrics={system: tuple(self._keys(job.pair)) for system in missing},
            align=self.align,
            seed=self.seed,
        )

    def _note(self, job: _Job, system: str, sound: SoundScores) -> None:
        """Keep a fresh score, also on disk."""
        if self.own is not None and system == self.own.name:
            sound.elapsed = job.elapsed
        job.sounds[system] = sound
        key = job.journal_keys.get(system)
        if self.journal is not None and key is not None and not sound.passing:
            entry = JournalEntry(sound, job.duration, job.input_snr)
            self.journal.add(key, entry, name=job.pair.name, system=system)

    def _fail(self, job: _Job, system: str, error: str) -> None:
        nothing = dict.fromkeys(self._keys(job.pair), math.nan)
        job.sounds[system] = SoundScores(scores=nothing, error=error, passing=True)

    def _finish(self, job: _Job) -> None:
        for system in self.systems:
            if system not in job.sounds:
                self._fail(job, system, "There is no file of this system.")
        if self.own is not None:
            self.own.discard(job)
        self.rows[job.place] = Row(
            pair=job.pair,
            sounds={system: job.sounds[system] for system in self.systems},
            duration=job.duration,
            input_snr=job.input_snr,
            enhanced=job.enhanced,
        )
        self.steps.advance(1)


def _targets(pairs: Sequence[Pair], folder: Path) -> list[Path]:
    """A file of its own for each pair: its name, made fit for any file system."""
    targets, taken = [], set()
    for number, pair in enumerate(pairs, 1):
        parts = [re.sub(r'[\x00-\x1f<>:"|?*\\]', "_", part) for part in pair.name.split("/")]
        parts = [part[:100] for part in parts if part.strip(". ")] or ["sound"]
        if "/".join(parts).casefold() in taken:
            parts[-1] = f"{parts[-1]}-{number}"
        taken.add("/".join(parts).casefold())
        targets.append(folder.joinpath(*parts[:-1], f"{parts[-1]}.wav"))
    return targets
