"""How far a batch is, and how long it will take."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from frcrn_app.web.batch.row import CANCELLED, DONE, ENDED, FAILED, Row

_USUAL_SECONDS = 60.0  # of a recording, while no length is known


class Remaining:
    """The remaining time of a batch; it never grows while nothing is added."""

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None  # when, and the work done by then
        self._left = math.inf

    def start(self, rows: Sequence[Row]) -> None:
        """From now on, with what is there to do now."""
        self._began = (time.monotonic(), _work(rows)[0])
        self._left = math.inf

    def seconds(self, rows: Sequence[Row]) -> float | None:
        """What is left, in seconds; None where nothing tells yet, or nothing is left."""
        done, total = _work(rows)
        if self._began is None or done >= total:
            return None
        when, before = self._began
        if done > before:
            estimate = (time.monotonic() - when) / (done - before) * (total - done)
            self._left = min(self._left, estimate)
        return self._left if math.isfinite(self._left) else None


def totals(rows: Sequence[Row], remaining: Remaining) -> dict:
    """Counts of a batch, its share done and its remaining seconds."""
    done, total = _work(rows)
    states = [row.state for row in rows if not row.is_archive or row.state == FAILED]
    left = remaining.seconds(rows)
    return {
        "count": len(states),
        "done": states.count(DONE),
        "failed": states.count(FAILED),
        "cancelled": states.count(CANCELLED),
        "fraction": round(done / total, 3) if total else 0.0,
        "seconds_left": None if left is None else math.ceil(left),
        "under_way": any(row.state not in ENDED for row in rows),
    }


def _work(rows: Sequence[Row]) -> tuple[float, float]:
    """Seconds of audio that are done, and all of them."""
    rows = [row for row in rows if row.state != CANCELLED]
    known = [row.seconds for row in rows if row.seconds]
    usual = sum(known) / len(known) if known else _USUAL_SECONDS
    weights = [row.seconds or usual for row in rows]
    done = sum(weight * row.done for weight, row in zip(weights, rows, strict=True))
    return done, sum(weights)
