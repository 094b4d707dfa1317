"""Which pictures a report shows, and what they are called."""

from __future__ import annotations

import numpy as np

from frcrn_app.evaluation import NOISY, SNR_BIN, Evaluation, Group, Summary
from frcrn_app.metrics import METRICS
from frcrn_app.report import charts
from frcrn_app.report.details import group_label
from frcrn_app.report.numbers import with_unit
from frcrn_app.report.verdict import headline_metrics
from frcrn_app.report.words import Words


def pictures(evaluation: Evaluation, summary: Summary, words: Words) -> dict:
    """Distributions of the headline metrics, gains against input SNR, means of groups."""
    shown = headline_metrics(evaluation.metrics)
    drawn = [distribution_picture(evaluation, words, key) for key in shown]
    drawn += [gain_picture(evaluation, words, key) for key in shown if key in (shown[0], "si_sdr")]
    drawn += [
        group_picture(evaluation, summary, words, grouping, shown[0])
        for grouping in ("group", "input_snr")
        if len(summary.groups.get(grouping, ())) > 1
    ]
    return {"figures": [picture for picture in drawn if picture]}


def distribution_picture(evaluation: Evaluation, words: Words, metric: str) -> str:
    """How the scores of each system are distributed."""
    columns = {words.system(s): evaluation.values(s, metric) for s in evaluation.systems}
    names = [row.name for row in evaluation.rows]
    return charts.distribution_chart(columns, with_unit(METRICS[metric]), names)


def gain_picture(evaluation: Evaluation, words: Words, metric: str) -> str:
    """Gains over the noisy recording against the input SNR; empty where nothing is known."""
    gains = {s: evaluation.gains(s, metric) for s in evaluation.systems if s != NOISY}
    return charts.gain_chart(
        np.array([row.input_snr for row in evaluation.rows]),
        gains,
        SNR_BIN,
        title=words("gain_in", metric=with_unit(METRICS[metric])),
        axis=words("snr_axis"),
        note=words("per_bin", width=SNR_BIN),
        names=[row.name for row in evaluation.rows],
    )


def group_picture(
    evaluation: Evaluation, summary: Summary, words: Words, grouping: str, metric: str
) -> str:
    """Means of groups with their intervals."""
    groups = summary.groups.get(grouping, ())
    labels = [
        words("labelled_n", label=group_label(grouping, group, words), n=_scored(group, metric))
        for group in groups
    ]
    means = {
        words.system(system): [_mean(group, system, metric) for group in groups]
        for system in evaluation.systems
    }
    title = f"{with_unit(METRICS[metric])} · {words(f'by_{grouping}')}"
    return charts.group_chart(labels, means, title)


def _scored(group: Group, metric: str) -> str:
    """How many files of a group the systems' means rest on."""
    counts = [score.score.n for score in group.scores if score.metric == metric]
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low}–{high}"


def _mean(group: Group, system: str, metric: str) -> tuple[float, float, float]:
    score = next(s.score for s in group.scores if (s.system, s.metric) == (system, metric))
    return score.mean, score.low, score.high
