"""Files through a Denoiser. A file that fails is one failed result and stops nothing else."""

import logging
import math
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
    Written,
    film_suffix,
    has_picture,
    load_tracks,
    save_film,
    save_tracks,
    to_loudness,
)
from frcrn_app.batch.addresses import Place, delivered, fetched, is_address
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

    source: Place
    target: Place | None  # None where it was refused before it had one
    status: Literal["cleaned", "present", "failed"]
    error: UserError | None = None  # where it failed
    notes: tuple[Note, ...] = ()  # what is to be said about what was read and written
    duration: float = 0.0  # s of audio that was cleaned
    elapsed: float = 0.0  # s that cleaning took, without reading and writing
    earlier: bool = False  # cleaned by a run before this one, as its ledger says

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
        loudness: in LUFS that the cleaned files get, peaks permitting; None: they keep theirs.
    """

    strength: float = 1.0
    format: str = "same"
    track: int | None = None
    film: bool = False
    loudness: float | None = None


def denoise_files(
    sources: Iterable[str | os.PathLike],
    output: str | os.PathLike,
    denoiser: "Denoiser",
    *,
    strength: float = 1.0,
    format: str = "same",
    track: int | None = None,
    film: bool = False,
    loudness: float | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> list[FileResult]:
    """Clean files and whole folders into `output`; see `plan_files` and `run_plan`."""
    plan = plan_files(sources, output, format=format, film=film, overwrite=overwrite)
    options = RunOptions(strength, format, track, film, loudness)
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
                tracks = loading.result() if loading else load(job, options)
                prefetched = _prefetch(pool, jobs, index + 1, options)
                start = time.perf_counter()
                enhanced = _clean(tracks, denoiser, options, progress, index, len(jobs))
                elapsed = time.perf_counter() - start
            except Cancelled:
                raise
            except Exception as error:
                outcomes.append(failed(job, error))
                prefetched = prefetched or _prefetch(pool, jobs, index + 1, options)
            else:
                if writing:  # one at a time, so that no more than one waits in memory
                    writing.result()
                writing = pool.submit(write, job, enhanced, options, elapsed)
                outcomes.append(writing)
            if progress:
                progress(index + 1, len(jobs))
    return results + [
        outcome.result() if isinstance(outcome, Future) else outcome for outcome in outcomes
    ]


def load(job: FileJob, options: RunOptions) -> list[Audio]:
    """The tracks of a file that are to be cleaned. Raises AudioError."""
    with fetched(job.source) as path:
        return load_tracks(path, track=options.track)


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
    small = size_of(jobs[index]) <= MAX_PREFETCH_BYTES
    return pool.submit(load, jobs[index], options) if small else None


def size_of(job: FileJob) -> float:
    """Bytes of a file; infinite where that is not known."""
    if job.size is not None or is_address(job.source):
        return math.inf if job.size is None else job.size
    try:
        return job.source.stat().st_size
    except (OSError, ValueError):  # load_tracks will word it
        return math.inf


def _part_of(
    progress: Progress | None, done_before: float, share: float, files: int
) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, total: progress(done_before + share * done / max(total, 1), files)


def write(job: FileJob, enhanced: list[Audio], options: RunOptions, elapsed: float) -> FileResult:
    """Write what became of a file; a failure is the result."""
    try:
        return written(job, enhanced, options, elapsed)
    except Exception as error:
        return failed(job, error)


def written(job: FileJob, enhanced: list[Audio], options: RunOptions, elapsed: float) -> FileResult:
    """Write what became of a file. Raises AudioError."""
    if options.loudness is not None:
        enhanced = [to_loudness(track, options.loudness) for track in enhanced]
    with delivered(job.target) as (path, send):
        if path is job.target:
            saved = _save(job, path, job.with_ending, enhanced, options)
            target = saved.path
        else:
            saved = _save(job, path, None, enhanced, options)
            target = job.with_ending(saved.path.suffix)
            send(saved.path, target)
    notes: list[Note] = []
    for track in enhanced:
        notes += [note for note in track.notes if note not in notes]
    if len(enhanced) > 1:
        notes.append(Note("batch.tracks", {"count": len(enhanced)}))
    return FileResult(
        job.source,
        target,
        "cleaned",
        notes=(*notes, *saved.notes),
        duration=max(track.duration for track in enhanced),
        elapsed=elapsed,
    )


def _save(
    job: FileJob,
    path: Path,
    place: Callable[[str], Path] | None,
    enhanced: list[Audio],
    options: RunOptions,
) -> Written:
    """Write tracks to a path of this machine, or to where `place` puts their ending."""
    if options.film and film_suffix(job.source.suffix):
        with fetched(job.source) as source:
            if has_picture(source):
                return save_film(path, source, enhanced, place=place)
    return save_tracks(path, enhanced, format=options.format, place=place)


def failed(job: FileJob, error: Exception) -> FileResult:
    """A file that failed, for the user's fault or the program's."""
    if not isinstance(error, UserError):
        reference = fault_reference(error, logger, repr(job.source))
        error = UserError("fault.file", reference=reference)
    return FileResult(job.source, job.target, "failed", error)
