"""Votes in the columns of webMUSHRA's results, for what reads those."""

from __future__ import annotations

import csv
import io

from frcrn_app.evaluation import inert
from frcrn_app.listening.store import ListeningTest

SHOWN = 8  # characters of a listener's token: with all of it others could vote in their name


def votes_csv(test: ListeningTest) -> str:
    """All votes, those that screening leaves out included, as CSV.

    MUSHRA: a line a rating, `reference` and `anchor35` among the stimuli. A/B: a line a choice,
    whose answer is the preferred system's name, or `undecided`. Times are in milliseconds.
    """
    design, text = test.design, io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    common = ["session_test_id", "session_uuid", "trial_id"]
    mushra = design.method == "mushra"
    if mushra:
        own = ["rating_stimulus", "rating_score", "rating_time", "rating_comment"]
    else:
        own = ["choice_reference", "choice_non_reference", "choice_answer", "choice_time"]
        own.append("choice_comment")
    writer.writerow([*common, *own])
    for listener in test.listeners():
        for vote in test.votes(listener).values():
            trial = design.trials[vote.trial]
            start = [f"{design.method}-{test.head.created:.0f}", listener[:SHOWN]]
            start.append(design.files[trial.file])
            end = [round(1000 * vote.seconds), vote.comment]
            if mushra:
                lines = [[signal, f"{vote.ratings[signal]:g}"] for signal in trial.signals]
            else:
                ahead = [signal for signal in trial.signals if vote.ratings[signal] == 1]
                lines = [[*trial.signals, ahead[0] if ahead else "undecided"]]
            for line in lines:
                writer.writerow([inert(cell) for cell in [*start, *line, *end]])
    return text.getvalue()
