"""Which clean file belongs to which noisy one, and which file each system made of it."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from frcrn_app.errors import PairError
from frcrn_app.evaluation.listing import SoundFile, list_sounds

NOISY = "noisy"  # the name that the unprocessed recording has among the systems

_ROLE_WORDS = (
    "clean|noisy|noise|mix|mixture|enh|enhanced|denoised|cleaned|processed|out|output|est|"
    "estimate|ref|reference|target"
)
_AFFIX = re.compile(rf"^(?:{_ROLE_WORDS})[\s_.-]+|[\s_.-]+(?:{_ROLE_WORDS})$")
_FILE_ID = re.compile(r"(?:^|[_\s-])fileid[_-]?(\d+)$")
_NAMES_SHOWN = 3  # of several files that are in question


@dataclass(frozen=True)
class Pair:
    """One noisy file with its clean one, where there is one, and what systems made of it."""

    name: str  # unique in its set
    noisy: Path
    clean: Path | None = None
    systems: Mapping[str, Path] = field(default_factory=dict)  # may lack some of the set's systems
    group: str | None = None
    cluster: str | None = None  # what files that are not independent share: a speaker, a session
    text: str | None = None  # what is said


@dataclass(frozen=True)
class Unpaired:
    """What is left out of a set, such as a file without a partner or a line, and why."""

    name: str
    role: str  # "clean", "noisy", the system's name, or "folder" or "archive"
    reason: PairError


@dataclass(frozen=True)
class PairSet:
    """What is to be scored, in a fixed order, and what had to be left out."""

    pairs: tuple[Pair, ...]
    systems: tuple[str, ...] = ()  # besides the noisy recording itself, in the order given
    unpaired: tuple[Unpaired, ...] = ()


def pair_folders(
    noisy: str | os.PathLike,
    clean: str | os.PathLike | None = None,
    systems: Mapping[str, str | os.PathLike] | None = None,
) -> PairSet:
    """Pairs of folders; see `pair_files`. Raises PairError where nothing can be paired."""
    return pair_files(
        list_sounds(noisy),
        None if clean is None else list_sounds(clean),
        {name: list_sounds(folder) for name, folder in (systems or {}).items()},
    )


def pair_files(
    noisy: Sequence[SoundFile],
    clean: Sequence[SoundFile] | None = None,
    systems: Mapping[str, Sequence[SoundFile]] | None = None,
) -> PairSet:
    """Pairs noisy files with clean files and with those of each system.

    Partners have the same path below their folder, or else the same stem, or else the same stem
    once words such as clean_, noisy_ or _enh are taken off either end, or else the same number in
    `*_fileid_N`. One clean file may serve several noisy ones (one a noise level, say), unless only
    a pattern relates them; a system's file serves one. Without clean files (None) all pairs lack
    one, and only scores that need none can be given. The group of a pair is the first folder of
    the noisy file's path, if the noisy files lie in several.

    Raises:
        PairError: if there are no noisy files, if a system's name is taken, or if nothing pairs.
    """
    systems = dict(systems or {})
    check_system_names(systems)
    if not noisy:
        raise PairError("evaluation.no_noisy_file")
    if clean is not None and not clean:
        raise PairError("evaluation.no_clean_file")

    unpaired: list[Unpaired] = []
    kept = list(noisy)
    clean_of: dict[SoundFile, SoundFile] = {}
    if clean is not None:
        clean_of, unpaired = _clean_of(noisy, clean)
        kept = [file for file in noisy if file in clean_of]
    made_of: dict[str, dict[SoundFile, SoundFile]] = {}
    for name, files in systems.items():
        made_of[name], lost = _made_of(kept, name, files)
        unpaired += lost
    names, groups = _unique_names(kept), _groups(kept)
    pairs = tuple(
        Pair(
            name=names[file],
            noisy=file.path,
            clean=clean_of[file].path if clean is not None else None,
            systems={s: made[file].path for s, made in made_of.items() if file in made},
            group=groups.get(file),
        )
        for file in kept
    )
    return PairSet(pairs, tuple(systems), tuple(unpaired))


def _clean_of(
    noisy: Sequence[SoundFile], clean: Sequence[SoundFile]
) -> tuple[dict[SoundFile, SoundFile], list[Unpaired]]:
    """The clean file of each noisy one, and what found no partner; PairError if nothing did."""
    clean_of, lost = _match(noisy, clean, shared=True)
    for file in [file for file in clean_of if is_same_file(file.path, clean_of[file].path)]:
        lost[file] = PairError("evaluation.same_file", name=clean_of.pop(file).relative)
    if not clean_of:
        same = [reason for reason in lost.values() if reason.code == "evaluation.same_file"]
        raise same[0] if same else PairError("evaluation.no_pair")
    unpaired = [Unpaired(file.relative, NOISY, reason) for file, reason in lost.items()]
    return clean_of, unpaired + _unused(clean, clean_of, "clean")


def _made_of(
    noisy: Sequence[SoundFile], system: str, files: Sequence[SoundFile]
) -> tuple[dict[SoundFile, SoundFile], list[Unpaired]]:
    """What a system made of each noisy file, and what is missing; PairError if all of it is."""
    made_of, lost = _match(noisy, files, shared=False)
    if not made_of:
        raise PairError("evaluation.system_unpaired", name=system)
    unpaired = _unused(files, made_of, system)
    for file, reason in lost.items():
        if reason.code == "evaluation.no_partner":
            reason = PairError("evaluation.not_made")
        unpaired.append(Unpaired(file.relative, system, reason))
    return made_of, unpaired


def _groups(files: Sequence[SoundFile]) -> dict[SoundFile, str]:
    """The first folder of each file's path, if they lie in several."""
    groups = {file: file.relative.split("/", 1)[0] for file in files if "/" in file.relative}
    return groups if len(set(groups.values())) > 1 else {}


