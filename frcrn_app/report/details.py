"""What the tables below the summary show: plain values for their templates."""

from __future__ import annotations

import math
from collections.abc import Sequence

from frcrn_app.evaluation import (
    ALPHA,
    MIN_TEST_FILES,
    NOISY,
    RESAMPLES,
    Comparison,
    Evaluation,
    Group,
    Score,
    Summary,
)
from frcrn_app.metrics import METRICS, Metric
from frcrn_app.report.numbers import gain_tone, interval, number, plain, signed, tone, with_unit
from frcrn_app.report.verdict import headline_metrics
from frcrn_app.report.words import Words

FILES_IN_TABLE = 1000  # more rows make a page heavy; the CSV has them all


def comparison_table(evaluation: Evaluation, summary: Summary, words: Words) -> dict:
    """Paired differences of all systems, and what they show."""
    tests = sum(not math.isnan(comparison.p) for comparison in summary.comparisons)
    return {
        "lines": [_compared(c, summary, words) for c in summary.comparisons if c.difference.n],
        "note": words("comparison_note", count=tests, alpha=f"{ALPHA:g}", min_files=MIN_TEST_FILES),
    }


def _compared(comparison: Comparison, summary: Summary, words: Words) -> dict:
    metric, difference = METRICS[comparison.metric], comparison.difference
    if comparison.better is not None:
        said = words("is_better", system=words.system(comparison.better))
    elif comparison.verdict == "too_few":
        key = "too_few_needed" if summary.clusters is None else "too_few_clusters_needed"
        said = words(key, needed=comparison.files_needed)
    else:
        said = words("no_difference")
    return {
        "system": comparison.system,
        "baseline": comparison.baseline,
        "metric": metric.title,
        "n": difference.n,
        "difference": signed(difference.mean, metric),
        "interval": interval(difference, metric, is_gain=True),
        "wins": f"{100 * comparison.win_rate:.0f} %",
        "p": _probability(comparison.p_corrected),
        "tone": tone(difference.mean, metric) if comparison.better is not None else "muted",
        "verdict": said,
    }


def _probability(p: float) -> str:
    if math.isnan(p):
        return ""
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}"


def group_label(grouping: str, group: Group, words: Words) -> str:
    """What a group is called in a language: its range, or its own name."""
    if grouping == "group":
        return group.label
    a, b = (f"{edge:g}".replace("-", "−") for edge in (group.low, group.high))
    if grouping == "input_snr":
        return words("between_db", a=a, b=b)
    if group.low == 0:
        return words("under_s", b=b)
    return words("over_s" if math.isinf(group.high) else "between_s", a=a, b=b)


def group_table(
    evaluation: Evaluation,
    summary: Summary,
    words: Words,
    grouping: str,
    metrics: Sequence[str] | None = None,
) -> dict:
    """Means on each group of files, metric by metric (the headline ones by default)."""
    groups = summary.groups.get(grouping, ())
    shown = metrics or headline_metrics(evaluation.metrics)
    return {
        "label": words(f"by_{grouping}"),
        "systems": evaluation.systems,
        "metrics": [
            {
                "title": with_unit(METRICS[key]),
                "lines": [
                    {
                        "label": group_label(grouping, group, words),
                        "files": group.files,
                        "cells": [_grouped(s) for s in group.scores if s.metric == key],
                    }
                    for group in groups
                ],
            }
            for key in shown
        ],
        "has_more": metrics is None and len(evaluation.metrics) > len(shown),
    }


def _grouped(score: Score) -> dict:
    metric = METRICS[score.metric]
    if not score.score.n:
        return {}
    cell = {"mean": number(score.score.mean, metric), "interval": interval(score.score, metric)}
    if score.gain is not None and score.gain.n:
        cell |= {"gain": signed(score.gain.mean, metric), "tone": gain_tone(score.gain, metric)}
    if score.score.n < score.files:
        cell["n"] = str(score.score.n)
    return cell


