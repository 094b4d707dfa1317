"""All listening tests of this server: on disk, by their owners' tokens and by their invitations.

A test outlives the page that it was made on, and the server. Its folder is named by the owner's
token, which listeners never see: whoever knows that token may see what was voted. Studies are tests
in folders of whoever starts the server, made by `frcrn listen`; they stay when others are swept.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from frcrn_app.errors import PairError
from frcrn_app.evaluation import Evaluation, Summary
from frcrn_app.isolation import isolated
from frcrn_app.listening import (
    MAX_SECONDS,
    Design,
    Listened,
    ListeningTest,
    listened,
    make_stimuli,
    make_test,
    new_token,
    plan,
    signals,
)
from frcrn_app.metrics import SAMPLE_RATE
from frcrn_app.report import read_json, write_reports
from frcrn_app.web.static_files import PREFIX

if TYPE_CHECKING:
    from frcrn_app.web.guard import Guard

KEEP_DAYS = 7  # as the page says
SWEEP_SECONDS = 600  # between two looks for old tests
TESTS_A_VISITOR = 8
FILE_SECONDS = 60.0  # that the sounds of one file may take to make

_PREFIX = "listen-"
_NAME = re.compile(rf"{_PREFIX}([0-9a-f]{{32}})")


@dataclass(frozen=True)
class Wish:
    """A test as a visitor asks for it."""

    method: str
    systems: tuple[str, ...]
    files: int


class Shelf:
    """Finds, makes and deletes tests; safe to use from threads.

    Args:
        guard: knows visitors and the room on disk; its folder holds the tests.
        shared: whether others than who made a test may listen.
        studies: folders of tests that whoever starts the server has made.

    Raises:
        PairError: `listening.no_study`, if one of the folders holds no test.
    """

    def __init__(self, guard: Guard, *, shared: bool, studies: Sequence[Path] = ()):
        self._guard, self._shared = guard, shared
        self._tests: dict[str, ListeningTest] = {}  # by owner
        self._studies = {test.owner: test for test in map(_study, studies)}
        self._lock = threading.Lock()
        # With audio, for as long as the page of an evaluation is open.
        self._alive: weakref.WeakValueDictionary[str, Evaluation] = weakref.WeakValueDictionary()
        self._closed = threading.Event()
        self._find_all()
        self._tests |= self._studies
        threading.Thread(target=self._sweep, name="old listening tests", daemon=True).start()

    def make(
        self,
        evaluation: Evaluation,
        summary: Summary,
        wish: Wish,
        cancelled: Callable[[], bool] | None = None,
    ) -> str:
        """Make a test of an evaluation whose files are there; returns its owner's token.

        Raises:
            PairError: it cannot be made so, the visitor has too many, or the disk is full.
            UserError: a file cannot be read.
            Cancelled: `cancelled` said so.
        """
        visitor = self._guard.visitor()
        with self._lock:
            own = sum(test.head.whose == visitor for test in self._tests.values())
        if own >= TESTS_A_VISITOR:
            raise PairError("listening.too_many_tests", count=own)
        seed = int(new_token()[:8], 16)
        design = plan(evaluation, wish.method, systems=wish.systems, files=wish.files, seed=seed)
        if _largest(design) > self._guard.disk.room():
            raise PairError("listening.disk_full")
        owner = new_token()
        folder = self._guard.disk.folder / f"{_PREFIX}{owner}"
        try:
            write_reports(evaluation, summary, json=ListeningTest.report(folder))
            test = make_test(
                folder,
                evaluation,
                design,
                whose=visitor,
                shared=self._shared,
                make_sounds=partial(_make_sounds, visitor=visitor, cancelled=cancelled),
            )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        with self._lock:
            self._tests[owner] = test
        self._alive[owner] = evaluation
        return owner

    def owned(self, owner: str) -> ListeningTest:
        """Raises PairError `listening.gone`."""
        with self._lock:
            test = self._tests.get(owner)
        if test is None:
            raise PairError("listening.gone")
        return test

    def invited(self, invitation: str, visitor: str) -> ListeningTest:
        """A listener's test.

        Raises:
            PairError: `listening.gone`, or `listening.not_shared` for strangers.
        """
        with self._lock:
            found = [test for test in self._tests.values() if test.head.invitation == invitation]
        if not found:
            raise PairError("listening.gone")
        if not found[0].head.shared and found[0].head.whose != visitor:
            raise PairError("listening.not_shared")
        return found[0]

    def evaluation(self, owner: str) -> Evaluation:
        """What a test is of; without audio once its page has been closed."""
        test = self.owned(owner)
        return self._alive.get(owner) or read_json(ListeningTest.report(test.folder))

    def listened(self, owner: str) -> Listened | None:
        """What a test has come to; None where there is none, or nobody has voted yet."""
        try:
            found = listened(self.owned(owner), self.evaluation(owner))
        except PairError:  # deleted
            return None
        return found if found.began else None

    def is_study(self, owner: str) -> bool:
        """Whether a test lies in a folder of whoever started the server."""
        return owner in self._studies

    def links(self, address: str) -> list[tuple[Path, str, str]]:
        """Of each study its folder, its listeners' address and that of its results."""
        start = f"{address.rstrip('/')}/{PREFIX}"
        return [
            (test.folder, f"{start}/listen/{test.head.invitation}", f"{start}/listening/{owner}")
            for owner, test in self._studies.items()
        ]

    def delete(self, owner: str) -> None:
        """A test with its votes."""
        with self._lock:
            test = self._tests.pop(owner, None)
        if test is not None:
            test.delete()

    def close(self) -> None:
        self._closed.set()

    def _find_all(self) -> None:
        for folder in self._guard.disk.folder.glob(f"{_PREFIX}*"):
            name = _NAME.fullmatch(folder.name)
            try:
                if name:
                    self._tests[name[1]] = ListeningTest(folder)
            except PairError:  # its making was interrupted
                shutil.rmtree(folder, ignore_errors=True)

    def _sweep(self) -> None:
        while not self._closed.wait(SWEEP_SECONDS):
            before = time.time() - KEEP_DAYS * 86_400
            with self._lock:
                old = [
                    name
                    for name, test in self._tests.items()
                    if test.head.created < before and name not in self._studies
                ]
            for owner in old:
                self.delete(owner)


def _study(folder: Path) -> ListeningTest:
    try:
        return ListeningTest(folder)
    except PairError as error:
        raise PairError("listening.no_study", folder=folder) from error


def _make_sounds(
    sources: dict[str, Path],
    target: Path,
    lags: dict[str, float],
    about: Path,
    *,
    visitor: str,
    cancelled: Callable[[], bool] | None,
) -> float:
    """`make_stimuli`, in a process of its own."""
    return isolated(
        make_stimuli,
        sources,
        target,
        lags,
        about=about,
        deadline=FILE_SECONDS,
        visitor=visitor,
        cancelled=cancelled,
    )


def _largest(design: Design) -> int:
    """Bytes that a test takes at most."""
    return round(len(design.files) * len(signals(design)) * MAX_SECONDS * SAMPLE_RATE * 4)
