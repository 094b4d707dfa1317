"""examples/quickstart.ipynb runs from top to bottom and leaves what it promises."""

import base64

import nbformat
import pytest
from nbclient import NotebookClient
from paths import ROOT

from frcrn_app import load_audio

NOTEBOOK = ROOT / "examples" / "quickstart.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The notebook after its run, and the folder that it took for the project's."""
    project = tmp_path_factory.mktemp("project")
    for name in ("frcrn_app", "examples", "weights"):
        (project / name).symlink_to(ROOT / name)
    (project / "notebooks").mkdir()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(project / "notebooks")}}
    NotebookClient(
        notebook, timeout=600, startup_timeout=300, kernel_name="python3", resources=resources
    ).execute()
    return notebook, project


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
    [picture] = outputs(notebook, "image/png")
    assert base64.b64decode(picture).startswith(b"\x89PNG")


def test_it_keeps_the_cleaned_sound(executed):
    notebook, project = executed
    kept = load_audio(project / "output" / "quickstart.wav")
    source = "".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    clip = source.split('load_audio(ROOT / "')[1].split('"')[0]
    noisy = load_audio(ROOT / clip)
    assert kept.samples.shape == noisy.samples.shape
    assert kept.sample_rate == noisy.sample_rate


def test_it_is_committed_without_outputs():
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert not cell.get("outputs")
