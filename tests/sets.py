"""Sets of files, pairs and scores that several tests are about."""

import os
import signal
import time
import zipfile
from functools import partial
from pathlib import Path

from frcrn_app.evaluation import (
    Evaluation,
    Pair,
    PairSet,
    Row,
    SoundScores,
    evaluate_pairs,
    pair_folders,
)
from frcrn_app.evaluation.scoring import PairScores, ScoreTask, score_pair

evaluate = partial(evaluate_pairs, workers=1)  # starting a process takes longer than a few scores


def touch(root: Path, *names: str) -> Path:
    """A folder with empty files of those names."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    """A zip archive of files with those names and contents."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def pairs_of(root: Path) -> PairSet:
    return pair_folders(root / "noisy", root / "clean", {"other": root / "other"})


def evaluation_of(scores: dict[str, dict[str, list[float]]], **columns) -> Evaluation:
    """An evaluation with given scores by system and metric, without any sound."""
    systems = list(scores)
    keys = list(scores[systems[0]])
    rows = []
    for number in range(len(scores[systems[0]][keys[0]])):
        sounds = {
            system: SoundScores(scores={key: scores[system][key][number] for key in keys})
            for system in systems
        }
        pair = Pair(
            f"f{number}",
            Path("noisy.wav"),
            Path("clean.wav"),
            group=columns.get("group", {}).get(number),
            cluster=columns.get("cluster", {}).get(number),
        )
        rows.append(
            Row(
                pair,
                sounds,
                duration=columns.get("duration", [3.0] * 1000)[number],
                input_snr=columns.get("input_snr", [7.0] * 1000)[number],
            )
        )
    return Evaluation(rows, systems, keys, [], len(rows), False, {}, {})


def crash(task: ScoreTask) -> PairScores:
    """Scores of a pair, or what a bad library does for files that are called so."""
    if "crash" in task.noisy.name:
        os.kill(os.getpid(), signal.SIGSEGV)
    marker = task.noisy.with_name("died before")
    if "once" in task.noisy.name and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if "hang" in task.noisy.name:
        time.sleep(3600)
    return score_pair(task)
