"""`frcrn listen`: from a report and its audio to a listening test that is served, and back."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from frcrn_app.cli import main as cli
from frcrn_app.errors import PairError
from frcrn_app.evaluation import summarise
from frcrn_app.report import write_reports
from listenings import oracle_evaluation

LIKED = {"reference": 100, "oracle": 90, "noisy": 50, "anchor35": 20}


@pytest.fixture(scope="module")
def pairs(example_pairs) -> list[tuple[Path, Path]]:
    return example_pairs[:2]


@pytest.fixture(scope="module")
def report(pairs, tmp_path_factory) -> Path:
    """Of two pairs, with a system whose output is the clean recording; without their audio."""
    evaluation = oracle_evaluation(pairs)
    path = tmp_path_factory.mktemp("report") / "report.json"
    write_reports(evaluation, summarise(evaluation), json=path)
    return path


@pytest.fixture(scope="module")
def audio(pairs) -> list[str]:
    """The options that name the report's audio."""
    noisy, clean = (str(path.parent) for path in pairs[0])
    return ["--noisy", noisy, "--clean", clean, "--system", f"oracle={clean}"]


def listen(*arguments: object) -> int:
    return cli.main(["listen", *map(str, arguments)])


def served(folder: Path, visitors: Path):
    """The addresses of a demo that serves the test, and those for its listeners and results."""
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from frcrn_app.web.guard import Guard, GuardOptions
    from frcrn_app.web.listen import Shelf, listening_routes

    shelf = Shelf(Guard(GuardOptions(), visitors), shared=False, studies=[folder])
    shelf.close()  # no sweeping
    ((_, listeners, results),) = shelf.links("http://testserver/")
    client = TestClient(Starlette(routes=listening_routes(shelf)), client=("192.0.2.1", 1))
    return client, listeners, results


def vote(test, client, address: str) -> None:
    """What a listener's page does, knowing what it cannot know."""
    listener = client.post(f"{address}/listeners").json()["listener"]
    signals = {seat.token: seat.signal for one in test.ballots(listener) for seat in one.seats}
    for trial in client.get(f"{address}/{listener}").json()["trials"]:
        heard = client.get(f"{address}/{listener}/{trial['stimuli'][0]}.wav")
        assert heard.content.startswith(b"RIFF")
        ratings = {token: LIKED[signals[token]] for token in trial["stimuli"]}
        said = {"ratings": ratings, "seconds": 3}
        assert client.post(f"{address}/{listener}/{trial['token']}", json=said).status_code == 204


def test_a_report_becomes_a_test_and_its_results_come_back_into_it(report, audio, tmp_path, capsys):
    from frcrn_app.listening import ListeningTest

    folder = tmp_path / "test"
    wish = ["--method", "mushra", "--files", 2, "--out", folder]
    assert listen("make", report, *audio, *wish) == 0
    assert f"--study {folder}" in capsys.readouterr().out
    client, listeners, results = served(folder, tmp_path / "visitors")
    assert client.get(f"{results}/state").json()["days"] is None  # it is not swept
    for _ in range(5):
        vote(ListeningTest(folder), client, listeners)

    written = {kind: tmp_path / f"with.{kind}" for kind in ("votes", "json", "csv")}
    outputs = [f"--{kind}={path}" for kind, path in written.items()]
    assert listen("results", folder, *outputs) == 0
    printed = capsys.readouterr().out
    assert "listeners: 5, finished: 5" in printed
    assert printed.index("oracle") < printed.index("noisy") < printed.index("anchor35")
    rated = list(csv.DictReader(io.StringIO(written["votes"].read_text())))
    assert len(rated) == 5 * 2 * 4
    assert {line["rating_score"] for line in rated if line["rating_stimulus"] == "oracle"} == {"90"}
    content = json.loads(written["json"].read_text())
    heard = {one["signal"]: one["by_listener"] for one in content.pop("listening")["heard"]}
    assert heard["noisy"]["mean"] == 50
    assert content == json.loads(report.read_text())  # nothing else of it has changed
    lines = list(csv.DictReader(io.StringIO(written["csv"].read_text("utf-8-sig"))))
    assert [line["oracle.mushra"] for line in lines] == ["90.0", "90.0"]

    # Given its audio again, the page plays; whoever deletes the test deletes nothing else.
    assert listen("results", folder, *audio, f"--html={folder / 'plays.html'}") == 0
    page = (folder / "plays.html").read_text()
    assert "5 people listened blind, on 2 files." in page
    assert "data:audio/ogg" in page
    assert client.post(f"{results}/delete").status_code == 204
    assert [path.name for path in folder.iterdir()] == ["plays.html"]


def test_systems_without_files_are_left_out_and_kept_ones_are_found(
    pairs, report, audio, tmp_path, capsys
):
    """What our own network made lies in the folder that was given to evaluate --enhanced."""
    content = json.loads(report.read_text())
    own = tmp_path / "own.json"
    own.write_text(json.dumps(content | {"own_system": "oracle"}))
    folders = audio[:4]
    assert listen("make", own, *folders, "--method", "mushra", "--out", tmp_path / "one") == 0
    assert "left out: oracle" in capsys.readouterr().err
    (tmp_path / "kept").mkdir()
    for _, clean in pairs:
        shutil.copy(clean, tmp_path / "kept")
    kept = ["--enhanced", tmp_path / "kept", "--out", tmp_path / "two"]
    assert listen("make", own, *folders, *kept) == 0
    assert "noisy, oracle" in capsys.readouterr().out


def test_what_cannot_be_made_is_said_and_leaves_nothing(
    pairs, report, audio, tmp_path, capsys, example_pairs
):
    from frcrn_app.web.guard import Guard, GuardOptions
    from frcrn_app.web.listen import Shelf

    out = tmp_path / "out"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    other = tmp_path / "other"  # files of the same names
    for number, folder in enumerate(("noisy", "clean")):
        (other / folder).mkdir(parents=True)
        shutil.copy(example_pairs[2][number], other / folder / pairs[0][0].name)
    files = ["--noisy", other / "noisy", "--clean", other / "clean"]
    unknown = [*audio, "--systems", "noisy,else"]
    for arguments, told in (
        ([report, *files, "--method", "mushra", "--out", out], "is not the file"),
        ([report, *audio, "--out", tmp_path / "full"], "is not empty"),
        ([report, "--out", out], "Name either --noisy"),
        ([report, *unknown, "--out", out], "no system called"),
        ([tmp_path / "none.json", *audio, "--out", out], "cannot be read"),
    ):
        assert listen("make", *arguments) == 2
        assert told in capsys.readouterr().err
        assert not out.exists()
    assert listen("results", tmp_path / "full") == 2
    assert "no listening test in" in capsys.readouterr().err
    with pytest.raises(PairError, match="no listening test in"):
        Shelf(Guard(GuardOptions(), tmp_path), shared=True, studies=[tmp_path / "full"])
