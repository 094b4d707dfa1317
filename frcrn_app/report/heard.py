"""What a listening test said: plain values for its template, and for JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from frcrn_app.evaluation import MIN_FILES, MIN_TEST_FILES, NOISY, Evaluation, Mean
from frcrn_app.listening import (
    ANCHOR,
    HIDDEN_REFERENCE_LEAST,
    MOST_MISSED,
    REFERENCE,
    Heard,
    Listened,
    Preference,
)
from frcrn_app.metrics import METRICS
from frcrn_app.report.colours import system_colours
from frcrn_app.report.numbers import MISSING, plain
from frcrn_app.report.words import Words


def listening_section(listened: Listened, evaluation: Evaluation, words: Words) -> dict:
    """Who listened, how each system was rated or preferred, and which metrics agree."""
    names = {REFERENCE: words("heard.reference"), ANCHOR: words("heard.anchor")}
    names[NOISY] = words.system(NOISY)
    colours = system_colours(evaluation.systems)
    if listened.method == "mushra":
        best_first = sorted(listened.heard, key=lambda heard: -heard.by_listener.mean)
        lines = [
            _line(heard, [names.get(heard.signal, heard.signal)], colours.get(heard.signal), 1, 1)
            for heard in best_first
        ]
    else:
        lines = [
            _line(
                choice,
                [*map(words.system, (choice.first, choice.second))],
                colours.get(choice.first),
                100,
                0,
            )
            | {"p": _p(choice.p_corrected)}
            for choice in listened.preferences
        ]
    return {
        "method": listened.method,
        "who": _who(listened, words),
        "note": words(f"heard.note_{listened.method}", least=MIN_FILES, tests=MIN_TEST_FILES),
        "lines": lines,
        "files": listened.files,
        "correlations": [
            {
                "metric": METRICS[one.metric].title,
                "pearson": plain(one.pearson, 2),
                "spearman": plain(one.spearman, 2),
                "n": one.n,
            }
            for one in listened.correlations
        ],
        "correlation_note": words(f"heard.correlation_{listened.method}"),
    }


def listening_json(listened: Listened) -> dict[str, Any]:
    """The same as plain values; None where there is no number."""

    def without_nan(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_nan(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [without_nan(item) for item in value]
        if isinstance(value, float):
            return None if math.isnan(value) else round(value, 6)
        return value

    return without_nan(asdict(listened))


def heard_by_file(listened: Listened, names: Sequence[str]) -> dict[str, list[float]]:
    """Columns of a table of files, NaN where one was not heard.

    Mean ratings as SYSTEM.mushra, 0 to 100; shares that prefer one as SYSTEM.preferred_to.OTHER.
    """
    columns = {
        f"{one.signal}.mushra": one.files
        for one in listened.heard
        if one.signal not in (REFERENCE, ANCHOR)
    } | {f"{one.first}.preferred_to.{one.second}": one.files for one in listened.preferences}
    return {
        title: [dict(zip(listened.files, means, strict=True)).get(n, math.nan) for n in names]
        for title, means in columns.items()
    }


def heard_mean(listened: Listened, system: str) -> float:
    """A system's mean rating, or how often it was preferred (%); NaN where nobody heard it."""
    for one in listened.heard:
        if one.signal == system:
            return one.by_listener.mean
    shares = [
        one.by_listener.mean if one.first == system else 1 - one.by_listener.mean
        for one in listened.preferences
        if system in (one.first, one.second)
    ]
    return 100 * sum(shares) / len(shares) if shares else math.nan


def _who(listened: Listened, words: Words) -> list[str]:
    """Sentences on the listeners and on the files."""
    if not listened.began:
        return [words("heard.nobody")]
    files = words("heard.files", count=len(listened.files))
    sentences = [words("heard.who", count=listened.began, files=files)]
    if listened.finished < listened.began:
        sentences.append(words("heard.unfinished", count=listened.began - listened.finished))
    if listened.screened:
        share, least = f"{100 * MOST_MISSED:.0f}", f"{HIDDEN_REFERENCE_LEAST:.0f}"
        sentences.append(words("heard.screened", count=listened.screened, share=share, least=least))
    return sentences


def _line(
    heard: Heard | Preference, names: list[str], colour: str | None, scale: int, decimals: int
) -> dict:
    return {
        "names": names,
        "colour": colour or "var(--muted)",
        "mean": plain(scale * heard.by_listener.mean, decimals),
        "over_listeners": _interval(heard.by_listener, scale, decimals),
        "over_files": _interval(heard.by_file, scale, decimals),
        "files": [plain(scale * mean, 0) for mean in heard.files],
    }


def _interval(mean: Mean, scale: int, decimals: int) -> str:
    """`[low, high]`, within the scale; a dash where there are too few to know."""
    if math.isnan(mean.low):
        return MISSING
    low, high = (min(max(scale * end, 0.0), 100.0) for end in (mean.low, mean.high))
    return f"[{plain(low, decimals)}, {plain(high, decimals)}]"


def _p(value: float) -> str:
    if math.isnan(value):
        return MISSING
    return "< .001" if value < 0.001 else f"{value:.3f}"
