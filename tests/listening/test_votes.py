"""Listeners' orders, their votes on disk, and what comes of them."""

import csv
import io
import json

import numpy as np
import pytest

from frcrn_app.errors import PairError
from frcrn_app.listening import (
    REFERENCE,
    ListeningTest,
    is_reliable,
    listened,
    read_vote,
    votes_csv,
)

LIKED = {"reference": 100, "oracle": 100, "noisy": 55, "anchor35": 30}


def rate(test: ListeningTest, listener: str, liked: dict[str, float], **more) -> None:
    """All of a listener's trials, as their page sends them."""
    for ballot in test.ballots(listener):
        if test.design.method == "mushra":
            said = {"ratings": {seat.token: liked[seat.signal] for seat in ballot.seats}}
        else:
            said = {"choice": max(ballot.seats, key=lambda seat: liked[seat.signal]).token}
        said |= {"seconds": 4.2, **more}
        test.vote(listener, read_vote(test.design.method, ballot, said))


def test_every_listener_has_an_order_and_names_of_their_own(make_test):
    test = make_test("mushra", files=4)
    listeners = [test.join() for _ in range(8)]
    ballots = {listener: test.ballots(listener) for listener in listeners}
    assert all(ballots[listener] == test.ballots(listener) for listener in listeners)
    assert len({tuple(b.trial for b in found) for found in ballots.values()}) > 1
    orders = {tuple(s.signal for s in b.seats) for found in ballots.values() for b in found}
    assert len(orders) > 4
    tokens = [s.token for found in ballots.values() for b in found for s in (*b.seats, b.reference)]
    assert len(set(tokens)) == len(tokens) == 8 * 4 * 5
    # No sound of theirs is another's, and nobody hears by a stranger's token.
    with pytest.raises(PairError, match="not here"):
        test.sound(listeners[0], ballots[listeners[1]][0].seats[0].token)
    words = json.dumps([[s.token for s in b.seats] for b in ballots[listeners[0]]])
    assert not any(name in words for name in (*test.design.files, *test.design.systems))


def test_votes_outlive_the_server_and_a_listener_goes_on(make_test):
    test = make_test("ab", files=2)
    listener = test.join()
    first, second = test.ballots(listener)
    test.vote(listener, read_vote("ab", first, {"choice": first.seats[0].token, "seconds": 1}))
    again = ListeningTest(test.folder)
    assert list(again.votes(listener)) == [first.trial]
    again.vote(
        listener, read_vote("ab", second, {"choice": None, "seconds": 2, "comment": "\n hm"})
    )
    assert again.votes(listener)[second.trial].ratings == {"noisy": 0.5, "oracle": 0.5}
    assert again.votes(listener)[second.trial].comment == "hm"
    again.delete()
    with pytest.raises(PairError, match="not here"):
        ListeningTest(test.folder)


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        {"choice": "x"},
        {"choice": ["x"]},
        {"choice": None, "seconds": -1},
        {"choice": None, "seconds": "1"},
        {"choice": None, "comment": 3},
    ],
)
def test_what_is_no_vote_is_refused(make_test, said):
    test = make_test("ab", files=1)
    ballot = test.ballots(test.join())[0]
    with pytest.raises(PairError, match="incomplete"):
        read_vote("ab", ballot, said)
    tokens = [seat.token for seat in ballot.seats]
    for ratings in ({}, dict.fromkeys(tokens, 101), dict.fromkeys(tokens, True), [1]):
        with pytest.raises(PairError, match="incomplete"):
            read_vote("mushra", ballot, {"ratings": ratings})


def test_mushra_says_how_each_was_rated_by_those_who_know_the_reference(make_test, evaluation):
    test = make_test("mushra", files=6)
    generator = np.random.default_rng(0)
    for _ in range(5):
        shifted = {
            name: min(100, value + generator.uniform(-4, 0)) for name, value in LIKED.items()
        }
        rate(test, test.join(), shifted)
    careless = test.join()
    rate(test, careless, dict.fromkeys(LIKED, 40))
    test.join()  # who never voted
    assert not is_reliable(test.votes(careless).values())
    found = listened(test, evaluation)
    assert (found.began, found.finished, found.screened, found.votes) == (6, 6, 1, 30)
    means = {heard.signal: heard.by_listener for heard in found.heard}
    assert means[REFERENCE].mean > 90
    assert means["noisy"].low < means["noisy"].mean < means["noisy"].high < means["oracle"].low
    noisy = next(heard for heard in found.heard if heard.signal == "noisy")
    assert np.mean(noisy.files) == pytest.approx(noisy.by_file.mean)
    assert noisy.by_file.high - noisy.by_file.low < 1e-9  # each rated every file alike
    (correlation,) = found.correlations
    assert correlation.metric == "si_sdr"
    assert correlation.n == 12
    assert correlation.pearson > 0.9
    assert correlation.spearman > 0.7
    lines = list(csv.DictReader(io.StringIO(votes_csv(test))))
    assert len(lines) == 6 * 6 * 4
    assert list(lines[0]) == [
        "session_test_id", "session_uuid", "trial_id", "rating_stimulus", "rating_score",
        "rating_time", "rating_comment",
    ]  # fmt: skip
    assert {line["rating_stimulus"] for line in lines} == set(LIKED)
    assert lines[0]["rating_time"] == "4200"


def test_ab_says_who_was_preferred(make_test, evaluation):
    test = make_test("ab", files=2)
    for number in range(6):
        rate(test, test.join(), LIKED, comment="=1+1" if number == 0 else "")
    (preference,) = listened(test, evaluation).preferences
    assert (preference.first, preference.second) == ("noisy", "oracle")
    assert preference.by_listener.mean == 0
    assert preference.files == (0, 0)
    assert preference.p_corrected == pytest.approx(2 / 2**6)
    lines = list(csv.DictReader(io.StringIO(votes_csv(test))))
    assert {line["choice_answer"] for line in lines} == {"oracle"}
    assert lines[0]["choice_comment"] == "'=1+1"


def test_one_miss_in_seven_is_forgiven_two_are_not(make_test):
    test = make_test("mushra", files=6)
    listener = test.join()
    rate(test, listener, LIKED)
    votes = list(test.votes(listener).values())
    missed = [*votes, votes[0].__class__(0, LIKED | {"reference": 89}, 1.0)]
    assert is_reliable(missed)
    assert not is_reliable([*missed, missed[-1]])
