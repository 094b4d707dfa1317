"""Listening tests as two listeners and whoever made the test meet them.

Their pages are served alone, from tests on disk as a demo finds them when it is started again; that
one is made from the evaluate tab, test_evaluate_tab.py shows.
"""

import csv
import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from axe import violations
from frcrn_app.listening import ListeningTest, new_token
from listenings import oracle_evaluation, written_test

PHONE = {"width": 390, "height": 844}
NAMES = ("oracle", "noisy", "anchor", "english", "french", "si_sdr")  # what listeners must not see
SCORES = {"reference": 100, "oracle": 90, "noisy": 50, "anchor35": 20}


class Site:
    """A server of listening pages, and a test of each method with its two addresses."""

    def __init__(self, folder: Path, pairs):
        from starlette.applications import Starlette
        from uvicorn import Config, Server

        from frcrn_app.web import static_files
        from frcrn_app.web.guard import Guard, GuardOptions
        from frcrn_app.web.guard.headers import SecurityHeaders
        from frcrn_app.web.listen import Shelf, listening_routes

        self.owners = {method: new_token() for method in ("ab", "mushra")}
        evaluation = oracle_evaluation(pairs[:2])
        self.tests: dict[str, ListeningTest] = {
            method: written_test(folder / f"listen-{owner}", evaluation, method, files=2)
            for method, owner in self.owners.items()
        }
        self.shelf = Shelf(Guard(GuardOptions(), folder), shared=True)
        app = Starlette(routes=[*static_files.routes(), *listening_routes(self.shelf)])
        app.add_middleware(SecurityHeaders, options=GuardOptions())
        self._server = Server(Config(app, port=0, log_level="warning"))
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{port}/frcrn"

    def invitation(self, method: str) -> str:
        return f"{self.address}/listen/{self.tests[method].head.invitation}"

    def owner(self, method: str) -> str:
        return f"{self.address}/listening/{self.owners[method]}"

    def close(self) -> None:
        self.shelf.close()
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture(scope="module")
def site(tmp_path_factory, example_pairs) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("listening"), example_pairs)
    yield site
    site.close()


@pytest.fixture
def open_window(chromium) -> Iterator[Callable]:
    """A function that opens a window with cookies of its own; no page may log an error."""
    contexts, problems = [], []

    def open_window(**settings):
        usual = {"viewport": {"width": 1280, "height": 900}, "locale": "en-US"}
        context = chromium.new_context(**usual | settings)
        contexts.append(context)
        context.set_default_timeout(30_000)
        context.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        context.on("weberror", lambda error: problems.append(str(error.error)))
        return context

    yield open_window
    for context in contexts:
        context.close()
    assert problems == []


def signals_on(page, test: ListeningTest) -> list[str]:
    """What the versions on the page are, from the top: only the test's secret tells."""
    memory = f"frcrn-listener {test.head.invitation}"
    listener = page.evaluate("(key) => localStorage.getItem(key)", memory)
    done = test.votes(listener)
    ballot = next(one for one in test.ballots(listener) if one.trial not in done)
    return [seat.signal for seat in ballot.seats]


def rate(page, test: ListeningTest) -> None:
    sliders = page.locator(".fr-rating input").all()
    for slider, signal in zip(sliders, signals_on(page, test), strict=True):
        slider.fill(str(SCORES[signal]))


def hear_all(page) -> None:
    page.wait_for_selector(".fr-deck[data-ready]")
    for button in page.locator(".fr-hear").all():
        button.click()
        page.wait_for_selector(".fr-hear[aria-pressed=true]")
        page.wait_for_function("document.querySelector('.fr-deck').dataset.playing === 'true'")


