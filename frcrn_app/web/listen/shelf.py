"""All listening tests of this server: on disk, by their owners' tokens and by their invitations.

A test outlives the page that it was made on, and the server. Its folder is named by the owner's
token, which listeners never see: whoever knows that token may see what was voted.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from frcrn_app.errors import PairError
from frcrn_app.evaluation import Evaluation, Summary
from frcrn_app.isolation import isolated
from frcrn_app.listening import (
    MAX_SECONDS,
    REFERENCE,
    Design,
    ListeningTest,
    make_stimuli,
    new_token,
    plan,
    signals,
)
from frcrn_app.metrics import SAMPLE_RATE
from frcrn_app.report import read_json, write_reports

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
    """

    def __init__(self, guard: Guard, *, shared: bool):
        self._guard, self._shared = guard, shared
        self._tests: dict[str, ListeningTest] = {}  # by owner
        self._lock = threading.Lock()
        # With audio, for as long as the page of an evaluation is open.
        self._alive: weakref.WeakValueDictionary[str, Evaluation] = weakref.WeakValueDictionary()
        self._closed = threading.Event()
        self._find_all()
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
            seconds = tuple(
                self._sounds(evaluation, design, file, folder, visitor, cancelled)
                for file in range(len(design.files))
            )
            write_reports(evaluation, summary, json=folder / "evaluation.json")
            test = ListeningTest.create(folder, design, seconds, whose=visitor, shared=self._shared)
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
        return self._alive.get(owner) or read_json(test.folder / "evaluation.json")

    def delete(self, owner: str) -> None:
        """A test with its votes."""
        with self._lock:
            test = self._tests.pop(owner, None)
        if test is not None:
            test.delete()

    def close(self) -> None:
        self._closed.set()

    def _sounds(
        self,
        evaluation: Evaluation,
        design: Design,
        file: int,
        folder: Path,
        visitor: str,
        cancelled: Callable[[], bool] | None,
    ) -> float:
        row = next(row for row in evaluation.rows if row.name == design.files[file])
        files = evaluation.files(row)
        sources = {system: files[system] for system in design.systems}
        if design.method == "mushra" and row.pair.clean is not None:
            sources = {REFERENCE: row.pair.clean, **sources}
        target = ListeningTest.stimuli(folder, file)
        target.parent.mkdir(parents=True, exist_ok=True)
        return isolated(
            make_stimuli,
            sources,
            target,
            {system: row.sounds[system].lag for system in design.systems},
            about=row.pair.noisy,
            deadline=FILE_SECONDS,
            visitor=visitor,
            cancelled=cancelled,
        )

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
                old = [name for name, test in self._tests.items() if test.head.created < before]
            for owner in old:
                self.delete(owner)


def _largest(design: Design) -> int:
    """Bytes that a test takes at most."""
    return round(len(design.files) * len(signals(design)) * MAX_SECONDS * SAMPLE_RATE * 4)
