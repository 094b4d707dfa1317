"""Whose votes count: the post-screening of ITU-R BS.1534-3, section 4.1.2."""

from __future__ import annotations

from collections.abc import Iterable

from frcrn_app.listening.plan import REFERENCE
from frcrn_app.listening.votes import Vote

HIDDEN_REFERENCE_LEAST = 90.0
MOST_MISSED = 0.15  # of a listener's trials in which the hidden reference is rated below that


def is_reliable(votes: Iterable[Vote]) -> bool:
    """Whether a listener rates the hidden reference as such; always so where there is none."""
    rated = [vote.ratings[REFERENCE] for vote in votes if REFERENCE in vote.ratings]
    missed = sum(rating < HIDDEN_REFERENCE_LEAST for rating in rated)
    return missed <= MOST_MISSED * len(rated)
