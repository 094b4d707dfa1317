"""Two evaluations of the same files as one, so that their systems can be compared file by file."""

from __future__ import annotations

import math
from dataclasses import replace

from frcrn_app.errors import PairError
from frcrn_app.evaluation.pairing import NOISY, Unpaired
from frcrn_app.evaluation.rows import Evaluation, Row

_TOLERANCE = 0.01  # relative, of a noisy file's score in both: other versions may round otherwise


def merge(
    first: Evaluation, second: Evaluation, labels: tuple[str, str]
) -> tuple[Evaluation, dict[str, tuple[str, ...]]]:
    """Rows of the files that both have, with the systems of both in the metrics of both.

    Args:
        first, second: evaluations of the same noisy files, as the noisy files' scores must show.
        labels: what tells systems of one name apart.

    Returns:
        The evaluation, and the names that each label's systems have in it.

    Raises:
        PairError: if they share no file, no metric or are not of the same files.
    """
    metrics = [key for key in first.metrics if key in second.metrics]
    if not metrics:
        raise PairError("compare.no_metric")
    rows = {row.name: row for row in first.rows}, {row.name: row for row in second.rows}
    common = [name for name in rows[0] if name in rows[1]]
    if not common:
        raise PairError("compare.no_file")
    for name in common:
        _check_same(rows[0][name], rows[1][name], metrics)
    names = _names(first, second, labels)
    merged = []
    for name in common:
        sounds = {NOISY: rows[0][name].sounds[NOISY]}
        for label, source in zip(labels, rows, strict=True):
            sounds |= {names[label][system]: source[name].sounds[system] for system in names[label]}
        merged.append(replace(rows[0][name], sounds=sounds))
    unpaired = [
        Unpaired(name, label, PairError("compare.only_here"))
        for label, own, other in zip(labels, rows, reversed(rows), strict=True)
        for name in own
        if name not in other
    ]
    evaluation = replace(
        first,
        rows=merged,
        systems=[NOISY, *(new for label in labels for new in names[label].values())],
        metrics=metrics,
        unpaired=unpaired,
        total=len(merged),
        cancelled=False,
        settings=first.settings
        | {"metrics": metrics, "align": first.settings["align"] or second.settings["align"]},
        provenance=first.provenance | {"weights": None},
        own_system=None,
        resumed=0,
        elapsed=0.0,
    )
    return evaluation, {label: tuple(names[label].values()) for label in labels}


def _names(
    first: Evaluation, second: Evaluation, labels: tuple[str, str]
) -> dict[str, dict[str, str]]:
    """What each system is called: its name, with the label where both have one of that name."""
    own = [[system for system in of.systems if system != NOISY] for of in (first, second)]
    twice = set(own[0]) & set(own[1])
    return {
        label: {name: f"{name} ({label})" if name in twice else name for name in systems}
        for label, systems in zip(labels, own, strict=True)
    }


def _check_same(one: Row, other: Row, metrics: list[str]) -> None:
    """Raises PairError where the noisy file of that name is another one in the other report."""
    for key in metrics:
        a, b = (row.sounds[NOISY].scores[key] for row in (one, other))
        if math.isfinite(a) and math.isfinite(b) and abs(a - b) > _TOLERANCE * max(1, abs(a)):
            raise PairError("compare.other_file", name=one.name, metric=key, one=a, other=b)
