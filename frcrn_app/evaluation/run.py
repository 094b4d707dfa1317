"""A set of pairs to rows of scores: clean the noisy files if wanted, and score them all."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from frcrn_app.errors import Cancelled, MetricError, PairError, UserError
from frcrn_app.evaluation.journal import Journal, JournalEntry, content_hash
from frcrn_app.evaluation.own_system import Job, OwnSystem
from frcrn_app.evaluation.pairing import NOISY, Pair, PairSet
from frcrn_app.evaluation.pool import ScoringPool, default_workers
from frcrn_app.evaluation.provenance import provenance
from frcrn_app.evaluation.rows import Evaluation, Row
from frcrn_app.evaluation.scoring import ScoreTask, SoundScores
from frcrn_app.faults import fault_reference
from frcrn_app.metrics import DEFAULT_SEED, METRICS, is_installed, metric_keys

if TYPE_CHECKING:
    from frcrn_app.inference import Denoiser

logger = logging.getLogger(__name__)

# Cleaning and scoring take turns, so that neither is timed while the other takes its cores, and so
# that a run that is cancelled or killed has whole rows by then.
PAIRS_PER_TURN = 16
PAIRS_PER_TURN_WITHOUT_DENOISER = 256


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
    """Score pairs at 16 kHz mono: the noisy files, and what each system made of them.

    Args:
        pairs: from `pair_folders`, `pair_manifest`, `pair_archive` or `pair_files`.
        denoiser: cleans the noisy files first; what it makes is one more system, called by the
            name of its weights. Anything with a Denoiser's call and attributes will do; one that
            makes callers wait may tell in `elapsed` how long its last call worked (s).
        strength: of the denoiser, 0 (untouched) to 1.
        metrics: keys of `frcrn_app.metrics.METRICS`; by default those that need no optional
            package, and the word error rate where pairs have a text.
        align: shift each recording by up to 100 ms onto the clean one before scoring.
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
        MetricError: for a metric that does not exist, or if all need clean files or texts that are
            missing.
    """
    started = time.perf_counter()
    if not pairs.pairs:
        raise PairError("evaluation.no_pairs")
    if workers is not None and workers < 1:
        raise PairError("evaluation.workers", workers=workers)
    keys = _scorable(metrics, pairs)
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
            own = OwnSystem(denoiser, strength, pairs, Path(enhanced_folder), keep)
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


def _scorable(metrics: Iterable[str] | None, pairs: PairSet) -> list[str]:
    """The metrics wanted that some pair can have; words are among the usual ones if they are given.

    Raises MetricError where none is left, or for a metric that does not exist.
    """
    wanted = list(metrics or ())
    keys = metric_keys(wanted)
    has_clean = any(pair.clean is not None for pair in pairs.pairs)
    has_text = any(pair.text for pair in pairs.pairs)
    if has_text and not wanted and is_installed(METRICS["wer"]):
        keys.append("wer")
    kept = [
        key
        for key in keys
        if (has_clean or not METRICS[key].needs_clean) and (has_text or not METRICS[key].needs_text)
    ]
    if kept:
        return kept
    titles = ", ".join(METRICS[key].title for key in keys)
    if all(METRICS[key].needs_text for key in keys):
        raise MetricError("evaluation.needs_text", metrics=titles)
    raise MetricError("evaluation.needs_clean", metrics=titles)


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
class _Run:
    """What is the same for all pairs of a run, and the rows that are done, by place in the set."""

    set_systems: Sequence[str]
    keys: list[str]
    align: bool
    seed: int
    own: OwnSystem | None
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
            job = Job(place, pair, {NOISY: pair.noisy, **pair.systems})
            self._look_up(job)
            if self.own is not None:
                self._clean(job, self.own)
                self.steps.advance(1)
            if self._missing(job):
                waiting.append(job)
            else:
                self._finish(job)
        with closing(self.pool.run(self._task(job) for job in waiting)) as results:
            for index, scored in results:
                job = waiting[index]
                job.measured = scored.measured
                for system, sound in scored.sounds.items():
                    self._note(job, system, sound)
                self._finish(job)

    def _keys(self, pair: Pair) -> list[str]:
        """The metrics that a pair can have at all."""
        return [
            key
            for key in self.keys
            if (pair.clean is not None or not METRICS[key].needs_clean)
            and (pair.text or not METRICS[key].needs_text)
        ]

    def _missing(self, job: Job) -> list[str]:
        return [system for system in job.paths if system not in job.sounds]

    def _look_up(self, job: Job) -> None:
        """Take from the journal what it has of a pair."""
        if self.journal is None:
            return
        clean = job.pair.clean and content_hash(job.pair.clean)
        if job.pair.clean and not clean:
            return
        hashes = {system: content_hash(path) for system, path in job.paths.items()}
        noisy = hashes[NOISY]
        if self.own is not None and noisy:
            hashes[self.own.name] = self.own.identity(noisy)
        for system, degraded in hashes.items():
            if not degraded:
                continue
            key = self.journal.key(
                clean, degraded, align=self.align, seed=self.seed, text=job.pair.text
            )
            job.journal_keys[system] = key
            entry = self.journal.find(key, self._keys(job.pair))
            if entry is not None:
                job.sounds[system] = entry.sound
                job.measured = entry.measured
                self.resumed += 1

    def _clean(self, job: Job, own: OwnSystem) -> None:
        try:
            own.make(job, lambda: self.steps.advance(0))
        except Cancelled:
            raise
        except UserError as error:
            self._fail(job, own.name, error)
        except Exception as error:  # one bad file never ends a run
            reference = fault_reference(error, logger, str(job.pair.noisy))
            self._fail(job, own.name, PairError("fault.file", reference=reference))

    def _task(self, job: Job) -> ScoreTask:
        missing = self._missing(job)
        return ScoreTask(
            clean=job.pair.clean,
            noisy=job.pair.noisy,
            degraded={system: job.paths[system] for system in missing},
            metrics={system: tuple(self._keys(job.pair)) for system in missing},
            text=job.pair.text,
            align=self.align,
            seed=self.seed,
        )

    def _note(self, job: Job, system: str, sound: SoundScores) -> None:
        """Keep a fresh score, also on disk."""
        if self.own is not None and system == self.own.name:
            sound.elapsed = job.elapsed
        job.sounds[system] = sound
        key = job.journal_keys.get(system)
        if self.journal is not None and key is not None and not sound.passing:
            entry = JournalEntry(sound, job.measured)
            self.journal.add(key, entry, name=job.pair.name, system=system)

    def _fail(self, job: Job, system: str, error: UserError) -> None:
        job.sounds[system] = SoundScores.nothing(self._keys(job.pair), error)

    def _finish(self, job: Job) -> None:
        for system in self.systems:
            if system not in job.sounds:
                self._fail(job, system, PairError("evaluation.no_file"))
        if self.own is not None:
            self.own.discard(job)
        self.rows[job.place] = Row(
            pair=job.pair,
            sounds={system: job.sounds[system] for system in self.systems},
            **asdict(job.measured),
            enhanced=job.enhanced,
        )
        self.steps.advance(1)
