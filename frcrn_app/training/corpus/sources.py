"""Where clips are listed: an index file, folders, and how much each source counts."""

import csv
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from frcrn_app import audio
from frcrn_app.errors import AudioError, UserError
from frcrn_app.training.corpus.clips import Clip
from frcrn_app.training.corpus.decoded import LeftOut

COLUMNS = ("path", "kind", "source", "group", "start", "frames", "split")
FOLDER_MISSING = {
    "speech": "training.speech_folder_missing",
    "noise": "training.noise_folder_missing",
    "rir": "training.rir_folder_missing",
}
FOLDER_EMPTY = {
    "speech": "training.speech_folder_empty",
    "noise": "training.noise_folder_empty",
    "rir": "training.rir_folder_empty",
}


def read_index(index: str | Path) -> list[Clip]:
    """Clips of an index file, paths made absolute.

    Raises:
        UserError: the file is missing, lacks columns, or a row is malformed.
    """
    index = Path(index).expanduser()
    if not index.is_file():
        raise UserError("training.index_missing", path=index)
    clips = []
    with index.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise UserError(
                "training.index_column_missing",
                path=index,
                column=missing[0],
                columns=", ".join(COLUMNS),
            )
        folder = index.parent.resolve()
        for number, row in enumerate(rows, start=2):
            try:
                start, frames = int(row["start"]), int(row["frames"])
            except (TypeError, ValueError):
                start = frames = -1
            if start < 0 or frames <= 0 or row["kind"] not in ("speech", "noise"):
                raise UserError("training.index_row", path=index, line=number)
            path = str(folder / row["path"])
            clips.append(
                Clip(path, start, frames, row["kind"], row["source"], row["group"], row["split"])
            )
    if not clips:
        raise UserError("training.index_empty", path=index)
    return clips


def find_audio(root: str | Path, kind: str) -> tuple[list[Path], list[LeftOut]]:
    """All audio files under a folder, sorted, and what the system refuses; a file is itself.

    Args:
        root: folder or file.
        kind: "speech", "noise" or "rir", for the error alone.

    Raises:
        UserError: nothing is there.
    """
    root = Path(root).expanduser().resolve()
    if root.is_file():
        return [root], []
    if not root.is_dir():
        raise UserError(FOLDER_MISSING[kind], path=root)
    found = audio.find_audio(root)
    if not found.files:
        raise UserError(FOLDER_EMPTY[kind], path=root)
    refused = [
        LeftOut(path, AudioError("training.unreadable", path=path, reason=reason))
        for path, reason in found.unreadable
    ]
    return found.files, refused


def weights_of(sources: Iterable[str], factors: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Factors of the sources that a pattern fits; of several that fit, the last one counts.

    Args:
        sources: names of all sources there are.
        factors: pattern ("*" for any letters) and factor, which is not negative.

    Raises:
        UserError: a pattern fits no source.
    """
    sources = sorted(set(sources))
    weights = {}
    for pattern, factor in factors:
        fitting = [source for source in sources if fnmatchcase(source, pattern)]
        if not fitting:
            raise UserError("training.unknown_source", name=pattern, sources=", ".join(sources))
        weights |= dict.fromkeys(fitting, factor)
    return weights
