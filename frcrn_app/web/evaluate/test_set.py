"""What a visitor gave to be scored, and the pairs in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from frcrn_app.errors import PairError
from frcrn_app.evaluation import (
    MAX_ARCHIVE_BYTES,
    PairSet,
    SoundFile,
    allowed_folder,
    among,
    first_of,
    inside,
    list_sounds,
    pair_archive,
    pair_files,
    pair_folders,
    pair_manifest,
    pair_tree,
)
from frcrn_app.resources import data_folder

MAX_PAIRS = 2000  # in the browser; the command line takes any number


@dataclass(frozen=True)
class TestSet:
    """What a visitor gave; `source` says which of the fields count."""

    __test__ = False  # for pytest: no test, whatever its name says

    source: str = "examples"  # "zip", "files", "manifest" or "folders"
    archive: str | None = None
    noisy: list[str] = field(default_factory=list)
    clean: list[str] = field(default_factory=list)
    system: list[str] = field(default_factory=list)
    system_name: str = ""
    manifest: str | None = None
    manifest_sounds: list[str] = field(default_factory=list)
    noisy_folder: str = ""
    clean_folder: str = ""
    system_folders: str = ""  # NAME=FOLDER, a line each

    def __post_init__(self) -> None:
        """Make paths plain strings: for those of Gradio's class a reader would import all of it."""
        for name, value in vars(self).items():
            plain = [str(path) for path in value] if isinstance(value, list) else value
            object.__setattr__(self, name, str(plain) if isinstance(plain, str) else plain)

    def pairs(
        self, folder: Path, roots: tuple[Path, ...], max_bytes: int = MAX_ARCHIVE_BYTES
    ) -> PairSet:
        """Find the pairs; folders must lie below `roots`.

        An archive is unpacked into `folder`, up to `max_bytes` of it.

        Raises:
            PairError: something is missing or does not fit.
        """
        collect = {
            "examples": self._examples,
            "zip": lambda: self._archive(folder, max_bytes),
            "files": self._files,
            "manifest": lambda: self._manifest(roots),
            "folders": lambda: self._folders(roots),
        }.get(self.source)
        if collect is None:
            raise PairError("evaluate.no_source", name=self.source[:80])
        pairs = collect()
        if len(pairs.pairs) > MAX_PAIRS:
            raise PairError("evaluate.too_many_pairs", count=len(pairs.pairs), most=MAX_PAIRS)
        return pairs

    def _examples(self) -> PairSet:
        folder = data_folder("examples") / "pairs"
        return pair_folders(folder / "noisy", folder / "clean")

    def _archive(self, folder: Path, max_bytes: int) -> PairSet:
        if not self.archive:
            raise PairError("evaluate.no_archive")
        folder.mkdir(parents=True, exist_ok=True)
        return pair_archive(self.archive, folder, max_bytes=max_bytes)

    def _files(self) -> PairSet:
        if not self.noisy:
            raise PairError("evaluate.no_noisy")
        systems = {}
        if self.system:
            systems[self.system_name.strip() or "other"] = _uploads(self.system)
        clean = _uploads(self.clean) if self.clean else None
        return pair_files(_uploads(self.noisy), clean, systems)

    def _manifest(self, roots: tuple[Path, ...]) -> PairSet:
        if not self.manifest:
            raise PairError("evaluate.no_manifest")
        uploaded = among(Path(path) for path in self.manifest_sounds)
        local = [inside(roots, root) for root in roots]
        return pair_manifest(self.manifest, first_of(uploaded, *local))

    def _folders(self, roots: tuple[Path, ...]) -> PairSet:
        if not roots:
            raise PairError("evaluate.no_local_folders")
        if not self.noisy_folder.strip():
            raise PairError("evaluate.no_folder")
        noisy = allowed_folder(self.noisy_folder, roots)
        clean = self.clean_folder.strip()
        if not clean and (noisy / "noisy").is_dir():
            return pair_tree(noisy, roots)
        systems = {}
        for line in self.system_folders.splitlines():
            if not line.strip():
                continue
            name, equals, folder = line.partition("=")
            if not (name.strip() and equals and folder.strip()):
                raise PairError("evaluate.system_line", line=line.strip()[:200])
            systems[name.strip()] = list_sounds(allowed_folder(folder, roots), roots)
        return pair_files(
            list_sounds(noisy, roots),
            list_sounds(allowed_folder(clean, roots), roots) if clean else None,
            systems,
        )


def _uploads(paths: list[str]) -> list[SoundFile]:
    return [SoundFile(Path(path), Path(path).name) for path in paths]
