"""Which weights can be chosen, and the file that a name, a path or a folder stands for."""

import os
from dataclasses import dataclass
from pathlib import Path

from frcrn_app.errors import CheckpointError
from frcrn_app.model import FRCRNConfig
from frcrn_app.weights.folder import EMBEDDED, EMBEDDED_FOLDER, known_checksums, weights_folder
from frcrn_app.weights.layouts import stored_configuration
from frcrn_app.weights.official import OFFICIAL, OfficialFile
from frcrn_app.weights.reading import is_safetensors, safetensors_metadata, shortened

# What a folder is searched for, best first. ClearVoice keeps a text file that names the checkpoint.
POINTER = "last_best_checkpoint"
PREFERRED_FILES = (
    "pytorch_model.bin",
    "last_best_checkpoint.pt",
    "model.safetensors",
    "best.safetensors",
    "last.safetensors",
)
SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")


@dataclass(frozen=True)
class WeightsEntry:
    """One set of weights that can be chosen, whether or not its file is here yet."""

    name: str
    title: str
    path: Path  # where the file is, or would be once it is fetched
    present: bool
    fetchable: bool
    size: int | None = None  # bytes
    sha256: str | None = None  # the known one where there is one
    licence: str = "unknown"
    source: str = ""
    config: FRCRNConfig | None = None


def list_weights() -> list[WeightsEntry]:
    """Every set of weights by name: the official ones, the embedded ones, then others found.

    Official entries are listed whether they are present or can be fetched. Others are the
    safetensors files that lie in the weights folder; one that cannot be read is left out.
    """
    entries = [official_entry(file) for file in OFFICIAL.values()]
    known = known_checksums()
    paths = [EMBEDDED_FOLDER / f"{EMBEDDED}.safetensors"]
    for folder in dict.fromkeys((EMBEDDED_FOLDER, weights_folder())):
        paths += sorted(folder.glob("*.safetensors"))
    names = {entry.name for entry in entries}
    for path in paths:
        if path.stem in names:
            continue
        try:
            entries.append(_file_entry(path, known.get(path.name)))
        except (CheckpointError, OSError):
            continue
        names.add(path.stem)
    return entries


def find_weights(weights: str | os.PathLike) -> WeightsEntry:
    """What "auto", a name, a file or a folder with one checkpoint stands for.

    Raises:
        CheckpointError: there is no such thing, or it cannot be read.
    """
    entries = list_weights()
    if weights == "auto":
        chosen = next((entry for entry in entries if entry.present), None)
        if chosen is None:
            raise CheckpointError(
                "weights.embedded_missing", folder=EMBEDDED_FOLDER, file=f"{EMBEDDED}.safetensors"
            )
        return chosen
    for entry in entries:
        if entry.name == weights:
            return entry
    try:
        path = Path(weights).expanduser()
        if not str(weights) or not path.exists():
            known = ", ".join(("auto", *(entry.name for entry in entries)))
            name = weights and Path(weights)  # of a path, visitors read its last part alone
            raise CheckpointError("weights.unknown_name", name=name, known=known)
        path = _checkpoint_in(path) if path.is_dir() else path
        if not path.is_file():
            raise CheckpointError("weights.not_a_file", path=path)
        for entry in entries:
            if entry.present and entry.path.samefile(path):
                return entry
        return _file_entry(path)
    except OSError as error:
        raise CheckpointError("weights.unreadable", path=Path(weights), reason=error) from error


def official_entry(official: OfficialFile) -> WeightsEntry:
    """The entry of official weights, with where their file is or would be."""
    path = official.path_in(weights_folder())
    return WeightsEntry(
        name=official.name,
        title=official.title,
        path=path,
        present=path.is_file(),
        fetchable=True,
        size=official.size,
        sha256=official.sha256,
        licence=official.licence,
        source=official.page,
        config=FRCRNConfig(),
    )


def _file_entry(path: Path, sha256: str | None = None) -> WeightsEntry:
    """Entry of a checkpoint file by its path; a safetensors file tells about itself."""
    metadata = safetensors_metadata(path) if is_safetensors(path) else {}
    return WeightsEntry(
        name=path.stem,
        title=metadata.get("title", path.name),
        path=path,
        present=True,
        fetchable=False,
        size=path.stat().st_size,
        sha256=sha256,
        licence=metadata.get("licence", "unknown"),
        source=metadata.get("source", ""),
        config=stored_configuration(metadata, path),
    )


def _checkpoint_in(folder: Path) -> Path:
    """The one checkpoint that a folder holds."""
    pointer = folder / POINTER
    if pointer.is_file():
        words = pointer.read_text(errors="replace")[:4096].split()
        if words and (folder / Path(words[0]).name).is_file():
            return folder / Path(words[0]).name
    for name in PREFERRED_FILES:
        if (folder / name).is_file():
            return folder / name
    found = sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES and p.is_file())
    if len(found) == 1:
        return found[0]
    if not found:
        raise CheckpointError("weights.folder_empty", folder=folder, suffixes=", ".join(SUFFIXES))
    names = shortened(path.name for path in found)
    raise CheckpointError("weights.folder_several", folder=folder, found=names)
