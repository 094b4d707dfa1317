"""Folders for the time of a run, of which nothing stays, even of a run that was killed."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tempfile
import weakref
from contextlib import suppress
from functools import cache
from pathlib import Path

from filelock import FileLock

_START, _LOCK = "frcrn-", ".lock"


class Scratch:
    """A folder among the system's temporary ones; a context manager.

    Recordings of others lie in such folders. One is removed when it is closed, at the latest with
    this process; if that is killed, by the next process that makes one: the system gives up the
    lock beside the folder with the process that held it.

    Args:
        purpose: part of the name.

    Raises:
        OSError: as the file system says.
    """

    def __init__(self, purpose: str):
        _remove_what_killed_runs_left()
        name = f"{_START}{purpose}-{secrets.token_hex(8)}"
        self._folder = Path(tempfile.gettempdir(), name)
        lock = FileLock(self._folder.with_name(name + _LOCK), mode=0o600, thread_local=False)
        with suppress(NotImplementedError):  # a file system without locks: nobody removes it then
            lock.acquire()
        self.close = weakref.finalize(self, _remove, self._folder, lock)
        try:
            self._folder.mkdir(0o700)
        except OSError:
            self.close()
            raise
        _open.add(self)

    @property
    def folder(self) -> Path:
        """Made again, should somebody tidy up among temporary files."""
        self._folder.mkdir(0o700, exist_ok=True)
        return self._folder

    def __enter__(self) -> Path:
        return self._folder

    def __exit__(self, *exception: object) -> None:
        self.close()


_open: weakref.WeakSet[Scratch] = weakref.WeakSet()


def close_all() -> None:
    """For a process that ends without Python's own tidying up."""
    for scratch in list(_open):
        scratch.close()


def _remove(folder: Path, lock: FileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


@cache  # once a process
def _remove_what_killed_runs_left() -> None:
    with suppress(OSError):
        for path in Path(tempfile.gettempdir()).glob(f"{_START}*{_LOCK}"):
            with suppress(OSError, NotImplementedError):  # in use, another's, or without locks
                lock = FileLock(path, timeout=0, thread_local=False)
                if not _is_own_file(path):  # opening another's may do what that one wants
                    continue
                lock.acquire()
                _remove(path.with_suffix(""), lock)


def _is_own_file(path: Path) -> bool:
    facts = path.lstat()
    return stat.S_ISREG(facts.st_mode) and (os.name == "nt" or facts.st_uid == os.getuid())
