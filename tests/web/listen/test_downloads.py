"""What the evaluate tab offers for download says what listeners have said by then."""

import json
from types import SimpleNamespace

import pytest

from frcrn_app.evaluation import summarise
from frcrn_app.listening import new_token, read_vote
from frcrn_app.web.evaluate.job import EvaluationJob, Result
from listenings import written_test


def vote(test) -> None:
    """All of a listener's trials: whatever is not noisy is perfect."""
    listener = test.join()
    for ballot in test.ballots(listener):
        liked = {seat.token: 20 if seat.signal == "noisy" else 100 for seat in ballot.seats}
        said = {"ratings": liked} if ballot.reference else {"choice": max(liked, key=liked.get)}
        test.vote(listener, read_vote(test.design.method, ballot, said | {"seconds": 1}))


@pytest.mark.parametrize(
    ("method", "table"), [("mushra", ("| 20 |", "| 100 |")), ("ab", ("| 0 |", "| 100 |"))]
)
def test_downloads_hold_the_votes(evaluation, open_shelf, tmp_path, method, table):
    owner = new_token()
    test = written_test(tmp_path / f"listen-{owner}", evaluation, method, files=1, sounds=False)
    result = Result(evaluation, summarise(evaluation))
    job = SimpleNamespace(folder=tmp_path / "job", outcome=lambda: result)
    shelf = open_shelf()
    shelf._alive[owner] = evaluation  # as of a page that is open
    test.join()  # and has not voted
    assert shelf.listened(owner) is None
    vote(test)
    paths = EvaluationJob.write_reports(job, "en", shelf.listened(owner))
    texts = {kind: path.read_text("utf-8-sig") for kind, path in paths.items()}
    assert "1 person listened blind, on 1 file." in texts["html"]
    assert json.loads(texts["json"])["listening"]["votes"] == 1
    title = "oracle.mushra" if method == "mushra" else "noisy.preferred_to.oracle"
    assert title in texts["csv"].splitlines()[0]
    rows = [line for line in texts["markdown"].splitlines() if line.startswith("| ")]
    assert [row.endswith(cell) for row, cell in zip(rows[2:], table, strict=True)] == [True, True]
    assert texts["latex"].count("100 ") == 1
    shelf.delete(owner)
    assert shelf.listened(owner) is None
