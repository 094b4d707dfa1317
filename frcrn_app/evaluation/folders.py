"""Sets that lie in a folder, and folders that visitors name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from frcrn_app.errors import PairError
from frcrn_app.evaluation.listing import is_junk, list_sounds
from frcrn_app.evaluation.manifest import pair_manifest
from frcrn_app.evaluation.pairing import PairSet, Unpaired, pair_files
from frcrn_app.evaluation.resolving import among, first_of, inside

MANIFEST_NAME = "manifest.csv"

_CLEAN_FOLDERS = ("clean", "reference", "ref", "target")
_NOISY_FOLDERS = ("noisy", "mix", "mixture")


def pair_tree(
    folder: str | os.PathLike, within: Iterable[Path] | None = None, *, whole: bool = False
) -> PairSet:
    """Pairs the set under a folder: by its manifest.csv, or by its subfolders clean and noisy.

    Every other folder beside `noisy` that holds audio is a system. The set may lie deeper in the
    tree. Links that lead out of all folders `within`, by default the folder itself, are passed
    over. Raises PairError where there is neither a manifest nor a folder `noisy`.

    Args:
        folder: in which the set is looked for; of several the shallowest is taken.
        within: see above.
        whole: list folders with audio that are no part of the set as unpaired, too.
    """
    root = Path(folder)
    within = [root] if within is None else list(within)
    for parent, subfolders, names in os.walk(root):  # top-down: the shallowest set is taken
        subfolders[:] = sorted(name for name in subfolders if not is_junk(name))
        manifest = next((name for name in names if name.lower() == MANIFEST_NAME), None)
        if manifest is not None:
            below = inside(within, Path(parent))
            anywhere = among(list_sounds(parent, within))
            pairs = pair_manifest(Path(parent, manifest), first_of(below, anywhere))
            return _with_outside(pairs, root, [Path(parent)]) if whole else pairs
        noisy = _folder_called(subfolders, _NOISY_FOLDERS)
        if noisy is not None:
            pairs = _pair_subfolders(Path(parent), subfolders, noisy, within)
            taken = [Path(parent, name) for name in subfolders]
            return _with_outside(pairs, root, taken) if whole else pairs
    raise PairError("evaluation.no_noisy_folder")


def _with_outside(pairs: PairSet, root: Path, taken: Sequence[Path]) -> PairSet:
    """With the folders of audio that lie in none of those that are taken."""
    left = Counter(
        str(PurePosixPath(file.relative).parent)
        for file in list_sounds(root)
        if not any(file.path.is_relative_to(folder) for folder in taken)
    )
    unpaired = [
        Unpaired(name, "folder", PairError("evaluation.outside_set", count=count))
        for name, count in left.items()
    ]
    return replace(pairs, unpaired=(*pairs.unpaired, *unpaired))


def allowed_folder(text: str, roots: Iterable[Path]) -> Path:
    """A folder that a visitor names, if it lies in one of the folders opened to visitors.

    Relative paths are tried below each. Links are resolved first. Raises PairError otherwise, with
    one sentence that does not tell whether such a folder exists.
    """
    for root in [root.resolve() for root in roots]:
        try:
            path = (root / text.strip()).resolve()
            if path.is_relative_to(root) and path.is_dir():
                return path
        except (OSError, ValueError):
            continue
    raise PairError("evaluation.folder_not_allowed", name=text.strip()[:300])


def _pair_subfolders(
    parent: Path, subfolders: list[str], noisy: str, within: Iterable[Path]
) -> PairSet:
    clean = _folder_called(subfolders, _CLEAN_FOLDERS)
    sounds_of = {name: list_sounds(parent / name, within) for name in subfolders}
    others = {name: sounds_of[name] for name in subfolders if name not in (noisy, clean)}
    return pair_files(
        sounds_of[noisy],
        sounds_of[clean] if clean else None,
        {name: sounds for name, sounds in others.items() if sounds},
    )


def _folder_called(names: Iterable[str], wanted: tuple[str, ...]) -> str | None:
    """The folder of that name, or one such as noisy_testset_wav."""
    names = list(names)
    for word in wanted:
        for name in names:
            if name.lower() == word:
                return name
    for word in wanted:
        for name in names:
            if name.lower().startswith((f"{word}_", f"{word}-", f"{word} ")):
                return name
    return None
