"""What a run over files and folders will do: what is cleaned, where it lands, what cannot be."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from frcrn_app.audio import AUDIO_SUFFIXES, film_suffix, find_audio, planned_suffix, with_ending
from frcrn_app.errors import AudioError, UserError

# What cannot be written as planned becomes WAV, several tracks Matroska.
_OTHER_SUFFIXES = (".wav", ".flac", ".mka", ".mkv")


@dataclass(frozen=True)
class FileJob:
    """One file to clean and the file that it becomes.

    Args:
        source: the file.
        target: where most files of its kind land.
        stem: the target's name without its ending; no other job's target begins so.
    """

    source: Path
    target: Path
    stem: str

    def with_ending(self, suffix: str) -> Path:
        """The target, should its ending turn out to be another than planned."""
        if suffix.lower() == self.target.suffix.lower():
            return self.target
        return with_ending(self.target, self.stem, suffix)


@dataclass(frozen=True)
class Refusal:
    """A file or folder that cannot be cleaned, and why."""

    source: Path
    error: UserError


@dataclass(frozen=True)
class FilePlan:
    """What a run over some files and folders will do."""

    jobs: list[FileJob] = field(default_factory=list)  # to be cleaned, in order
    present: list[FileJob] = field(default_factory=list)  # left alone: their target exists
    refused: list[Refusal] = field(default_factory=list)
    ignored: list[Path] = field(default_factory=list)  # hidden, or not audio


def plan_files(
    sources: Iterable[str | os.PathLike],
    output: str | os.PathLike,
    *,
    format: str = "same",
    film: bool = False,
    overwrite: bool = False,
) -> FilePlan:
    """List what lies under `sources` and where each file will land under `output`.

    A folder's tree is re-created below `output`; a file given by itself lands in `output` directly
    and is tried whatever its name. In folders, hidden files and those that are not audio are
    ignored, and so is `output` where it lies inside one. Of two files that would become one, such
    as talk.m4a and talk.mp4, the second keeps its whole name (talk.mp4.m4a); where that does not
    tell them apart, it is refused, alone.

    Args:
        format: as for `save_audio`.
        film: films stay films.
        overwrite: clean again what is there already.

    Raises:
        AudioError: if `output` is a file or one of the source folders, or if a source would be
            replaced by its own cleaned version.
    """
    output = Path(output)
    if output.exists() and not output.is_dir():
        raise AudioError("batch.output_is_file", path=output)
    plan = FilePlan()
    found = list(_distinct(_found((Path(source) for source in sources), output, plan)))
    for job in _named(found, output, format, film, plan):
        if job.target.exists() and job.source.exists() and job.target.samefile(job.source):
            raise AudioError("batch.replaces_source", path=job.source)
        plan.jobs.append(job)
    if not overwrite:
        taken = {_key(job.target) for job in plan.jobs}
        plan.present[:] = [job for job in plan.jobs if _is_done(job, taken)]
        plan.jobs[:] = [job for job in plan.jobs if job not in plan.present]
    return plan


def _found(sources: Iterable[Path], output: Path, plan: FilePlan) -> Iterator[tuple[Path, Path]]:
    """Yield each file and its path below `output`; what is passed over goes into the plan."""
    for source in sources:
        if not source.is_dir():
            yield source, Path(source.name)
            continue
        if output.exists() and source.samefile(output):
            raise AudioError("batch.output_is_source", path=source)
        found = find_audio(source, skip=output)
        plan.ignored.extend(found.ignored)
        for path, reason in found.unreadable:
            if path.is_dir():
                error = AudioError("batch.folder_unreadable", path=path, reason=reason)
            else:
                error = AudioError("batch.file_unreadable", path=path, reason=reason)
            plan.refused.append(Refusal(path, error))
        for path in found.files:
            yield path, path.relative_to(source)


def _distinct(found: Iterable[tuple[Path, Path]]) -> Iterator[tuple[Path, Path]]:
    seen: set[str] = set()
    for source, relative in found:
        absolute = os.path.abspath(source)
        if absolute not in seen:
            seen.add(absolute)
            yield source, relative


def _named(
    found: list[tuple[Path, Path]], output: Path, format: str, film: bool, plan: FilePlan
) -> Iterator[FileJob]:
    """Give every file a target of its own, or refuse it."""
    planned = [
        (source, relative, _target(output / relative, _stem(relative), format, film))
        for source, relative in found
    ]
    stems = Counter(_key(output / relative.parent / _stem(relative)) for _, relative in found)
    # Who has the target's name already comes before who only gets it.
    owners: dict[str, Path] = {}
    for source, _, target in sorted(planned, key=lambda row: row[1].name != row[2].name):
        owners.setdefault(_key(target), source)
    for source, relative, target in planned:
        shared = stems[_key(output / relative.parent / _stem(relative))] > 1
        stem = relative.name if shared else _stem(relative)
        if owners[_key(target)] is not source:
            whole = _target(output / relative, relative.name, format, film)
            other = owners[_key(target)]
            if other.name == source.name or owners.setdefault(_key(whole), source) is not source:
                error = AudioError("batch.clash", path=source, other=other, target=target)
                plan.refused.append(Refusal(source, error))
                continue
            target = whole
        yield FileJob(source, target, stem)


def _stem(relative: Path) -> str:
    """A name without its ending; "talk.v2" is a name."""
    return relative.stem if relative.suffix.lower() in AUDIO_SUFFIXES else relative.name


def _target(path: Path, stem: str, format: str, film: bool) -> Path:
    suffix = path.suffix if path.suffix.lower() in AUDIO_SUFFIXES else ""
    planned = (film_suffix(suffix) if film else None) or planned_suffix(suffix, format)
    # An ending in capitals stays so.
    return with_ending(path, stem, suffix if planned == suffix.lower() else planned)


def _is_done(job: FileJob, taken: set[str]) -> bool:
    if job.target.exists():
        return True
    others = (job.with_ending(suffix) for suffix in _OTHER_SUFFIXES)
    return any(other.exists() for other in others if _key(other) not in taken)


def _key(path: Path) -> str:
    return os.path.normcase(os.path.abspath(path))
