"""Live sessions over the page's own WebSocket: sound in and out, places, and what ends them."""

import os
import signal
import time
from contextlib import ExitStack, suppress
from functools import partial
from multiprocessing import active_children

import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from frcrn_app.web.live import conductor
from frcrn_app.web.live.streams import Streams, StreamsProcesses
from web.live.conftest import HELLO, HOP, visiting


@pytest.fixture(scope="module")
def served(serve_live):
    """Two places, each in a process of its own, and a network that is there already."""
    with serve_live(partial(StreamsProcesses, count=2)) as served:
        with visiting(served.address) as visitor:
            visitor.wait_for("ready")
        yield served


@pytest.fixture
def address(served) -> str:
    return served.address


def frames(noisy_speech, count: int, start: float = 1.0) -> np.ndarray:
    """Samples of 16 bits, [count, 320]."""
    first = round(start * 16_000)
    samples = noisy_speech.samples[0, first : first + count * HOP]
    return np.rint(samples * 32_768).astype(np.int16).reshape(count, HOP)


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


def test_who_comes_too_late_waits_and_moves_up(served, address):
    with ExitStack() as opened:
        pages = [opened.enter_context(visiting(address)) for _ in range(2)]
        for page in pages:
            page.wait_for("ready")
        third = opened.enter_context(visiting(address))
        assert third.wait_for("waiting")["place"] == 1
        fourth = opened.enter_context(visiting(address))
        assert fourth.wait_for("waiting")["place"] == 2
        assert served.figure("sessions") == 2
        assert served.figure("waiting") == 2
        pages[0].socket.close()
        assert third.wait_for("ready")["seconds"] == 300
        assert fourth.wait_for("waiting")["place"] == 1
        third.socket.close()
        fourth.wait_for("ready")
    wait_until(lambda: served.figure("sessions") == 0)
    assert served.figure("waiting") == 0


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


def test_a_message_larger_than_any_of_ours_is_not_read(served, address):
    with visiting(address) as page:
        page.wait_for("ready")
        page.socket.send(bytes(1 << 20))
        with pytest.raises(ConnectionClosed):
            page.read()
    wait_until(lambda: served.figure("sessions") == 0)


def test_more_than_a_microphone_makes_is_dropped_and_then_ended(served, address):
    before = served.figure("dropped_frames_total")
    with visiting(address) as page:
        page.wait_for("ready")
        silence = np.zeros(HOP)
        with suppress(ConnectionClosed):
            for number in range(2_000):
                page.send(number, silence)
        assert page.wait_for("ended")["code"] == "live.too_fast"
    wait_until(lambda: served.figure("dropped_frames_total") > before + 300)


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


def test_a_broken_network_is_told_and_made_again(address, noisy_speech):
    with visiting(address) as visitor:
        visitor.wait_for("ready")
        for process in active_children():
            if process.name == "live":
                os.kill(process.pid, signal.SIGKILL)
        visitor.send(0, np.zeros(HOP))
        assert visitor.wait_for("ended")["code"] == "live.broken"
    with visiting(address) as visitor:
        visitor.wait_for("ready")
        for number, samples in enumerate(frames(noisy_speech, 3)):
            visitor.send(number, samples)
        while 0 not in visitor.cleaned:
            visitor.read()


def test_a_machine_that_was_busy_is_measured_again(serve_live, monkeypatch, noisy_speech):
    measured = iter((0, 0, 1))

    class Busy(Streams):
        def capacity(self) -> int:
            return next(measured)

    monkeypatch.setattr(conductor, "TOO_SLOW_SECONDS", 0.3)
    with serve_live(Busy, seats=None) as served:
        for _ in range(2):
            with visiting(served.address) as visitor:
                assert visitor.wait_for("ended")["code"] == "live.too_slow"
            with visiting(served.address) as visitor:  # at once: it is as it was
                assert visitor.wait_for("ended")["code"] == "live.too_slow"
            time.sleep(0.6)
        with visiting(served.address) as visitor:
            visitor.wait_for("ready")
            for number, samples in enumerate(frames(noisy_speech, 3)):
                visitor.send(number, samples)
            while 0 not in visitor.cleaned:
                visitor.read()


def test_the_network_is_made_once_somebody_opens_the_tab(serve_live):
    made = []

    def streams(weights):
        made.append(weights)
        return Streams(weights)

    with serve_live(streams) as served:
        time.sleep(0.5)
        assert not made
        assert httpx.get(f"{served.address}/frcrn/live").status_code == 204
        wait_until(lambda: made)


def test_hello_is_what_the_page_says():
    """The page's own words are those that these tests say."""
    from frcrn_app.web.static_files import source

    worker = source("live/socket-worker.js")
    for key, value in HELLO.items():
        assert f"{key}: {value!r}".replace("'", '"') in worker


def test_a_session_ends_after_its_time_with_a_warning_before(serve_live):
    with serve_live(Streams, minutes=0.01) as served, visiting(served.address) as page:
        assert page.wait_for("ready")["seconds"] == pytest.approx(0.6)
        assert page.wait_for("ending")["seconds"] <= 60
        ended = page.wait_for("ended")
    assert ended["code"] == "live.time_is_up"
    assert "0.01 minutes" in ended["sentence"]


def test_strangers_have_few_sessions_and_no_more_audio_than_others(serve_live):
    with (
        serve_live(Streams, public=True, audio_minutes_an_hour=0.8) as served,
        ExitStack() as opened,
    ):
        first, second = (opened.enter_context(visiting(served.address)) for _ in range(2))
        first.wait_for("ready")
        second.wait_for("ready")
        with visiting(served.address) as third:
            assert third.wait_for("ended")["code"] == "live.yours"
        first.socket.close()
        with visiting(served.address) as third:  # 20 s of each of the others are counted
            assert third.wait_for("ended")["code"] == "guard.too_much_audio"
