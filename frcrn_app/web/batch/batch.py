"""A batch: the files of one visitor, cleaned one after the other while someone waits for them."""

from __future__ import annotations

import contextvars
import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from gradio.utils import get_upload_folder

from frcrn_app.errors import AudioError, Cancelled, UserError
from frcrn_app.faults import fault_reference
from frcrn_app.web.batch import intake
from frcrn_app.web.batch.cleaning import clean_row
from frcrn_app.web.batch.names import unique_name
from frcrn_app.web.batch.progress import Remaining, totals
from frcrn_app.web.batch.row import CANCELLED, DONE, FAILED, UNDER_WAY, WAITING, Row

if TYPE_CHECKING:
    from frcrn_app.web.batch.settings import Settings
    from frcrn_app.web.engine import Engine

logger = logging.getLogger(__name__)

MOST_FILES = 1_000
POLL_SECONDS = 0.3  # between two looks at how far it is
AT_ONCE = 2  # files: one is read or scored while another is in the network

_HEARTBEAT_SECONDS = 5.0  # after which what has not changed is told again
_FOLLOWERS = 8  # whose leaving is watched; who came before has been replaced by a reload
_BUSY_SECONDS = 2.0  # after which a file is tried again that the server had no room for


class Batch:
    """Files under way: followed, cancelled and tried again from any thread.

    It rests while nobody follows it, and goes on when someone does. The ticket is the secret that
    finds it; whoever has it may do all that a page may do.
    """

    def __init__(self, engine: Engine, settings: Settings, max_seconds: float):
        self.ticket = secrets.token_hex(16)
        self.folder = Path(get_upload_folder()) / self.ticket
        self.settings = settings
        self.rows: list[Row] = []
        self.idle_since = time.monotonic()
        self.opening = threading.Lock()  # of its files, to be played
        self._engine, self._max_seconds = engine, max_seconds
        self._lock = threading.RLock()
        self._numbers = 0
        self._threads = 0
        self._looking_up = self._deleted = False
        self._following: dict[str, object] = {}
        self._left: list[Callable[[], bool]] = []  # of each who follows: whether they have gone
        self._remaining = Remaining()

    # ---- what a visitor does ------------------------------------------------------------------

    def add(self, files: Iterator[tuple[PurePosixPath, Path]]) -> None:
        """Take uploads over, by name and file, and begin with them.

        Raises:
            AudioError: one is no upload, or there would be too many files.
        """
        for name, upload in files:
            self._append(name, upload, taken_over=False)
        self._start()

    def cancel(self, number: int | None = None) -> None:
        """Stop a file, or all that wait or are under way."""
        for row in self._chosen(number):
            with self._lock:
                row.cancelled = True
                if row.state == WAITING:
                    row.state = CANCELLED

    def try_again(self, number: int | None = None, *, everything: bool = False) -> None:
        """Begin again with a file, or with all that failed or were stopped, or with everything."""
        for row in self._chosen(number):
            with self._lock:
                if row.state in (FAILED, CANCELLED) or (everything and row.state == DONE):
                    row.begin_again()
        self._start()

    def delete(self) -> None:
        """Stop and remove every file of it."""
        with self._lock:
            self._deleted = True
        self.cancel()
        shutil.rmtree(self.folder, ignore_errors=True)

    def follow(self, gone: Callable[[], bool], who: str = "") -> Iterator[dict]:
        """What to show, whenever it changes, until nothing is left to do.

        Args:
            gone: whether whoever follows has left.
            who: follows; where they begin anew, this ends.
        """
        me = object()
        with self._lock:
            self._left = [*self._left[-_FOLLOWERS:], gone]
            self._following[who] = me
        self._start()
        told: dict | None = None
        when = 0.0
        while True:
            now = self.shown()
            if now != told or time.monotonic() - when > _HEARTBEAT_SECONDS:
                told, when = now, time.monotonic()
                yield now | {"at": round(when, 3)}
            if not now["total"]["under_way"] or self._deleted or gone():
                return
            if self._following[who] is not me:
                return
            time.sleep(POLL_SECONDS)

    def shown(self) -> dict:
        """All of it, as plain values in the language of whoever asks."""
        with self._lock:
            waiting = [row for row in self.rows if row.state in (WAITING, *UNDER_WAY)]
            places = {row.number: place for place, row in enumerate(waiting)}
            return {
                "ticket": self.ticket,
                "settings": self.settings.shown(),
                "rows": [
                    row.shown(places.get(row.number, 0) + row.ahead if row.state == WAITING
                              else row.ahead)
                    for row in self.rows
                ],
                "total": totals(self.rows, self._remaining),
            }  # fmt: skip

    # ---- what is asked of it ------------------------------------------------------------------

    def row(self, number: int) -> Row:
        """Raises AudioError where there is no such file."""
        with self._lock:
            found = next((row for row in self.rows if row.number == number), None)
        if found is None:
            raise AudioError("web.result_gone")
        return found

    def finished(self) -> list[Row]:
        """The files that have been cleaned."""
        with self._lock:
            return [row for row in self.rows if row.state == DONE]

    @property
    def is_idle(self) -> bool:
        with self._lock:
            return not self._threads

    # ---- how it is done -----------------------------------------------------------------------

    def _append(self, name: PurePosixPath, file: Path, *, taken_over: bool) -> None:
        """A row for a file, which is moved into its folder unless it lies there already."""
        with self._lock:
            if len(self.rows) >= MOST_FILES:
                raise AudioError("batchtab.too_many", most=MOST_FILES)
            name = unique_name(name, (row.name for row in self.rows))
            folder = self.folder / str(self._numbers)
            source = file if taken_over else intake.take_over(file, folder / "in" / name.name)
            row = Row(self._numbers, name, source, folder, intake.is_archive(name))
            self._numbers += 1
            self.rows.append(row)

    def _chosen(self, number: int | None) -> list[Row]:
        return list(self.rows) if number is None else [self.row(number)]

    def _nobody_waits(self) -> bool:
        return self._deleted or all(gone() for gone in self._left)

    def _start(self) -> None:
        """Go on with what waits, in the name of the visitor whose request is at hand."""
        with self._lock:
            waiting = sum(row.state == WAITING for row in self.rows)
            if waiting and not self._nobody_waits():
                self._remaining.start(self.rows)
            else:
                return
            missing = min(AT_ONCE, waiting + self._threads) - self._threads
            for _ in range(missing):
                self._threads += 1
                # The context tells whose request it is, to the guard and to the queue.
                run = partial(contextvars.copy_context().run, self._work)
                threading.Thread(target=run, name="batch", daemon=True).start()
            if not self._looking_up:
                self._looking_up = True
                run = partial(contextvars.copy_context().run, self._look_up_lengths)
                threading.Thread(target=run, name="batch lengths", daemon=True).start()

    def _work(self) -> None:
        """One file after the other, until none waits or nobody waits for them."""
        try:
            while (row := self._next()) is not None:
                self._clean(row)
        finally:
            with self._lock:
                self._threads -= 1
                self.idle_since = time.monotonic()

    def _next(self) -> Row | None:
        with self._lock:
            if self._nobody_waits():
                return None
            row = next((row for row in self.rows if row.state == WAITING), None)
            if row is not None:
                row.state = UNDER_WAY[0]
            return row

    def _clean(self, row: Row) -> None:
        def cancelled() -> bool:
            return row.cancelled or self._nobody_waits()

        try:
            if row.is_archive:
                self._unpack(row, cancelled)
                return
            clean_row(row, self._engine, self.settings, self._max_seconds, self.ticket, cancelled)
        except Cancelled:
            row.begin_again() if not row.cancelled else self._end(row, CANCELLED)
        except UserError as error:
            if error.code == "isolation.busy":
                row.state = WAITING
                time.sleep(_BUSY_SECONDS)
                return
            self._end(row, FAILED, error)
        except BaseException as error:
            reference = fault_reference(error, logger)
            self._end(row, FAILED, UserError("fault.web", reference=reference))
        else:
            self._end(row, DONE)

    def _end(self, row: Row, state: str, error: UserError | None = None) -> None:
        if self._deleted:
            shutil.rmtree(self.folder, ignore_errors=True)
        with self._lock:
            row.error, row.state, row.ahead = error, state, 0

    def _unpack(self, row: Row, cancelled: Callable[[], bool]) -> None:
        """Put the files of an archive into its place."""
        found = intake.unpacked(row, self._engine, cancelled)
        with self._lock:
            count = len(self.rows)
            if count + len(found) > MOST_FILES:
                raise AudioError("batchtab.too_many", most=MOST_FILES)
            for name, path in found:
                self._append(name, path, taken_over=True)
            place, new = self.rows.index(row), self.rows[count:]
            self.rows[place:] = [*new, *self.rows[place + 1 : count]]
            row.source.unlink(missing_ok=True)
        self._start()

    def _look_up_lengths(self) -> None:
        """The lengths of the files that wait, for the table and the remaining time."""
        while True:
            with self._lock:
                waiting = (row for row in self.rows if row.state == WAITING)
                row = next((row for row in waiting if not (row.is_archive or row.looked_up)), None)
                if row is None or self._nobody_waits():
                    self._looking_up = False
                    return
                row.looked_up = True
            seconds = intake.length_of(row, self._engine, self._nobody_waits)
            row.seconds = row.seconds or seconds
