"""Files in groups: by input SNR, by duration, by the label that their set gives them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from frcrn_app.evaluation.rows import Evaluation

GROUPINGS = ("input_snr", "duration", "group")
SNR_BIN = 5  # dB
DURATION_EDGES = (2, 5, 10, 30, 60)  # s


def groups_of(
    evaluation: Evaluation, grouping: str
) -> Iterator[tuple[tuple[str, float, float], np.ndarray]]:
    """Label and range, and mask [rows], of each group that has files, in order."""
    rows = evaluation.rows
    if grouping == "group":
        labels = [row.group for row in rows]
        for label in dict.fromkeys(label for label in labels if label is not None):
            yield (label, math.nan, math.nan), np.array([other == label for other in labels])
        return
    if grouping == "input_snr":
        values = np.array([row.input_snr for row in rows])
        known = values[np.isfinite(values)]
        if not known.size:
            return
        low, high = (math.floor(value / SNR_BIN) for value in (known.min(), known.max()))
        edges = [SNR_BIN * step for step in range(low, high + 2)]
        labels = [f"{a} to {b} dB" for a, b in pairwise(edges)]
    else:
        values = np.array([row.duration for row in rows])
        edges = [0, *DURATION_EDGES, math.inf]
        labels = [f"under {DURATION_EDGES[0]} s"]
        labels += [f"{a} to {b} s" for a, b in pairwise(edges[1:-1])]
        labels += [f"{DURATION_EDGES[-1]} s and more"]
    for label, (first, last) in zip(labels, pairwise(edges), strict=True):
        mask = (values >= first) & (values < last)
        if mask.any():
            yield (label, first, last), mask
