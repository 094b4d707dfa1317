"""How numbers are written: a minus sign, a metric's decimals, brackets around an interval."""

from __future__ import annotations

import math

from frcrn_app.evaluation import Mean
from frcrn_app.metrics import Metric

MISSING = "–"


def plain(value: float, decimals: int) -> str:
    """A number with a minus sign, or a dash where there is none."""
    if math.isnan(value):
        return MISSING
    text = f"{value:.{decimals}f}"
    return (text if float(text) else text.removeprefix("-")).replace("-", "−")


def number(value: float, metric: Metric) -> str:
    """A score with the decimals of its metric."""
    return plain(value, metric.decimals)


def signed(value: float, metric: Metric) -> str:
    """A difference with its sign; what rounds to zero has none."""
    text = f"{value:+.{metric.decimals}f}"
    return (text if float(text) else text[1:]).replace("-", "−")


def interval(mean: Mean, metric: Metric, *, is_gain: bool = False) -> str:
    """`[low, high]`; empty where a mean has no interval.

    That of a score ends where its scale does, as no mean can lie beyond.
    """
    if math.isnan(mean.low):
        return ""
    if is_gain:
        return f"[{signed(mean.low, metric)}, {signed(mean.high, metric)}]"
    low = max(mean.low, min(mean.mean, metric.low))
    high = min(mean.high, max(mean.mean, metric.high))
    return f"[{number(low, metric)}, {number(high, metric)}]"


def with_unit(metric: Metric) -> str:
    return f"{metric.title}, {metric.unit}" if metric.unit else metric.title


def tone(difference: float, metric: Metric) -> str:
    """The class of a difference: "better", "worse", or "muted" if it is written as zero."""
    if math.isnan(difference) or not float(f"{difference:.{metric.decimals}f}"):
        return "muted"
    return "better" if (difference > 0) == metric.higher_is_better else "worse"


def gain_tone(gain: Mean, metric: Metric) -> str:
    """The class of a mean gain: "muted" unless its interval excludes zero."""
    if math.isnan(gain.low) or gain.low <= 0 <= gain.high:
        return "muted"
    return tone(gain.mean, metric)
