"""What a listener said of a trial, and how it comes in: from a page that may send anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from frcrn_app.errors import PairError
from frcrn_app.listening.ballots import Ballot

MAX_COMMENT = 500  # characters
MAX_TRIAL_SECONDS = 86_400.0


@dataclass(frozen=True)
class Vote:
    """A listener's answer to one trial, unblinded."""

    trial: int  # place among the design's trials
    ratings: Mapping[str, float]  # MUSHRA: 0 to 100 by signal; A/B: 1, .5 or 0 for each of the two
    seconds: float  # that it took
    comment: str = ""


def read_vote(method: str, ballot: Ballot, said: Any) -> Vote:
    """A vote from what a page sent about a trial: tokens, no names.

    Args:
        method: "ab": `said["choice"]` is a token, or None for no preference; "mushra":
            `said["ratings"]` is a number for each token.
        ballot: the trial as the listener has it.
        said: decoded JSON.

    Raises:
        PairError: `listening.bad_vote`, if anything is missing or out of range.
    """
    if not isinstance(said, dict):
        raise PairError("listening.bad_vote")
    signal_of = {seat.token: seat.signal for seat in ballot.seats}
    seconds = said.get("seconds", 0.0)
    if not _is_number(seconds, MAX_TRIAL_SECONDS):
        raise PairError("listening.bad_vote")
    if method == "mushra":
        given = said.get("ratings")
        if not isinstance(given, dict) or given.keys() != signal_of.keys():
            raise PairError("listening.bad_vote")
        if not all(_is_number(score, 100) for score in given.values()):
            raise PairError("listening.bad_vote")
        ratings = {signal_of[token]: float(score) for token, score in given.items()}
    else:
        choice = said.get("choice", "")
        if choice is not None and choice not in list(signal_of):
            raise PairError("listening.bad_vote")
        ratings = {
            signal: 0.5 if choice is None else float(token == choice)
            for token, signal in signal_of.items()
        }
    comment = said.get("comment", "")
    if not isinstance(comment, str):
        raise PairError("listening.bad_vote")
    line = "".join(letter if letter.isprintable() else " " for letter in comment)
    return Vote(ballot.trial, ratings, float(seconds), line.strip()[:MAX_COMMENT])


def _is_number(value: Any, most: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and 0 <= value <= most
