"""What one listener gets of a test: its trials in an order of their own, under names of their own.

A token tells nothing but to whoever has the test's secret: it is made of the listener, the trial
and the signal, so that no two listeners can compare what they hear.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

import numpy as np

from frcrn_app.listening.plan import REFERENCE, Design

_TOKEN_BYTES = 12


@dataclass(frozen=True)
class Seat:
    """A signal's place in a trial, as one listener meets it."""

    token: str
    signal: str


@dataclass(frozen=True)
class Ballot:
    """One trial of one listener: what is to be rated, in their order, and the open reference."""

    token: str
    trial: int  # place among the design's trials
    seats: tuple[Seat, ...]
    reference: Seat | None


def ballot(design: Design, secret: bytes, listener: str) -> list[Ballot]:
    """A listener's trials; always the same for the same seed, secret and listener."""
    digest = hashlib.sha256(f"{design.seed}/{listener}".encode()).digest()
    generator = np.random.default_rng(list(digest))
    ballots = []
    for number in generator.permutation(len(design.trials)):
        signals = design.trials[number].signals

        def token(what: str, number: int = int(number)) -> str:
            words = f"{listener}/{number}/{what}".encode()
            return hmac.new(secret, words, "sha256").hexdigest()[: 2 * _TOKEN_BYTES]

        order = generator.permutation(len(signals))
        seats = tuple(Seat(token(f"= {signals[i]}"), signals[i]) for i in order)
        is_open = REFERENCE in signals
        reference = Seat(token("open reference"), REFERENCE) if is_open else None
        ballots.append(Ballot(token("trial"), int(number), seats, reference))
    return ballots
