"""Scores as a table for the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from frcrn_app.evaluation import Evaluation, Summary
    from frcrn_app.metrics import Metric


def summary_text(evaluation: Evaluation, summary: Summary) -> str:
    """A table for the terminal: metrics down, systems across, gains beside them."""
    from frcrn_app.evaluation import NOISY
    from frcrn_app.metrics import METRICS

    lines = [["", *(system for system in evaluation.systems)]]
    for key in evaluation.metrics:
        metric = METRICS[key]
        cells = [f"{metric.title}{f' [{metric.unit}]' if metric.unit else ''}"]
        for system in evaluation.systems:
            score = summary.score(system, key)
            if not score.score.n:
                cells.append("not scored")
                continue
            text = f"{score.score.mean:.{metric.decimals}f}"
            if system != NOISY and score.gain is not None and score.gain.n:
                text += f"  {signed(score.gain.mean, metric)}"
                if not math.isnan(score.gain.low):
                    low, high = (signed(v, metric) for v in (score.gain.low, score.gain.high))
                    text += f" [{low}, {high}]"
            if score.score.n < score.files:
                text += f"  (n {score.score.n})"
            cells.append(text)
        lines.append(cells)
    factor = evaluation.real_time_factor()
    if math.isfinite(factor):
        lines.append(
            ["real-time factor"]
            + [f"{factor:.3f}" if s == evaluation.own_system else "" for s in evaluation.systems]
        )
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    rows = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in lines]
    files = f"{len(evaluation.rows)} of {evaluation.total} pairs, mean, gain over noisy [95 %]"
    return "\n".join([files, *(row.rstrip() for row in rows)])


def signed(difference: float, metric: Metric) -> str:
    """With its sign; what rounds to zero has that of none."""
    return f"{round(difference, metric.decimals) + 0.0:+.{metric.decimals}f}"
