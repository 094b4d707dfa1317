"""Blind listening tests of an evaluation's systems: the plan, the sounds, the votes, what they say.

Two methods: preference between two systems at a time (A/B), and MUSHRA after ITU-R BS.1534-3, with
a hidden reference and a low-pass anchor. Listeners see tokens, never systems or files.
"""

from frcrn_app.listening.ballots import Ballot, Seat, ballot
from frcrn_app.listening.export import votes_csv
from frcrn_app.listening.making import make_test, require_same_files, with_files
from frcrn_app.listening.plan import (
    ANCHOR,
    MAX_FILES,
    METHODS,
    REFERENCE,
    Design,
    Trial,
    plan,
    signals,
)
from frcrn_app.listening.results import (
    Correlation,
    Heard,
    Listened,
    Preference,
    listened,
)
from frcrn_app.listening.screening import HIDDEN_REFERENCE_LEAST, MOST_MISSED, is_reliable
from frcrn_app.listening.stimuli import MAX_SECONDS, make_stimuli, stimulus_wav
from frcrn_app.listening.store import ListeningTest, new_token
from frcrn_app.listening.votes import Vote, read_vote

__all__ = [
    "ANCHOR",
    "HIDDEN_REFERENCE_LEAST",
    "MAX_FILES",
    "MAX_SECONDS",
    "METHODS",
    "MOST_MISSED",
    "REFERENCE",
    "Ballot",
    "Correlation",
    "Design",
    "Heard",
    "Listened",
    "ListeningTest",
    "Preference",
    "Seat",
    "Trial",
    "Vote",
    "ballot",
    "is_reliable",
    "listened",
    "make_stimuli",
    "make_test",
    "new_token",
    "plan",
    "read_vote",
    "require_same_files",
    "signals",
    "stimulus_wav",
    "votes_csv",
    "with_files",
]
