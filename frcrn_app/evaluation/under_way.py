"""Pairs on their way to rows: what the journal has, what is cleaned, what is scored."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field

from frcrn_app.errors import Cancelled, PairError, UserError
from frcrn_app.evaluation.by_workers import OwnTask, PairCrew, PairTask
from frcrn_app.evaluation.journal import Journal, JournalEntry, content_hash
from frcrn_app.evaluation.own_system import Job, OwnSystem
from frcrn_app.evaluation.pairing import NOISY, Pair
from frcrn_app.evaluation.pool import ScoringPool
from frcrn_app.evaluation.rows import Row
from frcrn_app.evaluation.scoring import PairScores, ScoreTask, SoundScores
from frcrn_app.faults import fault_reference
from frcrn_app.metrics import METRICS

logger = logging.getLogger(__name__)

# Cleaning and scoring take turns, so that neither is timed while the other takes its cores, and so
# that a run that is cancelled or killed has whole rows by then.
PAIRS_PER_TURN = 16
PAIRS_PER_TURN_WITHOUT_DENOISER = 256


class Steps:
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
class Run:
    """What is the same for all pairs of a run, and the rows that are done, by place in the set."""

    set_systems: Sequence[str]
    keys: list[str]
    align: bool
    seed: int
    own: OwnSystem | None
    journal: Journal | None
    steps: Steps
    rows: dict[int, Row] = field(default_factory=dict)
    resumed: int = 0
    cancelled: bool = False

    @property
    def systems(self) -> list[str]:
        return [NOISY, *self.set_systems, *([self.own.name] if self.own else [])]

    def take_all(self, pairs: Sequence[Pair], pool: ScoringPool | PairCrew) -> None:
        """Clean pairs, score them, and put them among the rows; `cancelled` if that ends early."""
        try:
            self.steps.advance(0)
            if isinstance(pool, PairCrew):
                self._give_out(pairs, pool)
            else:
                self._take_turns(pairs, pool)
        except (Cancelled, KeyboardInterrupt):
            self.cancelled = True

    def _take_turns(self, pairs: Sequence[Pair], pool: ScoringPool) -> None:
        turn = PAIRS_PER_TURN_WITHOUT_DENOISER if self.own is None else PAIRS_PER_TURN
        for start in range(0, len(pairs), turn):
            self._take_turn(start, pairs[start : start + turn], pool)

    def _give_out(self, pairs: Sequence[Pair], crew: PairCrew) -> None:
        """To workers, who clean and score pair by pair."""
        waiting: list[Job] = []

        def tasks() -> Iterator[PairTask]:
            for place, pair in enumerate(pairs):
                job = Job(place, pair, {NOISY: pair.noisy, **pair.systems})
                self._look_up(job)
                own = self.own.task(job) if self.own is not None else None
                if self._missing(job) or own:
                    waiting.append(job)
                    yield self._task(job, own), own
                else:
                    self.steps.advance(0 if self.own is None else 1)
                    self._finish(job)

        with closing(crew.run(tasks())) as results:
            for result in results:
                if result is None:
                    self.steps.advance(0)
                    continue
                index, scored, waiting[index].elapsed = result
                self.steps.advance(0 if self.own is None else 1)
                job = waiting[index]
                if job.enhanced is not None and not job.enhanced.is_file():
                    job.enhanced = None  # it could not be cleaned
                self._take(job, scored)

    def _take(self, job: Job, scored: PairScores) -> None:
        job.measured = scored.measured
        for system, sound in scored.sounds.items():
            self._note(job, system, sound)
        self._finish(job)

    def _take_turn(self, start: int, pairs: Sequence[Pair], pool: ScoringPool) -> None:
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
        tasks = (self._task(job) for job in waiting)
        with closing(pool.run(tasks, lambda: self.steps.advance(0))) as results:
            for index, scored in results:
                self._take(waiting[index], scored)

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

    def _task(self, job: Job, own: OwnTask | None = None) -> ScoreTask:
        """What is to be scored of a pair, with what a worker will make of it."""
        missing = self._missing(job)
        made = [own.name] if own is not None and own.name not in job.sounds else []
        return ScoreTask(
            clean=job.pair.clean,
            noisy=job.pair.noisy,
            degraded={system: job.paths[system] for system in missing},
            metrics={system: tuple(self._keys(job.pair)) for system in (*missing, *made)},
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
