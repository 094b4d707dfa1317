"""Folders of sound files through a Denoiser: what is cleaned, where it lands, what went wrong.

    plan = plan_files(["recordings/"], "cleaned/")
    results = run_plan(plan, Denoiser())

or both in one call, `denoise_files`. A file that fails is one failed result and stops nothing else.
"""

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from frcrn_app.audio import AUDIO_SUFFIXES, Audio, load_audio, save_audio
from frcrn_app.errors import AudioError, Cancelled, UserError

if TYPE_CHECKING:
    from frcrn_app.inference import Denoiser

logger = logging.getLogger(__name__)

# A file larger than this is not decoded ahead of its turn: decoded, it may hold gigabytes.
MAX_PREFETCH_BYTES = 16 * 2**20

# What save_audio makes of suffixes that it does not write again: of a video, its sound.
_REPLACED_SUFFIXES = {
    **dict.fromkeys((".mp4", ".m4v", ".mov", ".3gp"), ".m4a"),
    **dict.fromkeys((".mkv", ".mka"), ".webm"),
    **dict.fromkeys((".avi", ".aac", ".ac3", ".amr", ".wma"), ".wav"),
}
_FORMAT_SUFFIXES = {"wav16": ".wav", "wav-float": ".wav", "flac": ".flac"}
# A sound that its own format cannot hold, such as MP3 at 96 kHz, is written as this instead.
_FALLBACK_SUFFIX = ".wav"


@dataclass(frozen=True)
class FileJob:
    """One file to clean and the file that it becomes."""

    source: Path
    target: Path


@dataclass(frozen=True)
class FilePlan:
    """What a run over some files and folders will do."""

    jobs: list[FileJob] = field(default_factory=list)  # to be cleaned, in order
    present: list[FileJob] = field(default_factory=list)  # left alone: their target exists
    ignored: list[Path] = field(default_factory=list)  # hidden, or not sound by their suffix


@dataclass(frozen=True)
class FileResult:
    """What became of one file."""

    source: Path
    target: Path
    status: Literal["cleaned", "present", "failed"]
    error: str = ""  # one sentence where it failed
    duration: float = 0.0  # s of sound that was cleaned
    elapsed: float = 0.0  # s that cleaning took, without reading and writing


def denoise_files(
    sources: Iterable[str | os.PathLike],
    output: str | os.PathLike,
    denoiser: "Denoiser",
    *,
    strength: float = 1.0,
    format: str = "same",
    overwrite: bool = False,
    progress: Callable[[float, int], None] | None = None,
) -> list[FileResult]:
    """Cleans files and whole folders into `output`; see `plan_files` and `run_plan`."""
    plan = plan_files(sources, output, format=format, overwrite=overwrite)
    return run_plan(plan, denoiser, strength=strength, format=format, progress=progress)


def plan_files(
    sources: Iterable[str | os.PathLike],
    output: str | os.PathLike,
    *,
    format: str = "same",
    overwrite: bool = False,
) -> FilePlan:
    """Lists what lies under `sources` and where each sound will land under `output`.

    A folder's tree is re-created below `output`; a file given by itself lands in `output` directly
    and is tried whatever its name. In folders, hidden files and those without a sound's suffix are
    ignored, and so is `output` where it lies inside one.

    Raises:
        AudioError: if `output` is a file or one of the source folders, if two sources would become
            one file or a source would be replaced by its own cleaned version, or if a folder may
            not be read.
    """
    output = Path(output)
    if output.exists() and not output.is_dir():
        raise AudioError(f'"{output}" is a file: name a folder for the cleaned files.')
    plan = FilePlan()
    origins: dict[str, Path] = {}
    seen: set[str] = set()
    for source, relative in _walk((Path(source) for source in sources), output, plan.ignored):
        absolute = os.path.abspath(source)
        if absolute in seen:
            continue
        seen.add(absolute)
        job = FileJob(source, output / _target_name(relative, format))
        origin = origins.setdefault(os.path.normcase(os.path.abspath(job.target)), source)
        if origin is not source:
            raise AudioError(
                f'"{origin}" and "{source}" would both become "{job.target}": '
                "clean them into different folders, or rename one."
            )
        if job.target.exists() and source.exists() and job.target.samefile(source):
            raise AudioError(
                f'"{source}" would be replaced by its cleaned version: '
                "name another folder for the cleaned files."
            )
        present = job.target.exists() or _fallback(job.target, _FALLBACK_SUFFIX).exists()
        (plan.present if present and not overwrite else plan.jobs).append(job)
    return plan


