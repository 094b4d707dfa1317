"""examples/quickstart.ipynb runs from top to bottom, leaves what it promises and shows it."""

import base64
from pathlib import Path

import nbformat
import pytest

from examples.run_quickstart import NOTEBOOK
from examples.run_quickstart import executed as run
from frcrn_app import load_audio
from paths import ROOT


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The notebook after its run, and the folder that it took for the project's."""
    project = tmp_path_factory.mktemp("project")
    return run(project), project


@pytest.fixture(scope="module")
def committed():
    return nbformat.read(NOTEBOOK, as_version=4)


def outputs(notebook, mime):
    return [
        output["data"][mime]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if mime in output.get("data", {})
    ]


def test_it_plays_both_sounds_and_draws_their_spectrograms(executed):
    notebook, _ = executed
    players = [html for html in outputs(notebook, "text/html") if "<audio" in html]
    assert len(players) == 2
    assert players[0] != players[1]
    [picture] = outputs(notebook, "image/jpeg")
    assert base64.b64decode(picture).startswith(b"\xff\xd8\xff")


def test_it_keeps_the_cleaned_sound(executed):
    notebook, project = executed
    kept = load_audio(project / "output" / "quickstart.wav")
    source = "".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    clip = source.split('load_audio(ROOT / "')[1].split('"')[0]
    noisy = load_audio(ROOT / clip)
    assert kept.samples.shape == noisy.samples.shape
    assert kept.sample_rate == noisy.sample_rate


def test_it_is_committed_as_its_cells_leave_it(executed, committed):
    """Renew it by examples/run_quickstart.py."""
    notebook, _ = executed
    for now, then in zip(notebook.cells, committed.cells, strict=True):
        assert now.get("execution_count") == then.get("execution_count")
        kinds = [[o.output_type for o in cell.get("outputs", ())] for cell in (now, then)]
        assert kinds[0] == kinds[1]
        assert "error" not in kinds[1]


def test_what_is_committed_shows_its_picture_and_names_no_folder(committed):
    [picture] = outputs(committed, "image/jpeg")
    assert len(picture) < 150_000
    assert NOTEBOOK.stat().st_size < 200_000
    text = NOTEBOOK.read_text("utf-8").replace(picture, "")
    for private in (str(Path.home()) + "/", str(ROOT), "/tmp/"):
        assert private not in text
