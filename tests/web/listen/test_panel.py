"""What the card of the evaluate tab answers to the page that asks for a test."""

from types import SimpleNamespace

import pytest

from frcrn_app.evaluation import summarise


@pytest.fixture
def make(evaluation, open_shelf, tmp_path):
    """A function that asks for a test as a page of one finished evaluation does."""
    import gradio as gr

    from frcrn_app.web.evaluate.job import Result
    from frcrn_app.web.guard import Guard, GuardOptions
    from frcrn_app.web.listen import build_panel, connect_panel

    result = Result(evaluation, summarise(evaluation))
    job = SimpleNamespace(result=result, listening="", outcome=lambda: result)
    pages = SimpleNamespace(get={"page": job}.get)
    engine = SimpleNamespace(guard=Guard(GuardOptions(), tmp_path))
    with gr.Blocks() as blocks:
        connect_panel(build_panel(), pages, engine, open_shelf(disk_bytes=1000))
    (handler,) = [function.fn for function in blocks.fns.values() if function.name == "make"]

    def make(page: str = "page", **wish):
        return handler(SimpleNamespace(session_hash=page), SimpleNamespace(_data=wish))

    return make


def test_refusals_are_sentences_and_leave_the_form(make):
    usual = {"method": "mushra", "systems": ["noisy", "oracle"], "files": 1}
    refused = make(**usual)
    assert "no room" in refused["message"]
    assert refused["systems"] == ["noisy", "oracle"]
    assert refused["clean"]
    assert refused["files"] == 2
    assert refused["owner"] == ""
    assert "no system called" in make(**usual | {"systems": ["<b>"]})["message"]
    assert "1 to 8 files" in make(**usual | {"files": "many"})["message"]
    assert (
        "at least 2 systems" in make(**usual | {"method": "ab", "systems": ["oracle"]})["message"]
    )
    assert set(make("another", **usual)) == {"message"}
