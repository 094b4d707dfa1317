"""What Hugging Face and ModelScope read: the front matter of README.md and of the model card."""

import re
from importlib.metadata import version

import pytest
from huggingface_hub import ModelCard, SpaceCard

from frcrn_app.web.options import parse_options
from frcrn_app.weights import EMBEDDED, load_weights
from paths import ROOT

COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


@pytest.fixture(scope="module")
def space() -> dict:
    return SpaceCard.load(ROOT / "README.md").data.to_dict()


def test_a_space_starts_the_demo_with_the_gradio_that_was_tested(space):
    assert space["sdk"] == "gradio"
    assert space["sdk_version"] == version("gradio")
    assert (ROOT / space["app_file"]).is_file()
    assert re.fullmatch(r"3\.(1[1-9])", space["python_version"])
    assert (ROOT / "requirements.txt").is_file()  # what both hubs install
    assert space["deployspec"]["entry_file"] == space["app_file"]


def test_a_space_has_what_the_hub_refuses_to_do_without(space):
    assert {space["colorFrom"], space["colorTo"]} <= COLOURS
    assert space["license"] == "apache-2.0"
    assert len(space["title"]) <= 60
    assert len(space["short_description"]) <= 60
    assert len(space["emoji"].rstrip("\N{VARIATION SELECTOR-16}")) == 1


def test_the_demo_listens_where_a_hub_tells_gradio_to(monkeypatch):
    monkeypatch.delenv("FRCRN_HOST", raising=False)
    monkeypatch.delenv("FRCRN_PORT", raising=False)
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")
    monkeypatch.setenv("GRADIO_SERVER_PORT", "7860")
    options = parse_options([])
    assert (options.host, options.port) == ("0.0.0.0", 7860)
    assert not options.allow_fetch
    assert parse_options(["--host", "127.0.0.1"]).host == "127.0.0.1"
    monkeypatch.setenv("FRCRN_PORT", "8080")
    assert parse_options([]).port == 8080


def test_the_model_card_says_what_the_hub_files_it_under():
    card = ModelCard.load(ROOT / "weights" / "MODEL_CARD.md").data.to_dict()
    assert card["license"] == load_weights(EMBEDDED).entry.licence.lower()
    assert card["pipeline_tag"] == "audio-to-audio"
    assert "speech-enhancement" in card["tags"]
