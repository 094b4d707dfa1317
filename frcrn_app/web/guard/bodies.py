"""No request is larger than what it is for, and none fills the disk."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from frcrn_app.web.guard.asgi import (
    API,
    App,
    Message,
    Receive,
    Scope,
    Send,
    header,
    path_of,
    refuse,
    visitor,
)
from frcrn_app.web.guard.errors import GuardError
from frcrn_app.web.guard.limits import Allowances
from frcrn_app.web.guard.options import MIB, GuardOptions

logger = logging.getLogger(__name__)

JSON_BYTES = 1 * MIB  # of a request that is no upload
FILES_AN_UPLOAD = 4  # of the largest size; many small ones fit as well
SILENCE_SECONDS = 60.0  # that a body may pause
FREE_BYTES = 512 * MIB  # of the disk that are left to everyone else
UPLOADS_AT_ONCE = 8  # of one visitor

_MEASURE_SECONDS = 5.0  # between two looks at how large the folder is
_ABANDONED_SECONDS = 600.0  # after which an unfinished upload's file is nobody's
_UPLOAD = f"{API}/upload"
_STATUS = {
    "guard.too_many_bytes": 429,
    "guard.upload_paused": 408,
    "guard.body_paused": 408,
    "guard.disk_full": 507,
    "guard.bad_upload": 400,
}


class Disk:
    """What visitors' files may take in one folder."""

    def __init__(self, folder: Path, limit: int):
        self.folder, self.limit = folder, limit
        self._measured: tuple[float, int] = (-_MEASURE_SECONDS, 0)
        self._arrived = 0  # bytes since then

    def used(self) -> int:
        """Bytes in the folder, measured a few seconds ago at most, and what arrived since."""
        when, size = self._measured
        if time.monotonic() - when > _MEASURE_SECONDS:
            self._measured = (time.monotonic(), sum(_sizes(self.folder)))
            self._arrived = 0
            size = self._measured[1]
        return size + self._arrived

    def room(self) -> int:
        """Bytes that may still come."""
        try:
            free = shutil.disk_usage(self.folder).free - FREE_BYTES
        except OSError:  # not made yet
            free = self.limit
        return max(0, min(self.limit - self.used(), free))

    def arrived(self, size: int) -> None:
        """Count bytes before they are measured."""
        self._arrived += size


class LimitBodies:
    """Counts what is sent while it arrives: JSON up to 1 MiB, uploads up to theirs.

    An upload that fails leaves nothing behind, and a full disk is told as such.
    """

    def __init__(self, app: App, allowances: Allowances, disk: Disk, options: GuardOptions):
        self._app, self._allowances, self._disk, self._options = app, allowances, disk, options
        self._uploads: dict[str, int] = {}  # under way, by visitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return await self._app(scope, receive, send)
        if path_of(scope) == _UPLOAD:
            return await self._upload(scope, receive, send)
        return await self._limited(scope, receive, send, JSON_BYTES, "guard.body_too_large")

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = visitor(scope)
        if self._uploads.get(who, 0) >= UPLOADS_AT_ONCE:
            return await refuse(scope, send, 429, GuardError("guard.too_many_uploads", seconds=5))
        room = await asyncio.to_thread(self._disk.room)
        largest = self._options.upload_bytes * FILES_AN_UPLOAD
        with self._counted(who):
            if room < min(largest, _length(scope) or 1):
                error = GuardError("guard.disk_full")
                return await refuse(scope, send, 507, error)
            return await self._limited(
                scope, receive, send, min(largest, room), "guard.upload_too_large", who
            )

    async def _limited(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        limit: int,
        code: str,
        uploader: str | None = None,
    ) -> None:
        """Run the application on a body that is refused where it grows beyond `limit` bytes."""
        too_large = GuardError(code, mebibytes=limit / MIB)
        if _length(scope) > limit:
            return await refuse(scope, send, 413, too_large)
        received, ended, started = 0, False, False
        refusal: GuardError | None = None

        async def counted() -> Message:
            nonlocal received, ended, refusal
            try:
                async with asyncio.timeout(None if ended else SILENCE_SECONDS):
                    message = await receive()
                if message["type"] == "http.request":
                    size = len(message.get("body", b""))
                    received += size
                    ended = not message.get("more_body", False)
                    if received > limit:
                        raise too_large
                    if uploader is not None:
                        self._allowances.uploaded(uploader, size)
                        self._disk.arrived(size)
                return message
            except TimeoutError:
                refusal = GuardError("guard.upload_paused" if uploader else "guard.body_paused")
                raise refusal from None
            except GuardError as error:
                refusal = error
                raise

        async def noted(message: Message) -> None:
            nonlocal started
            if refusal is None or started:  # the application's own words for it are not sent
                started = True
                await send(message)

        try:
            await self._app(scope, counted, noted)
        except BaseException as error:
            if uploader is not None:
                self._sweep()
            if started or not isinstance(error, Exception):
                raise
            if refusal is None:
                refusal = _as_refusal(error, uploader is not None)
            if refusal is None:
                raise
        if refusal is not None and not started:
            await refuse(scope, send, _STATUS.get(refusal.code, 413), refusal)

    @contextmanager
    def _counted(self, who: str) -> Iterator[None]:
        self._uploads[who] = self._uploads.get(who, 0) + 1
        try:
            yield
        finally:
            self._uploads[who] -= 1
            if not self._uploads[who]:
                del self._uploads[who]

    def _sweep(self) -> None:
        """Delete what unfinished uploads left; whole ones lie in folders of their own."""
        alone = sum(self._uploads.values()) <= 1
        age = 0.0 if alone else _ABANDONED_SECONDS
        with suppress(OSError):
            for path in self._disk.folder.iterdir():
                with suppress(OSError):
                    unfinished = path.name.startswith(tempfile.gettempprefix()) and path.is_file()
                    if unfinished and time.time() - path.stat().st_mtime >= age:
                        path.unlink()


def _as_refusal(error: Exception, uploading: bool) -> GuardError | None:
    """What an error of the application means to whoever sent the body; None: it is a fault."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return GuardError("guard.disk_full")
    if uploading and isinstance(error, OSError | ValueError | TypeError):
        logger.info("an upload could not be stored: %r", error)
        return GuardError("guard.bad_upload")
    return None


def _length(scope: Scope) -> int:
    try:
        return max(0, int(header(scope, "content-length") or 0))
    except ValueError:
        return 0


def _sizes(folder: Path) -> Iterator[int]:
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                yield Path(parent, name).lstat().st_size
