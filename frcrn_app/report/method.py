"""What was measured and how, as one paragraph."""

from __future__ import annotations

import math
from itertools import chain

import numpy as np

from frcrn_app.evaluation import BOOTSTRAP_FILES, NOISY, Evaluation, Summary
from frcrn_app.metrics import METRICS
from frcrn_app.report.numbers import plain
from frcrn_app.report.words import Words


def method(evaluation: Evaluation, summary: Summary, words: Words) -> str:
    """The paragraph, as plain text."""
    sentences = [_what(evaluation, words)]
    if evaluation.provenance["weights"] is not None:
        sentences.append(_own(evaluation, words))
    others = [s for s in evaluation.systems if s not in (NOISY, evaluation.own_system)]
    if others:
        sentences.append(words("method.others", systems=words("list").join(others)))
    if any(row.pair.clean is not None for row in evaluation.rows):
        aligned = "method.aligned" if evaluation.settings["align"] else "method.not_aligned"
        sentences.append(words(aligned))
    sentences.append(words("method.statistics", seed=summary.seed, files=BOOTSTRAP_FILES))
    if summary.clusters is not None:
        sentences.append(words("method.clusters", count=summary.clusters))
    return words("join").join(sentences)


def _what(evaluation: Evaluation, words: Words) -> str:
    """The recordings that have a score at all."""
    scores = [[sound.scores.values() for sound in row.sounds.values()] for row in evaluation.rows]
    scored = [any(map(math.isfinite, chain(*values))) for values in scores]
    rows = [row for row, has_scores in zip(evaluation.rows, scored, strict=True) if has_scores]
    pairs = sum(row.pair.clean is not None for row in rows)
    snr = np.array([row.input_snr for row in rows])
    snr = snr[np.isfinite(snr)]
    measured = ""
    if snr.size:
        low, median, high = (plain(float(value), 1) for value in np.percentile(snr, [0, 50, 100]))
        known = "method.snr" if low != high else "method.snr_one"
        measured = words(known, low=low, high=high, median=median)
    key = "pairs" if pairs == len(rows) else "mixed" if pairs else "alone"
    return words(
        f"method.{key}",
        count=len(rows),
        pairs=pairs,
        minutes=f"{float(np.nansum([row.duration for row in rows])) / 60:.1f}",
        snr=measured,
        metrics=words("list").join(METRICS[key].title for key in evaluation.metrics),
    )


def _own(evaluation: Evaluation, words: Words) -> str:
    weights, factor = evaluation.provenance["weights"], evaluation.real_time_factor()
    fields = {
        "system": evaluation.own_system,
        "strength": evaluation.settings["strength"],
        "precision": weights["precision"],
        "device": weights["device"],
    }
    if math.isfinite(factor):
        return words("method.own_took", **fields, factor=f"{factor:.3g}")
    return words("method.own", **fields)
