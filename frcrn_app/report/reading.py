"""An evaluation read back from its JSON."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from frcrn_app.errors import PairError
from frcrn_app.evaluation import NOISY, Evaluation, Pair, Row, SoundScores, Unpaired
from frcrn_app.listening import Listened
from frcrn_app.metrics import METRICS
from frcrn_app.report.tables import JSON_FORMAT, with_listening


def read_json(path: str | os.PathLike) -> Evaluation:
    """The evaluation that a JSON report is of: rows with their scores, without audio.

    Reasons and notes are those of the report, in English.

    Raises:
        PairError: the file cannot be read, is no such report, or of another version's format.
    """
    content = _content(Path(path))
    try:
        return _evaluation(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PairError("compare.no_report", path=Path(path)) from error


def json_with_listening(path: str | os.PathLike, listened: Listened) -> str:
    """A JSON report as it stands in its file, with what a listening test of it has come to.

    Raises:
        PairError: as `read_json` does.
    """
    return with_listening(_content(Path(path)), listened)


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PairError("compare.unreadable", path=path, reason=error) from error
    except ValueError as error:
        raise PairError("compare.no_report", path=path) from error
    if not isinstance(content, dict) or "format" not in content or "files" not in content:
        raise PairError("compare.no_report", path=path)
    if content["format"] != JSON_FORMAT:
        raise PairError("compare.format", path=path, format=content["format"])
    return content


def _evaluation(content: dict[str, Any]) -> Evaluation:
    metrics = [key for key in content["metrics"] if key in METRICS]
    systems = [str(system) for system in content["systems"]]
    if systems[:1] != [NOISY]:
        raise ValueError("the noisy recordings come first")
    own = content["own_system"]
    rows = [_row(file, systems, metrics, own) for file in content["files"]]
    return Evaluation(
        rows=rows,
        systems=systems,
        metrics=metrics,
        unpaired=[
            Unpaired(item["name"], item["role"], _reported(item["reason"]))
            for item in content["unpaired"]
        ],
        total=int(content["pairs"]),
        cancelled=bool(content["cancelled"]),
        settings=content["settings"],
        provenance={key: content[key] for key in ("date", "versions", "weights", "machine")},
        own_system=own,
        resumed=int(content["resumed"]),
        elapsed=float(content["elapsed_s"]),
    )


def _row(file: dict[str, Any], systems: list[str], metrics: list[str], own: str | None) -> Row:
    scores = {
        system: {key: _number(file["scores"][system].get(key)) for key in metrics}
        for system in systems
    }
    noisy = scores[NOISY]
    has_clean = any(METRICS[key].needs_clean and math.isfinite(noisy[key]) for key in metrics)
    duration = _number(file["duration_s"])
    factor = _number(file["real_time_factor"])
    problems, notes = file.get("problems", {}), file.get("notes", {})
    return Row(
        Pair(
            file["name"],
            noisy=Path(file["name"]),
            clean=Path(file["name"]) if has_clean else None,
            group=file["group"],
            cluster=file.get("cluster"),
        ),
        {
            system: SoundScores(
                scores[system],
                lag=file["lag_s"][system] or 0.0,
                cut=file["cut_s"][system] or 0.0,
                error=_reported(problems[system]) if system in problems else None,
                notes=[_reported(notes[system])] if system in notes else [],
                elapsed=factor * duration if system == own and math.isfinite(factor) else None,
            )
            for system in systems
        },
        duration=duration,
        input_snr=_number(file["input_snr_db"]),
        input_band_hz=_number(file.get("input_band_hz")),
        input_clipped=_number(file.get("input_clipped")),
    )


def _reported(sentence: str) -> PairError:
    return PairError("compare.reported", sentence=sentence)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