def check_system_names(systems: Iterable[str]) -> None:
    """Raises PairError for a name that means something else."""
    for name in systems:
        if name.casefold() in (NOISY, "clean") or not name.strip():
            raise PairError("evaluation.system_name", name=name)


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file, links followed."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return one == other


def _unused(
    files: Sequence[SoundFile], partners: Mapping[SoundFile, SoundFile], role: str
) -> list[Unpaired]:
    used = set(partners.values())
    reason = PairError("evaluation.no_noisy_partner")
    return [Unpaired(file.relative, role, reason) for file in files if file not in used]


def _without_affixes(file: SoundFile) -> str:
    stem = file.stem.casefold()
    while True:
        shorter = _AFFIX.sub("", stem)
        if shorter == stem or not shorter:
            return stem
        stem = shorter


def _file_id(file: SoundFile) -> str | None:
    found = _FILE_ID.search(_without_affixes(file))
    return str(int(found.group(1))) if found else None


# From the surest key to the least; whether the key is the name itself or a pattern of it.
_KEYS: tuple[tuple[Callable[[SoundFile], str | None], bool], ...] = (
    (lambda file: file.relative, False),
    (lambda file: file.relative_stem, False),
    (lambda file: file.stem, False),
    (_without_affixes, True),
    (_file_id, True),
)


def _match(
    files: Sequence[SoundFile], candidates: Sequence[SoundFile], *, shared: bool
) -> tuple[dict[SoundFile, SoundFile], dict[SoundFile, PairError]]:
    """The candidate of each file, and of each file without one the reason.

    A surer key goes first for all files, so that a pattern never takes what a name claims.
    """
    partner: dict[SoundFile, SoundFile] = {}
    reasons = dict.fromkeys(files, PairError("evaluation.no_partner"))
    taken: set[SoundFile] = set()
    for key, is_pattern in _KEYS:
        exclusive = is_pattern or not shared
        waiting = [file for file in files if file not in partner]
        free = [file for file in candidates if not (exclusive and file in taken)]
        claims, offers = defaultdict(list), defaultdict(list)
        for file in waiting:
            claims[_composed(key(file))].append(file)
        for file in free:
            offers[_composed(key(file))].append(file)
        for value, claimants in claims.items():
            offered = offers.get(value, [])
            if value is None or not offered:
                continue
            if len(offered) > 1:
                reason = PairError("evaluation.several_partners", names=_some(offered))
                reasons.update(dict.fromkeys(claimants, reason))
            elif exclusive and len(claimants) > 1:
                reason = PairError(
                    "evaluation.several_claim", name=offered[0].relative, names=_some(claimants)
                )
                reasons.update(dict.fromkeys(claimants, reason))
            else:
                partner.update(dict.fromkeys(claimants, offered[0]))
                taken.add(offered[0])
    return partner, {file: reasons[file] for file in files if file not in partner}


def _composed(text: str | None) -> str | None:
    """With accents in their letters: names from a Mac have them apart, though they look alike."""
    return None if text is None else unicodedata.normalize("NFC", text)


def _some(files: Sequence[SoundFile]) -> str:
    return ", ".join(file.relative for file in files[:_NAMES_SHOWN])


def _unique_names(files: Sequence[SoundFile]) -> dict[SoundFile, str]:
    """Stems where they are unique, else relative stems, else relative paths."""
    for label in (lambda f: f.stem, lambda f: f.relative_stem, lambda f: f.relative):
        names = {file: label(file) for file in files}
        if len(set(names.values())) == len(files):
            return names
    # Uploads may repeat a name; number those.
    return {file: f"{file.relative} ({number})" for number, file in enumerate(files, 1)}