def run_plan(
    plan: FilePlan,
    denoiser: "Denoiser",
    *,
    strength: float = 1.0,
    format: str = "same",
    progress: Callable[[float, int], None] | None = None,
) -> list[FileResult]:
    """Cleans the plan's files; the next one is read and the last one written meanwhile.

    Args:
        denoiser: any `Denoiser`, or a callable with the same signature.
        strength: 0 (untouched) to 1.
        format: as for `save_audio`, and as the plan was made with.
        progress: called as progress(files done, all files); files done counts parts of a file.
            Raising Cancelled in it stops the run; every target is then either whole or not there.

    Returns:
        One result a file, those that were already there first.
    """
    jobs = plan.jobs
    results = [FileResult(job.source, job.target, "present") for job in plan.present]
    outcomes: list[Future[FileResult] | FileResult] = []
    writing: Future[FileResult] | None = None
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="sound-files") as pool:
        prefetched = _prefetch(pool, jobs, 0)
        for index, job in enumerate(jobs):
            loading, prefetched = prefetched, None
            try:
                audio = loading.result() if loading else load_audio(job.source)
                prefetched = _prefetch(pool, jobs, index + 1)
                start = time.perf_counter()
                enhanced = denoiser(audio, strength, _part_of(progress, index, len(jobs)))
                elapsed = time.perf_counter() - start
            except Cancelled:
                raise
            except Exception as error:
                outcomes.append(_failed(job, error))
                prefetched = prefetched or _prefetch(pool, jobs, index + 1)
            else:
                if writing:  # one at a time, so that no more than one sound waits in memory
                    writing.result()
                writing = pool.submit(_write, job, enhanced, format, elapsed)
                outcomes.append(writing)
            if progress:
                progress(index + 1, len(jobs))
    results += [
        outcome.result() if isinstance(outcome, Future) else outcome for outcome in outcomes
    ]
    return results


def _walk(
    sources: Iterable[Path], output: Path, ignored: list[Path]
) -> Iterator[tuple[Path, Path]]:
    """Yields each sound and its path below `output`; appends what it passes over to `ignored`."""
    for source in sources:
        if not source.is_dir():
            yield source, Path(source.name)
            continue
        if _same_place(source, output):
            raise AudioError(
                f'"{source}" cannot hold both the recordings and the cleaned files: '
                "name another folder for the cleaned files."
            )
        for folder, subfolders, names in os.walk(source, onerror=_refuse_folder):
            folder = Path(folder)
            hidden = sorted(name for name in subfolders if name.startswith("."))
            ignored += [folder / name for name in hidden]
            subfolders[:] = sorted(
                name
                for name in subfolders
                if name not in hidden and not _same_place(folder / name, output)
            )
            for name in sorted(names):
                path = folder / name
                if name.startswith(".") or path.suffix.lower() not in AUDIO_SUFFIXES:
                    ignored.append(path)
                else:
                    yield path, path.relative_to(source)


def _refuse_folder(error: OSError) -> None:
    raise AudioError(
        f'The folder "{error.filename}" cannot be read ({error.strerror}): check its permissions.'
    ) from error


def _same_place(folder: Path, output: Path) -> bool:
    return output.exists() and folder.exists() and folder.samefile(output)


def _target_name(relative: Path, format: str) -> Path:
    suffix = relative.suffix.lower()
    if suffix not in AUDIO_SUFFIXES:  # "talk.v2" is a name, not a suffix
        return relative.with_name(relative.name + _FORMAT_SUFFIXES.get(format, ".wav"))
    target_suffix = _FORMAT_SUFFIXES.get(format) or _REPLACED_SUFFIXES.get(suffix)
    return relative.with_suffix(target_suffix) if target_suffix else relative


def _fallback(target: Path, suffix: str) -> Path:
    """The whole name is kept, so that it cannot meet another file's target."""
    return target.with_name(target.name + suffix)


def _prefetch(
    pool: ThreadPoolExecutor, jobs: Sequence[FileJob], index: int
) -> Future[Audio] | None:
    if index >= len(jobs):
        return None
    source = jobs[index].source
    try:
        small = source.stat().st_size <= MAX_PREFETCH_BYTES
    except OSError:  # load_audio will word it
        small = False
    return pool.submit(load_audio, source) if small else None


def _part_of(
    progress: Callable[[float, int], None] | None, index: int, files: int
) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, total: progress(index + done / max(total, 1), files)


def _write(job: FileJob, enhanced: Audio, format: str, elapsed: float) -> FileResult:
    draft = job.target.with_name(f".{secrets.token_hex(8)}{job.target.suffix}")
    try:
        # Under a name of its own first: save_audio may have to choose another suffix than planned.
        draft = save_audio(draft, enhanced, format=format)
        target = job.target
        if draft.suffix != target.suffix:
            target = _fallback(target, draft.suffix)
        os.replace(draft, target)
    except Exception as error:
        draft.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error = AudioError(f'"{job.target}" cannot be written ({error.strerror}).')
        return _failed(job, error)
    return FileResult(job.source, target, "cleaned", duration=enhanced.duration, elapsed=elapsed)


def _failed(job: FileJob, error: Exception) -> FileResult:
    if isinstance(error, UserError):
        sentence = str(error)
    else:
        reference = secrets.token_hex(4)
        logger.error("fault %s with %s", reference, job.source, exc_info=error)
        sentence = f"A fault of the program, reference {reference} in the log."
    return FileResult(job.source, job.target, "failed", error=sentence)
