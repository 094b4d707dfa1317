"""A set of pairs to rows of scores: clean the noisy files if wanted, and score them all."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from frcrn_app.errors import MetricError, PairError
from frcrn_app.evaluation.by_workers import PairCrew
from frcrn_app.evaluation.journal import Journal
from frcrn_app.evaluation.own_system import OwnSystem
from frcrn_app.evaluation.pairing import PairSet
from frcrn_app.evaluation.pool import ScoringPool, default_workers
from frcrn_app.evaluation.provenance import provenance
from frcrn_app.evaluation.rows import Evaluation
from frcrn_app.evaluation.under_way import Run, Steps
from frcrn_app.metrics import DEFAULT_SEED, METRICS, is_installed, metric_keys
from frcrn_app.scratch import Scratch

if TYPE_CHECKING:
    from frcrn_app.inference import Denoiser
    from frcrn_app.workers import Crew, Make


def evaluate_pairs(
    pairs: PairSet,
    *,
    denoiser: Denoiser | None = None,
    strength: float = 1.0,
    metrics: Iterable[str] | None = None,
    align: bool = False,
    seed: int = DEFAULT_SEED,
    workers: int | None = None,
    crew: Callable[[Make], Crew] | None = None,
    denoiser_of: Callable[[int], Denoiser] | None = None,
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
        crew: starts workers that clean and score instead, here or on a cluster, such as
            `partial(ProcessCrew, size=4)`.
        denoiser_of: makes the Denoiser of the worker of a number, like `denoiser`.
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
    steps = Steps(progress, len(pairs.pairs) * (1 if denoiser is None else 2))
    with ExitStack() as stack:
        own = opened = None
        if denoiser is not None:
            folder = enhanced_folder
            if folder is None:
                folder = stack.enter_context(Scratch("evaluate"))
            keep = enhanced_folder is not None
            own = OwnSystem(denoiser, strength, pairs, Path(folder), keep)
        if journal is not None:
            opened = stack.enter_context(Journal(journal, resume=resume))
        if crew is None:
            size = min(workers or default_workers(), len(pairs.pairs))
            pool = stack.enter_context(ScoringPool(size))
        else:
            sha256 = denoiser.sha256 if denoiser is not None else None
            pool = stack.enter_context(PairCrew(crew, denoiser_of if denoiser else None, sha256))
        run = Run(pairs.systems, keys, align, seed, own, opened, steps)
        run.take_all(pairs.pairs, pool)
    return _evaluation(run, pairs, pool.workers, time.perf_counter() - started)


def _evaluation(run: Run, pairs: PairSet, workers: int, elapsed: float) -> Evaluation:
    """What a run made of its pairs, with what makes it repeatable."""
    own = run.own
    return Evaluation(
        rows=[run.rows[place] for place in sorted(run.rows)],
        systems=run.systems,
        metrics=run.keys,
        unpaired=list(pairs.unpaired),
        total=len(pairs.pairs),
        cancelled=run.cancelled,
        settings={
            "metrics": run.keys,
            "align": run.align,
            "seed": run.seed,
            "workers": workers,
            "denoise": own is not None,
            "strength": own.strength if own else None,
        },
        provenance=provenance(own.denoiser if own else None),
        own_system=own.name if own else None,
        resumed=run.resumed,
        elapsed=elapsed,
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
