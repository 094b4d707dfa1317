"""Live sessions over the page's own WebSocket: sound in and out, places, and what ends them."""

import time
from contextlib import ExitStack

import httpx
import numpy as np
import pytest
from web.live.conftest import HELLO, HOP, visiting
from websockets.exceptions import ConnectionClosed, InvalidStatus


@pytest.fixture(scope="module")
def page(halving_weights):
    """The whole page, for two live visitors at a time."""
    from frcrn_app.web.app import build_app, close, launch
    from frcrn_app.web.options import WebOptions

    options = WebOptions(
        live_weights=halving_weights, live_visitors=2, live_minutes=5, allow_fetch=False
    )
    app = build_app(options)
    app.address = launch(app, options).rstrip("/")
    yield app
    assert close(app)


@pytest.fixture(scope="module")
def address(page) -> str:
    """Of the page, once its live network is there."""
    with visiting(page.address) as visitor:
        visitor.wait_for("ready")
    return page.address


def frames(noisy_speech, count: int, start: float = 1.0) -> np.ndarray:
    """Samples of 16 bits, [count, 320]."""
    first = round(start * 16_000)
    samples = noisy_speech.samples[0, first : first + count * HOP]
    return np.rint(samples * 32_768).astype(np.int16).reshape(count, HOP)


def figures(address: str) -> dict[str, float]:
    lines = httpx.get(f"{address}/metrics").text.splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if line.startswith("frcrn_live")]
    return {name: float(value) for name, value in pairs}


def wait_until(condition) -> None:
    for _ in range(400):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to pass")


def test_each_frame_comes_back_cleaned_under_its_own_number(address, noisy_speech):
    sent = frames(noisy_speech, 12)
    with visiting(address) as page:
        page.wait_for("ready")
        for number, samples in enumerate(sent):
            page.send(number, samples)
            if number >= 2:  # the network's delay: a frame of look-ahead, and half windows
                assert page.read() == number - 2
    cleaned = np.concatenate([page.cleaned[number] for number in range(10)])
    expected = np.concatenate(list(sent[:10])) / 2
    assert np.abs(cleaned - expected).max() <= 1.5  # of 32,768


def test_visitors_hear_themselves_alone(address, noisy_speech):
    sent = [frames(noisy_speech, 6, start) for start in (1.0, 3.0)]
    with visiting(address) as first, visiting(address) as second:
        for page in (first, second):
            page.wait_for("ready")
        for number in range(6):
            first.send(number, sent[0][number])
            second.send(number, sent[1][number])
        for page, own in ((first, sent[0]), (second, sent[1])):
            while len(page.cleaned) < 4:
                page.read()
            cleaned = np.concatenate([page.cleaned[number] for number in range(4)])
            assert np.abs(cleaned - np.concatenate(list(own[:4])) / 2).max() <= 1.5


def test_who_comes_too_late_waits_and_moves_up(address):
    with ExitStack() as opened:
        served = [opened.enter_context(visiting(address)) for _ in range(2)]
        for page in served:
            page.wait_for("ready")
        third = opened.enter_context(visiting(address))
        assert third.wait_for("waiting")["place"] == 1
        fourth = opened.enter_context(visiting(address))
        assert fourth.wait_for("waiting")["place"] == 2
        assert figures(address)["frcrn_live_sessions"] == 2
        assert figures(address)["frcrn_live_waiting"] == 2
        served[0].socket.close()
        assert third.wait_for("ready")["seconds"] == 300
        assert fourth.wait_for("waiting")["place"] == 1
        third.socket.close()
        fourth.wait_for("ready")
    wait_until(lambda: figures(address)["frcrn_live_sessions"] == 0)
    assert figures(address)["frcrn_live_waiting"] == 0


@pytest.mark.parametrize(
    "words", ["", "{}", '{"kind": "hello", "rate": 48000, "frame": 960}', b"\0" * 648]
)
def test_who_says_something_else_is_told_so_and_sent_away(address, words):
    with visiting(address, hello=False) as page:
        page.socket.send(words)
        ended = page.wait_for("ended")
        assert ended["code"] == "live.bad_message"
        assert "did not understand" in ended["sentence"]
        with pytest.raises(ConnectionClosed):
            page.read()


@pytest.mark.parametrize("bad", [b"", b"\1" * 100, "words", b"\0" * 648])
def test_no_frame_is_read_that_is_none_or_comes_twice(address, bad):
    with visiting(address) as page:
        page.wait_for("ready")
        page.send(0, np.zeros(HOP))
        page.socket.send(bad)
        assert page.wait_for("ended")["code"] == "live.bad_message"


def test_a_message_larger_than_any_of_ours_is_not_read(address):
    with visiting(address) as page:
        page.wait_for("ready")
        with pytest.raises(ConnectionClosed):
            page.socket.send(bytes(1 << 20))
            while True:
                page.read()
    wait_until(lambda: figures(address)["frcrn_live_sessions"] == 0)


def test_more_than_a_microphone_makes_is_dropped_and_then_ended(address):
    before = figures(address)["frcrn_live_dropped_frames_total"]
    with visiting(address) as page:
        page.wait_for("ready")
        silence = np.zeros(HOP)
        try:
            for number in range(2_000):
                page.send(number, silence)
        except ConnectionClosed:
            pass
        assert page.wait_for("ended")["code"] == "live.too_fast"
    wait_until(lambda: figures(address)["frcrn_live_dropped_frames_total"] > before + 300)


def test_sentences_are_in_the_readers_language(address):
    headers = {"cookie": "frcrn-language=zh"}
    with visiting(address, hello=False, additional_headers=headers) as page:
        page.say("{}")
        assert "服务器无法理解" in page.wait_for("ended")["sentence"]


def test_another_sites_page_is_not_let_in(address):
    with pytest.raises(InvalidStatus), visiting(address, origin="https://elsewhere.example"):
        pass
    with visiting(address, origin=address) as page:
        page.wait_for("ready")


def test_a_broken_network_is_told_and_made_again(page, address, noisy_speech):
    with visiting(address) as visitor:
        visitor.wait_for("ready")
        page.live._conductor._streams._process.kill()
        visitor.send(0, np.zeros(HOP))
        assert visitor.wait_for("ended")["code"] == "live.broken"
    with visiting(address) as visitor:
        visitor.wait_for("ready")
        for number, samples in enumerate(frames(noisy_speech, 3)):
            visitor.send(number, samples)
        while 0 not in visitor.cleaned:
            visitor.read()


def test_hello_is_what_the_page_says():
    """The page's own words are those that these tests say."""
    from frcrn_app.web.static_files import source

    worker = source("live/socket-worker.js")
    for key, value in HELLO.items():
        assert f"{key}: {value!r}".replace("'", '"') in worker
