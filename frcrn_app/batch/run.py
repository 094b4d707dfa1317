"""Files through a Denoiser. A file that fails is one failed result and stops nothing else."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from frcrn_app.audio import (
    Audio,
    Note,
    film_suffix,
    has_picture,
    load_tracks,
    save_film,
    save_tracks,
)
from frcrn_app.batch.plan import FileJob, FilePlan, plan_files
from frcrn_app.errors import Cancelled, UserError
from frcrn_app.faults import fault_reference

if TYPE_CHECKING:
    from frcrn_app.inference import Denoiser

logger = logging.getLogger(__name__)

# A file larger than this is not decoded ahead of its turn: decoded, it may hold gigabytes.
MAX_PREFETCH_BYTES = 16 * 2**20

Progress = Callable[[float, int], None]


@dataclass(frozen=True)
class FileResult:
    """What became of one file."""

    source: Path
    target: Path | None  # None where it was refused before it had one
    status: Literal["cleaned", "present", "failed"]
    error: UserError | None = None  # where it failed
    notes: tuple[Note, ...] = ()  # what is to be said about what was read and written
    duration: float = 0.0  # s of audio that was cleaned
    elapsed: float = 0.0  # s that cleaning took, without reading and writing

    @property
    def complete(self) -> bool:
        """Whether all of the recording could be read."""
        return self.status != "failed" and not any(note.lost for note in self.notes)


@dataclass(frozen=True)
class RunOptions:
    """How files are cleaned and written.

    Args:
        strength: 0 (untouched) to 1.
        format: as for `save_audio`, and as the plan was made with.
        track: number of the audio track to take, from 1; None: all.
        film: films stay films, as the plan was made with.
    """

    strength: float = 1.0
    format: str = "same"
    track: int | None = None
    film: bool = False


def denoise_files(
    sources: Iterable[str | os.PathLike],
    output: str | os.PathLike,
    denoiser: "Denoiser",
    *,
    strength: float = 1.0,
    format: str = "same",
    track: int | None = None,
    film: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> list[FileResult]:
    """Clean files and whole folders into `output`; see `plan_files` and `run_plan`."""
    plan = plan_files(sources, output, format=format, film=film, overwrite=overwrite)
    options = RunOptions(strength, format, track, film)
    return run_plan(plan, denoiser, options, progress=progress)


def run_plan(
    plan: FilePlan,
    denoiser: "Denoiser",
    options: RunOptions = RunOptions(),
    *,
    progress: Progress | None = None,
) -> list[FileResult]:
    """Clean the plan's files; the next one is read and the last one written meanwhile.

    Args:
        denoiser: any `Denoiser`, or a callable with the same signature.
        options: how.
        progress: called as progress(files done, all files); files done counts parts of a file.
            Raising Cancelled in it stops the run; every target is then either whole or not there.

    Returns:
        One result a file: those already there, those refused by the plan, then the cleaned ones.
    """
    jobs = plan.jobs
    results = [FileResult(job.source, job.target, "present") for job in plan.present]
    results += [FileResult(each.source, None, "failed", each.error) for each in plan.refused]
    outcomes: list[Future[FileResult] | FileResult] = []
    writing: Future[FileResult] | None = None
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="audio-files") as pool:
        prefetched = _prefetch(pool, jobs, 0, options)
        for index, job in enumerate(jobs):
            loading, prefetched = prefetched, None
            try:
                tracks = loading.result() if loading else _load(job, options)
                prefetched = _prefetch(pool, jobs, index + 1, options)
                start = time.perf_counter()
                enhanced = _clean(tracks, denoiser, options, progress, index, len(jobs))
                elapsed = time.perf_counter() - start
            except Cancelled:
                raise
            except Exception as error:
                outcomes.append(_failed(job, error))
                prefetched = prefetched or _prefetch(pool, jobs, index + 1, options)
            else:
                if writing:  # one at a time, so that no more than one waits in memory
                    writing.result()
                writing = pool.submit(_write, job, enhanced, options, elapsed)
                outcomes.append(writing)
            if progress:
                progress(index + 1, len(jobs))
    return results + [
        outcome.result() if isinstance(outcome, Future) else outcome for outcome in outcomes
    ]


def _load(job: FileJob, options: RunOptions) -> list[Audio]:
    return load_tracks(job.source, track=options.track)


def _clean(
    tracks: list[Audio],
    denoiser: "Denoiser",
    options: RunOptions,
    progress: Progress | None,
    index: int,
    files: int,
) -> list[Audio]:
    enhanced = []
    while tracks:  # freed one by one
        done = len(enhanced) / (len(tracks) + len(enhanced))
        share = 1 / (len(tracks) + len(enhanced))
        part = _part_of(progress, index + done, share, files)
        enhanced.append(denoiser(tracks.pop(0), options.strength, part))
    return enhanced


def _prefetch(
    pool: ThreadPoolExecutor, jobs: Sequence[FileJob], index: int, options: RunOptions
) -> Future[list[Audio]] | None:
    if index >= len(jobs):
        return None
    try:
        small = jobs[index].source.stat().st_size <= MAX_PREFETCH_BYTES
    except OSError:  # load_tracks will word it
        small = False
    return pool.submit(_load, jobs[index], options) if small else None


def _part_of(
    progress: Progress | None, done_before: float, share: float, files: int
) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, total: progress(done_before + share * done / max(total, 1), files)


def _write(job: FileJob, enhanced: list[Audio], options: RunOptions, elapsed: float) -> FileResult:
    try:
        if options.film and film_suffix(job.source.suffix) and has_picture(job.source):
            written = save_film(job.target, job.source, enhanced, place=job.with_ending)
        else:
            written = save_tracks(
                job.target, enhanced, format=options.format, place=job.with_ending
            )
    except Exception as error:
        return _failed(job, error)
    notes: list[Note] = []
    for track in enhanced:
        notes += [note for note in track.notes if note not in notes]
    if len(enhanced) > 1:
        notes.append(Note("batch.tracks", {"count": len(enhanced)}))
    return FileResult(
        job.source,
        written.path,
        "cleaned",
        notes=(*notes, *written.notes),
        duration=max(track.duration for track in enhanced),
        elapsed=elapsed,
    )


def _failed(job: FileJob, error: Exception) -> FileResult:
    if not isinstance(error, UserError):
        reference = fault_reference(error, logger, repr(job.source))
        error = UserError("fault.file", reference=reference)
    return FileResult(job.source, job.target, "failed", error)
