"""An evaluation as plain values: a table with a line a file, and everything as JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable

from frcrn_app.evaluation import (
    ALPHA,
    NOISY,
    RESAMPLES,
    Comparison,
    Evaluation,
    Group,
    Mean,
    Score,
    Summary,
    inert,
)
from frcrn_app.listening import Listened
from frcrn_app.metrics import METRICS, SAMPLE_RATE
from frcrn_app.report.heard import heard_by_file, listening_json

JSON_FORMAT = 1  # raise it when a name in the JSON changes its meaning
DECIMALS = 6  # of numbers in CSV and JSON


def table(
    evaluation: Evaluation, listened: Listened | None = None
) -> tuple[list[str], list[list[str | float | None]]]:
    """Column names, and a row for each file; None where there is no value.

    Columns are name, group, cluster where one is known, duration_s and input_snr_db; then
    SYSTEM.METRIC for every system and SYSTEM.METRIC.gain (minus the noisy recording's score) for
    all but the noisy recording; then SYSTEM.rtf of our own network, SYSTEM.lag_ms if recordings
    were aligned, SYSTEM.cut_ms if a length was cut; then what listeners said, where some did; then
    problems and notes, in English.
    """
    rows = evaluation.rows
    columns = ["name", "group"]
    values: list[list[str | float | None]] = [[row.name, row.group] for row in rows]
    if any(row.cluster is not None for row in rows):
        columns.append("cluster")
        for line, row in zip(values, rows, strict=True):
            line.append(row.cluster)

    def add(name: str, column: Iterable[float]) -> None:
        columns.append(name)
        for line, value in zip(values, column, strict=True):
            line.append(_rounded(value))

    add("duration_s", (row.duration for row in rows))
    add("input_snr_db", (row.input_snr for row in rows))
    for system in evaluation.systems:
        for metric in evaluation.metrics:
            add(f"{system}.{metric}", evaluation.values(system, metric))
            if system != NOISY:
                add(f"{system}.{metric}.gain", evaluation.gains(system, metric))
        if system == evaluation.own_system:
            add(f"{system}.rtf", evaluation.real_time_factors())
        if evaluation.settings["align"]:
            add(f"{system}.lag_ms", [1000 * row.sounds[system].lag for row in rows])
        cut = [1000 * row.sounds[system].cut for row in rows]
        if any(cut):
            add(f"{system}.cut_ms", cut)
    if listened is not None:
        for name, column in heard_by_file(listened, [row.name for row in rows]).items():
            add(name, column)
    columns += ["problems", "notes"]
    for line, row in zip(values, rows, strict=True):
        line += [row.problems, row.notes_in("en")]
    return columns, values


def csv_text(evaluation: Evaluation, listened: Listened | None = None) -> str:
    """The table as CSV; an empty cell is a missing value.

    Text that a spreadsheet would run as a formula gets an apostrophe in front, numbers never do.
    """
    columns, rows = table(evaluation, listened)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([inert(column) for column in columns])
    writer.writerows([inert(cell) for cell in row] for row in rows)
    return text.getvalue()


def as_json(evaluation: Evaluation, summary: Summary) -> dict:
    """Everything as plain values; None where there is no number."""
    own = evaluation.own_system
    return {
        "format": JSON_FORMAT,
        "title": "Speech enhancement evaluation",
        "pairs": evaluation.total,
        "scored": len(evaluation.rows),
        "cancelled": evaluation.cancelled,
        "elapsed_s": _rounded(evaluation.elapsed),
        "resumed": evaluation.resumed,
        "settings": evaluation.settings
        | {
            "sample_rate": SAMPLE_RATE,
            "summary_seed": summary.seed,
            "resamples": RESAMPLES,
            "alpha": ALPHA,
        },
        **evaluation.provenance,
        "systems": evaluation.systems,
        "own_system": own,
        "real_time_factor": _rounded(evaluation.real_time_factor()) if own else None,
        "metrics": {
            key: {
                "title": METRICS[key].title,
                "unit": METRICS[key].unit,
                "direction": METRICS[key].direction,
                "range": [_rounded(METRICS[key].low), _rounded(METRICS[key].high)],
                "source": METRICS[key].source,
            }
            for key in evaluation.metrics
        },
        "summary": [_score_json(score) for score in summary.scores],
        "comparisons": [_comparison_json(comparison) for comparison in summary.comparisons],
        "clusters": summary.clusters,
        "groups": {
            grouping: [_group_json(grouping, group) for group in groups]
            for grouping, groups in summary.groups.items()
        },
        "files": _files_json(evaluation),
        "unpaired": [
            {"name": item.name, "role": item.role, "reason": item.reason.sentence("en")}
            for item in evaluation.unpaired
        ],
    }


def json_text(evaluation: Evaluation, summary: Summary, listened: Listened | None = None) -> str:
    """Everything as JSON."""
    return with_listening(as_json(evaluation, summary), listened)


def with_listening(content: dict, listened: Listened | None) -> str:
    """The content of a JSON report as text, with what a listening test has come to."""
    if listened is not None:
        content = content | {"listening": listening_json(listened)}
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)


def _score_json(score: Score) -> dict:
    values = {
        "system": score.system,
        "metric": score.metric,
        "n": score.score.n,
        "files": score.files,
        "mean": _rounded(score.score.mean),
        "median": _rounded(score.median),
        "interval": _interval(score.score),
    }
    if score.gain is not None:
        values |= {
            "gain": _rounded(score.gain.mean),
            "gain_n": score.gain.n,
            "gain_interval": _interval(score.gain),
            "win_rate": _rounded(score.win_rate),
        }
    return values


def _comparison_json(comparison: Comparison) -> dict:
    return {
        "system": comparison.system,
        "baseline": comparison.baseline,
        "metric": comparison.metric,
        "n": comparison.difference.n,
        "difference": _rounded(comparison.difference.mean),
        "interval": _interval(comparison.difference),
        "win_rate": _rounded(comparison.win_rate),
        "p": _rounded(comparison.p),
        "p_holm": _rounded(comparison.p_corrected),
        "significant": comparison.significant,
        "better": comparison.better,
        "verdict": comparison.verdict,
        "files_needed": comparison.files_needed,
    }


def _group_json(grouping: str, group: Group) -> dict:
    return {
        "label": group.label,
        "range": None if grouping == "group" else [group.low, _rounded(group.high)],
        "files": group.files,
        "summary": [_score_json(score) for score in group.scores],
    }


def _files_json(evaluation: Evaluation) -> list[dict]:
    files = []
    factors = evaluation.real_time_factors()
    for row, factor in zip(evaluation.rows, factors, strict=True):
        scores = {
            system: {key: _rounded(sound.scores.get(key, math.nan)) for key in evaluation.metrics}
            for system, sound in row.sounds.items()
        }
        files.append(
            {
                "name": row.name,
                "group": row.group,
                "cluster": row.cluster,
                "duration_s": _rounded(row.duration),
                "input_snr_db": _rounded(row.input_snr),
                "scores": scores,
                "real_time_factor": _rounded(factor),
                "lag_s": {s: _rounded(sound.lag) for s, sound in row.sounds.items()},
                "cut_s": {s: _rounded(sound.cut) for s, sound in row.sounds.items()},
                "input_band_hz": _rounded(row.input_band_hz),
                "input_clipped": _rounded(row.input_clipped),
                "problems": {
                    s: sound.problems for s, sound in row.sounds.items() if sound.problems
                },
                "notes": {
                    s: sound.notes_in("en") for s, sound in row.sounds.items() if sound.notes
                },
            }
        )
    return files


def _interval(mean: Mean) -> list[float | None] | None:
    return None if math.isnan(mean.low) else [_rounded(mean.low), _rounded(mean.high)]


def _rounded(value: float) -> float | None:
    """Six decimals; None for NaN and infinity, which neither CSV nor JSON has."""
    value = float(value)
    return round(value, DECIMALS) + 0.0 if math.isfinite(value) else None
