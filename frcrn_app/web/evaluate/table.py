"""The table of single files: one system's scores and gains."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from frcrn_app.evaluation import NOISY
from frcrn_app.i18n import text
from frcrn_app.metrics import METRICS

if TYPE_CHECKING:
    import pandas as pd
    from pandas.io.formats.style import Styler

    from frcrn_app.evaluation import Evaluation

_GAIN_STRENGTH = 0.28  # of the colour behind the largest gain
_BETTER, _WORSE = "11, 125, 119", "179, 38, 30"  # red, green, blue


def score_table(evaluation: Evaluation, system: str, language: str) -> tuple[Styler, list[str]]:
    """A line a file, gains and losses coloured; and the columns' types."""
    import pandas as pd

    rows = evaluation.rows
    columns: dict[str, Any] = {text("evaluate.file", language): [row.name for row in rows]}
    formats: dict[str, str] = {}
    types = ["str"]

    def add(title: str, values: Any, kind: str = "number", form: str = "") -> None:
        columns[title] = values
        types.append(kind)
        if form:
            formats[title] = form

    if any(row.group for row in rows):
        add(text("evaluate.group", language), [row.group or "" for row in rows], "str")
    seconds = [row.duration for row in rows]
    add(text("evaluate.seconds_head", language), seconds, form="{:.1f}")
    if any(math.isfinite(row.input_snr) for row in rows):
        snr = [row.input_snr for row in rows]
        add(text("evaluate.snr_head", language), snr, form="{:.1f}")
    gains = {}
    for key in evaluation.metrics:
        metric = METRICS[key]
        form = f"{{:.{metric.decimals}f}}"
        add(metric.title, evaluation.values(system, key), form=form)
        if system != NOISY:
            title = f"Δ {metric.title}"
            add(title, evaluation.gains(system, key), form=form.replace(":", ":+"))
            gains[title] = metric.higher_is_better
    if any(row.problems for row in rows):
        problems = [row.problems_in(language) for row in rows]
        add(text("evaluate.problems_head", language), problems, "str")
    notes = [row.notes_in(language) for row in rows]
    if any(notes):
        add(text("evaluate.notes_head", language), notes, "str")
    styler = pd.DataFrame(columns).style
    styler.format(formats, na_rep="–")
    for title, higher_is_better in gains.items():
        styler.apply(_gain_colours, subset=[title], higher_is_better=higher_is_better)
    return styler, types


def _gain_colours(gains: pd.Series, higher_is_better: bool) -> list[str]:
    """Backgrounds, the stronger the larger the gain or loss within its column."""
    largest = gains.abs().max()
    styles = []
    for gain in gains:
        if not math.isfinite(gain) or not largest > 0:
            styles.append("")
            continue
        colour = _BETTER if (gain > 0) == higher_is_better else _WORSE
        alpha = _GAIN_STRENGTH * abs(gain) / largest
        styles.append(f"background-color: rgba({colour}, {alpha:.3f})")
    return styles