def file_table(evaluation: Evaluation, summary: Summary, words: Words) -> dict:
    """The headline scores of each file; better and worse than the noisy recording's are marked."""
    keys = headline_metrics(evaluation.metrics)
    lines = []
    for row in evaluation.rows[:FILES_IN_TABLE]:
        cells = []
        for key in keys:
            metric = METRICS[key]
            noisy = row.sounds[NOISY].scores.get(key, math.nan)
            for system in evaluation.systems:
                value = row.sounds[system].scores.get(key, math.nan)
                mark = "" if system == NOISY else tone(value - noisy, metric)
                cells.append({"value": number(value, metric), "tone": mark})
        duration, snr = plain(row.duration, 1), plain(row.input_snr, 1)
        lines.append({"name": row.name, "duration": duration, "snr": snr, "cells": cells})
    return {
        "columns": [(METRICS[key].title, name) for key in keys for name in evaluation.systems],
        "lines": lines,
        "more": max(0, len(evaluation.rows) - FILES_IN_TABLE),
    }


def problem_tables(evaluation: Evaluation, summary: Summary, words: Words) -> dict:
    """Files that lack scores, files without a partner, and files with a note, with the reasons."""
    language = words.language
    roles = {role: words(f"role_{role}") for role in ("clean", "noisy", "archive", "folder")}
    return {
        "failed": [
            (row.name, row.problems_in(language)) for row in evaluation.rows if row.problems
        ],
        "unpaired": [
            (item.name, roles.get(item.role, item.role), item.reason.sentence(language))
            for item in evaluation.unpaired
        ],
        "noted": [(row.name, note) for row in evaluation.rows if (note := row.notes_in(language))],
    }


def metric_table(evaluation: Evaluation, summary: Summary, words: Words) -> dict:
    """Direction, range and source of each metric."""
    return {
        "lines": [
            {
                "title": metric.title,
                "direction": words("higher" if metric.higher_is_better else "lower"),
                "range": _range(metric, words),
                "source": metric.source_in(words.language),
            }
            for metric in (METRICS[key] for key in evaluation.metrics)
        ]
    }


def _range(metric: Metric, words: Words) -> str:
    unit = f" {metric.unit}" if metric.unit else ""
    if math.isinf(metric.low):
        return words("unbounded_unit", unit=metric.unit) if metric.unit else words("unbounded")
    if math.isinf(metric.high):
        return words("from_up", low=f"{metric.low:g}{unit}")
    return words("from_to", low=f"{metric.low:g}", high=f"{metric.high:g}{unit}")


def provenance_table(evaluation: Evaluation, summary: Summary, words: Words) -> dict:
    """Versions, settings, weights and machine."""
    facts, settings, machine = (
        evaluation.provenance,
        evaluation.settings,
        evaluation.provenance["machine"],
    )
    comma = words("list")
    parts = [machine["processor"], words("cores", n=machine["cores"])]
    if "memory_gb" in machine:
        parts.append(f"{machine['memory_gb']:g} GB")
    parts += [machine["system"], machine.get("accelerator", "")]
    took = [f"{evaluation.elapsed:.1f} s"]
    if evaluation.resumed:
        took.append(words("resumed", count=evaluation.resumed))
    lines = [
        (words("date"), facts["date"]),
        (words("versions"), comma.join(f"{name} {v}" for name, v in facts["versions"].items())),
        (
            words("settings"),
            words(
                "settings_text",
                align=words("on" if settings["align"] else "off"),
                seed=settings["seed"],
                workers=settings["workers"],
                resamples=RESAMPLES,
                summary_seed=summary.seed,
            ),
        ),
        (words("machine"), comma.join(part for part in parts if part)),
    ]
    if evaluation.elapsed:  # two reports side by side took none
        lines.append((words("time"), comma.join(took)))
    weights = facts["weights"]
    if weights is not None:
        lines += [
            (words("weights"), words("weights_text", **weights)),
            ("sha256", weights["sha256"]),
        ]
    return {"lines": lines}
