"""Which tests a server has, who may reach them, and what they leave."""

import pytest

from frcrn_app import isolation
from frcrn_app.errors import PairError
from frcrn_app.evaluation import summarise
from frcrn_app.listening import new_token
from frcrn_app.web.listen.routes import listening_routes
from frcrn_app.web.listen.shelf import TESTS_A_VISITOR, Wish
from listenings import written_test

WISH = Wish("ab", ("noisy", "oracle"), 1)


@pytest.fixture
def owner(evaluation, tmp_path) -> str:
    """Of a test that lies in the folder before the server starts."""
    token = new_token()
    written_test(
        tmp_path / f"listen-{token}", evaluation, "ab", files=1, whose="10.0.0.1", shared=False
    )
    return token


def client_of(shelf, address: str = "10.0.0.1"):
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    return TestClient(Starlette(routes=listening_routes(shelf)), client=(address, 1234))


def test_a_test_is_made_of_an_evaluation_and_found_by_the_next_server(
    evaluation, open_shelf, tmp_path
):
    shelf = open_shelf()
    owner = shelf.make(evaluation, summarise(evaluation), WISH)
    isolation.stop()
    assert shelf.evaluation(owner) is evaluation
    (folder,) = tmp_path.iterdir()
    assert folder.name == f"listen-{owner}"
    (tmp_path / f"listen-{new_token()}").mkdir()  # of one that was being made
    again = open_shelf()
    assert again.owned(owner).design == shelf.owned(owner).design
    assert [row.name for row in again.evaluation(owner).rows] == [
        row.name for row in evaluation.rows
    ]
    assert list(tmp_path.iterdir()) == [folder]
    again.delete(owner)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(PairError, match="not here"):
        again.owned(owner)


def test_what_cannot_be_made_leaves_nothing(evaluation, open_shelf, tmp_path):
    full = open_shelf(disk_bytes=1000)
    with pytest.raises(PairError, match="no room"):
        full.make(evaluation, summarise(evaluation), WISH)
    with pytest.raises(PairError, match="choose ab or mushra"):
        full.make(evaluation, summarise(evaluation), Wish("abx", ("noisy", "oracle"), 1))
    assert list(tmp_path.iterdir()) == []


def test_one_visitor_has_so_many_tests(evaluation, owner, open_shelf, tmp_path):
    shelf = open_shelf()
    test = shelf.owned(owner)
    for number in range(TESTS_A_VISITOR):
        token = f"{number:032x}"
        test.create(tmp_path / f"listen-{token}", test.design, test.head.seconds)
    with pytest.raises(PairError, match="8 listening tests already"):
        open_shelf().make(evaluation, summarise(evaluation), WISH)


def test_strangers_need_a_shared_test(owner, open_shelf):
    shelf = open_shelf()
    address = f"/frcrn/listen/{shelf.owned(owner).head.invitation}"
    assert client_of(shelf).get(address).status_code == 200
    refused = client_of(shelf, "10.0.0.2").get(address, headers={"accept": "text/html"})
    assert refused.status_code == 403
    assert "only for the computer" in refused.text
    assert client_of(shelf).get(f"/frcrn/listen/{owner}").status_code == 404  # no invitation


def test_listeners_send_votes_and_nothing_else(owner, open_shelf):
    shelf = open_shelf()
    client, test = client_of(shelf), shelf.owned(owner)
    address = f"/frcrn/listen/{test.head.invitation}"
    listener = client.post(f"{address}/listeners", json={}).json()["listener"]
    (trial,) = client.get(f"{address}/{listener}").json()["trials"]
    to = f"{address}/{listener}/{trial['token']}"
    for wrong in (b"", b"[", b'{"choice": "oracle"}', b'{"choice": null, "seconds": NaN}'):
        assert client.post(to, content=wrong).status_code == 400
    chosen = trial["stimuli"][0]
    assert client.post(to, json={"choice": chosen, "seconds": 1}).status_code == 204
    assert client.post(f"{address}/{listener}/x", json={"choice": None}).status_code == 404
    assert client.get(f"{address}/..%2f..%2f{owner}/x.wav").status_code == 404
    assert client.get(f"{address}/{listener}/{trial['token']}.wav").status_code == 404
    sounds = [client.get(f"{address}/{listener}/{token}.wav") for token in trial["stimuli"]]
    assert len({len(sound.content) for sound in sounds}) == 1
    assert {name for sound in sounds for name in sound.headers} == {
        "cache-control", "content-length", "content-type",
    }  # fmt: skip
    state = client.get(f"/frcrn/listening/{owner}/state").json()
    assert state["listeners"] == [1]
    assert owner not in client.get(address).text
