"""What a run over files and folders will do: what is cleaned, where it lands, what cannot be."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from frcrn_app.audio import AUDIO_SUFFIXES, film_suffix, find_audio, planned_suffix, with_ending
from frcrn_app.batch.addresses import Place, find_remote, is_address, names_below, place_of
from frcrn_app.errors import AudioError, UserError

# What cannot be written as planned becomes WAV, several tracks Matroska.
_OTHER_SUFFIXES = (".wav", ".flac", ".mka", ".mkv")


@dataclass(frozen=True)
class FileJob:
    """One file to clean and the file that it becomes.

    Args:
        source: the file: a path, or an address (a UPath).
        target: where most files of its kind land, likewise.
        stem: the target's name without its ending; no other job's target begins so.
        size: of the file in bytes, where listing it told.
    """

    source: Place
    target: Place
    stem: str
    size: int | None = None

    def with_ending(self, suffix: str) -> Place:
        """The target, should its ending turn out to be another than planned."""
        if suffix.lower() == self.target.suffix.lower():
            return self.target
        return with_ending(self.target, self.stem, suffix)


@dataclass(frozen=True)
class Refusal:
    """A file or folder that cannot be cleaned, and why."""

    source: Place
    error: UserError


@dataclass(frozen=True)
class FilePlan:
    """What a run over some files and folders will do."""

    jobs: list[FileJob] = field(default_factory=list)  # to be cleaned, in order
    present: list[FileJob] = field(default_factory=list)  # left alone: their target exists
    refused: list[Refusal] = field(default_factory=list)
    ignored: list[Place] = field(default_factory=list)  # hidden, or not audio


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
        sources: paths, or addresses that fsspec opens, such as s3://bucket/talks.
        output: a path or an address.
        format: as for `save_audio`.
        film: films stay films.
        overwrite: clean again what is there already.

    Raises:
        AudioError: if `output` is a file or one of the source folders, or if a source would be
            replaced by its own cleaned version.
    """
    folder: Place = place_of(output)
    if not is_address(folder) and folder.exists() and not folder.is_dir():
        raise AudioError("batch.output_is_file", path=folder)
    plan = FilePlan()
    found = list(_distinct(_found((place_of(source) for source in sources), folder, plan)))
    for job in _named(found, folder, format, film, plan):
        if _is_same(job.source, job.target):
            raise AudioError("batch.replaces_source", path=job.source)
        plan.jobs.append(job)
    if not overwrite:
        exists = _existing(folder)
        taken = {_key(job.target) for job in plan.jobs}
        jobs, plan.jobs[:] = list(plan.jobs), []
        for job in jobs:
            (plan.present if _is_done(job, taken, exists) else plan.jobs).append(job)
    return plan


def _is_same(source: Place, target: Place) -> bool:
    if is_address(source) or is_address(target):
        return str(source) == str(target)
    return target.exists() and source.exists() and target.samefile(source)


def _existing(output: Place) -> Callable[[Place], bool]:
    """Whether a target exists; elsewhere, listed once: a question a file would take hours."""
    if not is_address(output):
        return lambda target: target.exists()
    names = names_below(output)
    return lambda target: str(target) in names


_Listed = tuple[Place, PurePath, int | None]  # a file, its path below the output, its bytes


def _found(sources: Iterable[Place], output: Place, plan: FilePlan) -> Iterator[_Listed]:
    """Yield each file; what is passed over goes into the plan."""
    for source in sources:
        if is_address(source):
            remote = find_remote(source)
            plan.ignored.extend(remote.ignored)
            yield from remote.files
            continue
        if not source.is_dir():
            yield source, Path(source.name), None
            continue
        here = None if is_address(output) else output
        if here is not None and here.exists() and source.samefile(here):
            raise AudioError("batch.output_is_source", path=source)
        found = find_audio(source, skip=here)
        plan.ignored.extend(found.ignored)
        for path, reason in found.unreadable:
            plan.refused.append(Refusal(path, AudioError(_refusal(path), path=path, reason=reason)))
        for path in found.files:
            yield path, path.relative_to(source), None


def _refusal(path: Path) -> str:
    """Code of the sentence about what the system refuses."""
    if path.is_symlink() and not os.path.exists(path):
        return "batch.link_leads_nowhere"
    return "batch.folder_unreadable" if path.is_dir() else "batch.file_unreadable"


def _distinct(found: Iterable[_Listed]) -> Iterator[_Listed]:
    seen: set[str] = set()
    for listed in found:
        absolute = str(listed[0]) if is_address(listed[0]) else os.path.abspath(listed[0])
        if absolute not in seen:
            seen.add(absolute)
            yield listed


def _named(
    found: list[_Listed], output: Place, format: str, film: bool, plan: FilePlan
) -> Iterator[FileJob]:
    """Give every file a target of its own, or refuse it."""
    planned = [
        (source, relative, _target(output / relative, _stem(relative), format, film), size)
        for source, relative, size in found
    ]
    stems = Counter(_key(output / relative.parent / _stem(relative)) for _, relative, _ in found)
    # Who has the target's name already comes before who only gets it.
    owners: dict[str, Place] = {}
    for source, _, target, _ in sorted(planned, key=lambda row: row[1].name != row[2].name):
        owners.setdefault(_key(target), source)
    for source, relative, target, size in planned:
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
        yield FileJob(source, target, stem, size)


def _stem(relative: PurePath) -> str:
    """A name without its ending; "talk.v2" is a name."""
    return relative.stem if relative.suffix.lower() in AUDIO_SUFFIXES else relative.name


def _target(path: Place, stem: str, format: str, film: bool) -> Place:
    suffix = path.suffix if path.suffix.lower() in AUDIO_SUFFIXES else ""
    planned = (film_suffix(suffix) if film else None) or planned_suffix(suffix, format)
    # An ending in capitals stays so.
    return with_ending(path, stem, suffix if planned == suffix.lower() else planned)


def _is_done(job: FileJob, taken: set[str], exists: Callable[[Place], bool]) -> bool:
    if exists(job.target):
        return True
    others = (job.with_ending(suffix) for suffix in _OTHER_SUFFIXES)
    return any(exists(other) for other in others if _key(other) not in taken)


def _key(path: Place) -> str:
    return str(path) if is_address(path) else os.path.normcase(os.path.abspath(path))
