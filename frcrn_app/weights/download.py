"""One file over HTTP, going on where an earlier attempt stopped, whoever made it.

huggingface_hub (2.4) gives each process a draft of its own and removes it when the process stops,
pooch starts anew as well, and modelscope brings a hundred packages along: none of them resumes.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2

TIMEOUT = 30.0  # seconds without a byte
RETRIES = 4  # in a row without getting further
FIRST_PAUSE = 0.5  # seconds before a retry, doubled each time
PIECE = 1 << 18  # bytes written, and reported, at a time


class Refused(Exception):
    """The server gave an answer that trying again would not change: a code and its fields."""

    def __init__(self, code: str, **fields: object):
        super().__init__(code)
        self.code = code
        self.fields = fields


class Unanswered(Exception):
    """The server gave no usable answer this time."""


@dataclass(frozen=True)
class Request:
    """What is asked for: one file of a known size."""

    url: str
    headers: dict[str, str]
    size: int  # bytes


def download(
    session: httpx2.Client,
    request: Request,
    part: Path,
    progress: Callable[[int, int], None],
) -> None:
    """Brings `part` to the file's full size, going on from what it holds already.

    Args:
        session: follows redirects; neither Authorization nor Cookie goes on to another host.
        request: the file.
        part: what is written to; stays when the download stops, for the next call.
        progress: called with bytes done and bytes in all; what it raises stops the download.

    Raises:
        Refused: another answer than the file, which no retry would change.
        Unanswered, httpx2.HTTPError, httpx2.InvalidURL: no connection, or too many failures.
        OSError: `part` cannot be written.
    """
    if size_of(part) > request.size:
        part.unlink()
    furthest = size_of(part)
    connected = False
    failures = 0
    while (done := size_of(part)) < request.size:
        try:
            for received in _receive(session, request, part, done):
                connected = True
                progress(received, request.size)
        except (httpx2.TransportError, Unanswered) as error:
            if not connected and isinstance(error, httpx2.ConnectError | httpx2.ProxyError):
                raise  # no network at all: waiting would not help
            if isinstance(error, httpx2.UnsupportedProtocol):
                raise
            reached = size_of(part)
            failures = 0 if reached > furthest else failures + 1
            furthest = max(furthest, reached)
            if failures > RETRIES:
                raise
            time.sleep(FIRST_PAUSE * 2 ** max(failures - 1, 0))


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    return path.stat().st_size if path.is_file() else 0


def _receive(session: httpx2.Client, request: Request, part: Path, done: int) -> Iterator[int]:
    """One request; yields the size of `part` after each piece written to it."""
    # Not compressed on the way, so that bytes received are bytes of the file.
    headers = {**request.headers, "Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
    with session.stream("GET", request.url, headers=headers, timeout=TIMEOUT) as response:
        start = _first_byte(response, request, part, done)
        with open(part, "ab" if start else "wb") as file:
            size = start
            yield size
            for piece in response.iter_raw(PIECE):
                size += len(piece)
                if size > request.size:
                    raise Refused("weights.hub_too_long", size=request.size)
                file.write(piece)
                yield size
    if size < request.size:
        raise Unanswered(f"{size} of {request.size} bytes")


def _first_byte(response: httpx2.Response, request: Request, part: Path, done: int) -> int:
    """Where in the file the answer begins: 0 or `done`; anything else is no answer."""
    status = response.status_code
    if status in (401, 403):
        raise Refused("weights.hub_account", status=status)
    if status in (408, 416, 429) or status >= 500:
        if status == 416:  # the part is of no use to this server
            part.unlink(missing_ok=True)
        raise Unanswered(f"HTTP {status}")
    if status not in (200, 206):
        raise Refused("weights.hub_no_file", status=status)
    start, total = _announced(response)
    if start not in (0, done):
        part.unlink(missing_ok=True)
        raise Unanswered(f"Content-Range: {start} ≠ {done}")
    if total not in (None, request.size):
        raise Refused("weights.hub_other_size", found=total, size=request.size)
    return start


def _announced(response: httpx2.Response) -> tuple[int, int | None]:
    """First byte of the answer and size of the whole file, None where it is not told."""
    if response.status_code == 206:
        announced = response.headers.get("Content-Range", "").strip()
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", announced)
        if match is None:
            raise Unanswered(f"Content-Range: {announced or '–'}")
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None
