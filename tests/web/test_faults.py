"""How failures reach visitors: in their language, without the server's folders."""

import errno
import logging
import re
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

import pytest

from frcrn_app.errors import AudioError, CheckpointError
from frcrn_app.web.faults import LANGUAGE_COOKIE, request_language, sentence
from frcrn_app.web.static_files import source


@contextmanager
def asked(**headers: str):
    """A request at hand, as Gradio keeps it for its handlers; `cookie` is the page's language."""
    import gradio as gr
    from fastapi import Request
    from gradio.context import LocalContext

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if "cookie" in named:
        named["cookie"] = f"other=1; {LANGUAGE_COOKIE}={named['cookie']}"
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    request = gr.Request(Request({"type": "http", "headers": raw}))
    token = LocalContext.request.set(request)
    yield
    LocalContext.request.reset(token)


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({"accept_language": "zh-CN,zh;q=0.9,en;q=0.8"}, "zh"),
        ({"accept_language": "ZH-tw"}, "zh"),
        ({"accept_language": "en-US,en;q=0.9,zh;q=0.8"}, "en"),
        ({"accept_language": "fr"}, "en"),
        ({"accept_language": "*"}, "en"),
        ({}, "en"),
        ({"accept_language": "en", "cookie": "zh"}, "zh"),  # the page was switched
        ({"accept_language": "zh-CN", "cookie": "en"}, "en"),
    ],
)
def test_the_language_is_that_of_the_page(headers, language):
    error = CheckpointError("web.weights_not_fetched", name="frcrn-16k")
    with asked(**headers):
        assert request_language() == language
        assert sentence(error) == error.sentence(language)
    assert sentence(error) == error.sentence("en")
    assert error.sentence("zh") != error.sentence("en")


def test_the_page_keeps_its_language_in_the_cookie():
    assert f"document.cookie = `{LANGUAGE_COOKIE}=${{language}};" in source("inline/page.js")


def test_visitors_do_not_learn_the_servers_folders():
    error = AudioError("web.too_long", name=Path("/srv/secret/a talk.wav"), minutes="10")
    assert "secret" not in sentence(error)
    assert "a talk.wav" in sentence(error)
    assert "/srv/secret/a talk.wav" in sentence(error, keep_folders=True)


def test_an_unknown_fault_names_a_reference_that_is_in_the_log(caplog):
    with caplog.at_level(logging.ERROR):
        words = sentence(RuntimeError("the disk /secret/place is on fire"), "zh-CN")
    reference = re.search(r"编号 ([0-9a-f]{6,})", words)[1]
    assert "secret" not in words
    assert reference in caplog.text
    assert "on fire" in caplog.text


def test_file_names_cannot_break_the_words():
    name = 'a{file}" is {0} %s.wav'
    words = sentence(AudioError("web.too_long", name=Path(name), minutes="10"), "zh")
    assert name in words


@pytest.mark.parametrize(("number", "full"), [(errno.ENOSPC, True), (errno.EACCES, False)])
def test_a_full_disk_is_one_behind_another_error_too(number, full, caplog):
    try:
        raise BrokenProcessPool from OSError(number, "no process could be started")
    except BrokenProcessPool as error:
        said = sentence(error, "en")
    assert ("no room" in said) == full
    assert bool(caplog.records) != full  # nobody looks for what the sentence says