def test_mushra_by_two_listeners_who_learn_nothing_and_its_owner_who_learns_all(site, open_window):
    test, seen, sounds = site.tests["mushra"], [], []

    def note(response) -> None:
        seen.append(f"{response.url} {json.dumps(response.headers)}")
        if response.url.endswith(".wav"):
            sounds.append((response.headers["content-length"], "etag" in response.headers))
        elif "/assets/" not in response.url and response.request.method == "GET":
            seen.append(response.text())

    first = open_window()
    page = first.new_page()
    page.on("response", note)
    page.goto(site.invitation("mushra"))
    page.get_by_role("button", name="Start").click()
    hear_all(page)
    page.get_by_role("button", name="Next").click()
    assert "not rated" in page.inner_text(".fr-told").lower()
    rate(page, test)
    # A part can be repeated: it plays on beyond its end.
    page.get_by_role("button", name="Loop").click()
    page.locator(".fr-loop input").nth(1).fill("0.6")
    page.wait_for_function("Number(document.querySelector('.fr-controls input').value) < 0.6")
    assert violations(page) == []
    page.get_by_role("button", name="Next").click()
    page.get_by_role("heading", name="Page 2 of 2").wait_for()

    # They leave, come back, and go on.
    page.close()
    page = first.new_page()
    page.on("response", note)
    page.goto(site.invitation("mushra"))
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="Page 2 of 2").wait_for()
    hear_all(page)
    rate(page, test)
    page.get_by_role("button", name="Finish").click()
    page.get_by_role("heading", name="Thank you!").wait_for()
    words = "\n".join(seen).lower()
    assert [name for name in NAMES if name in words.replace("3.5 khz", "")] == []
    # Five on each page; those that were heard before the page was left may be asked for again.
    assert 10 <= len(sounds) <= 15
    assert not any(tag for _, tag in sounds)
    assert len({size for size, _ in sounds}) == 2  # as many as files

    # The second one has a phone, Chinese and keys only.
    page = open_window(viewport=PHONE, color_scheme="dark").new_page()
    page.goto(f"{site.invitation('mushra')}?lang=zh")
    page.get_by_role("button", name="开始").press("Enter")
    for place in (1, 2):
        page.get_by_role("heading", name=re.compile(rf"{place}\D+2")).wait_for()
        page.wait_for_selector(".fr-deck[data-ready]")
        page.keyboard.press("0")
        page.wait_for_function("document.querySelector('.fr-deck').dataset.playing === 'true'")
        for number, signal in enumerate(signals_on(page, test), 1):
            page.keyboard.press(str(number))
            page.keyboard.press("End")
            for _ in range((100 - SCORES[signal]) // 10):
                page.keyboard.press("PageDown")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    page.get_by_role("heading", name="谢谢").wait_for()
    assert violations(page) == []

    page = open_window().new_page()
    page.goto(site.owner("mushra"))
    page.wait_for_selector(".fr-heard table")
    assert "finished: 2" in page.inner_text(".fr-counts")
    ranked = page.locator(".fr-heard table").first.locator("tbody th").all_inner_texts()
    assert ranked == ["hidden reference", "oracle", "noisy", "anchor (3.5 kHz low-pass)"]
    assert page.input_value(".fr-link") == site.invitation("mushra")
    assert violations(page) == []
    page.click('[data-language="zh"]')
    page.get_by_text("共 2 人参加盲听").wait_for()
    votes = page.request.get(f"{site.owner('mushra')}/votes.csv").text()
    lines = list(csv.DictReader(io.StringIO(votes)))
    assert len(lines) == 2 * 2 * 4
    assert {line["rating_score"] for line in lines if line["rating_stimulus"] == "noisy"} == {"50"}
    report = page.request.get(f"{site.owner('mushra')}/report.html?lang=en").text()
    assert "2 people listened blind, on 2 files." in report


def test_ab_with_keys_and_its_end(site, open_window):
    test = site.tests["ab"]
    page = open_window().new_page()
    page.goto(site.invitation("ab"))
    page.get_by_role("button", name="Start").click()
    for place in range(2):
        page.get_by_role("heading", name=f"Page {place + 1} of 2").wait_for()
        page.wait_for_selector(".fr-deck[data-ready]")
        better = "AB"[signals_on(page, test).index("oracle")]
        page.keyboard.press("a")
        page.wait_for_function("document.querySelector('.fr-deck').dataset.playing === 'true'")
        page.keyboard.press("b")
        if place == 0:
            assert violations(page) == []
            page.get_by_role("button", name="Next").click()
            assert "choose" in page.inner_text(".fr-told")
        page.get_by_role("radio", name=f"I prefer {better}").check()
        page.locator(".fr-card > .fr-first").click()
    page.get_by_role("heading", name="Thank you!").wait_for()
    (listener,) = test.listeners()
    assert [vote.ratings["oracle"] for vote in test.votes(listener).values()] == [1, 1]

    owner = open_window().new_page()
    owner.goto(site.owner("ab"))
    owner.wait_for_selector(".fr-heard table")
    assert "noisy / oracle" in owner.inner_text(".fr-heard")
    owner.on("dialog", lambda dialog: dialog.accept())
    owner.get_by_role("button", name="Delete").click()
    owner.get_by_text("are deleted").wait_for()
    assert not test.folder.exists()
    gone = owner.request.get(site.invitation("ab"), headers={"accept": "text/html"})
    assert gone.status == 404
    assert "not here any more" in gone.text()
