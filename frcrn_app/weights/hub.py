"""The official weights: where they are published, and how they get here intact."""

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus

import httpx2
from filelock import FileLock, Timeout

from frcrn_app.errors import CheckpointError

TIMEOUT = 30.0  # seconds without a byte
RETRIES = 4  # in a row without getting further
FIRST_PAUSE = 0.5  # seconds before a retry, doubled each time
PIECE = 1 << 18  # bytes written, and reported, at a time


@dataclass(frozen=True)
class OfficialFile:
    """One published checkpoint. Size and checksum are those of the file on its hub."""

    name: str
    title: str
    hub: str  # "modelscope" or "huggingface"
    repository: str
    filename: str
    size: int  # bytes
    sha256: str
    licence: str
    page: str  # for people

    def path_in(self, folder: Path) -> Path:
        """Where the file is kept: a folder of its own, under the name it has on the hub."""
        return folder / self.name / self.filename


OFFICIAL = {
    file.name: file
    for file in (
        OfficialFile(
            name="frcrn-16k",
            title="FRCRN 16 kHz (Alibaba DAMO, ModelScope)",
            hub="modelscope",
            repository="damo/speech_frcrn_ans_cirm_16k",
            filename="pytorch_model.bin",
            size=57_991_225,
            sha256="477a2f82019b0a2b5bdd51541405d7e585a1f0355e162f3b46bf5c20d79fd612",
            licence="Apache-2.0",
            page="https://modelscope.cn/models/damo/speech_frcrn_ans_cirm_16k",
        ),
        OfficialFile(
            name="frcrn-se-16k",
            title="FRCRN SE 16 kHz (ClearerVoice-Studio, Hugging Face)",
            hub="huggingface",
            repository="alibabasglab/FRCRN_SE_16K",
            filename="last_best_checkpoint.pt",
            size=161_053_751,
            sha256="b22256adbb91b68cf5a3db8f6657a4fb17066eecd5f069803e59c186c1cf3ebb",
            licence="Apache-2.0",
            page="https://huggingface.co/alibabasglab/FRCRN_SE_16K",
        ),
    )
}


def fetch(
    official: OfficialFile, folder: Path, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Bring an official file into `folder`, whole and verified, unless it is there already.

    An interrupted download goes on where it stopped, in this call or a later one. Processes that
    fetch the same file at once wait for the first of them. The file appears under its name only
    when its checksum is right.

    Args:
        official: which file.
        folder: the weights folder; the file gets a folder of its own in it.
        progress: called with bytes done and bytes in all; what it raises stops the download.

    Raises:
        CheckpointError: no connection, refused, no room, or not the known file; says how to
            install the file by hand.
    """
    path = official.path_in(folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_name(f"{path.name}.lock"), official, path, progress):
            if path.is_file() and _is_known(path, official):
                return path
            _fetch_locked(official, path, progress or (lambda done, total: None))
    except OSError as error:
        raise CheckpointError(
            f"Cannot write {path}: {error.strerror or error}; free some room, or set "
            "FRCRN_WEIGHTS_DIR to a folder that can be written."
        ) from error
    return path


def _fetch_locked(official: OfficialFile, path: Path, progress: Callable) -> None:
    part = path.with_name(f"{path.name}.part")
    missing = official.size - _size(part)
    free = shutil.disk_usage(path.parent).free
    if free < missing:
        raise CheckpointError(
            f"{path.parent} has {free / 1e6:.0f} MB free and {official.name} needs "
            f"{missing / 1e6:.0f} MB more: free some room, or set FRCRN_WEIGHTS_DIR to a folder "
            "on another disk."
        )
    url = address(official)
    try:
        with _session(official) as (session, headers):
            _download(session, url, headers, part, official, progress)
    except _Refused as refusal:
        part.unlink(missing_ok=True)
        raise CheckpointError(f"{refusal} {_by_hand(official, path)}") from refusal
    except (httpx2.HTTPError, httpx2.InvalidURL, ConnectionError, _Unanswered) as error:
        reason = str(error).split("\n")[0].rstrip(".") or type(error).__name__
        raise CheckpointError(
            f"Cannot fetch {official.name} from {url} ({reason}). {_by_hand(official, path)}"
        ) from error
    if not _is_known(part, official):
        digest = _sha256(part)
        part.unlink()
        raise CheckpointError(
            f"What came from {url} is not the known {official.filename}: its sha256 is {digest}; "
            f"it was removed. {_by_hand(official, path)}"
        )
    with open(part, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, path)


def address(official: OfficialFile) -> str:
    """Where a file is fetched from, mirrors of the environment included.

    Hugging Face: HF_ENDPOINT, as huggingface_hub reads it. ModelScope: MODELSCOPE_ENDPOINT or the
    older MODELSCOPE_DOMAIN, as its own library reads them.
    """
    if official.hub == "huggingface":
        from huggingface_hub import hf_hub_url

        return hf_hub_url(official.repository, official.filename)
    endpoint = (
        os.environ.get("MODELSCOPE_ENDPOINT")
        or os.environ.get("MODELSCOPE_DOMAIN")
        or "https://www.modelscope.cn"
    ).strip()
    if not endpoint.lower().startswith(("http://", "https://")):
        endpoint = f"https://{endpoint}"
    return (
        f"{endpoint.rstrip('/')}/api/v1/models/{official.repository}/repo"
        f"?Revision=master&FilePath={quote_plus(official.filename)}"
    )


@contextmanager
def _session(official: OfficialFile) -> Iterator[tuple[httpx2.Client, dict[str, str]]]:
    """A client with the environment's proxies, and the headers that hold the hub's token.

    Neither an Authorization nor a Cookie header follows a redirect to another host.
    """
    # Not compressed on the way, so that bytes received are bytes of the file.
    headers = {"User-Agent": "frcrn_app", "Accept-Encoding": "identity"}
    if official.hub == "huggingface":
        from huggingface_hub import constants, get_token
        from huggingface_hub.utils import get_session

        # Not build_hf_headers: for its user agent it would ask the hub for a list of programs.
        if not constants.HF_HUB_DISABLE_IMPLICIT_TOKEN and (token := get_token()):
            headers["Authorization"] = f"Bearer {token}"
        yield get_session(), headers
        return
    token = os.environ.get("MODELSCOPE_API_TOKEN")
    if token:
        headers["Cookie"] = f"m_session_id={token}"
    with httpx2.Client(follow_redirects=True) as session:
        yield session, headers


class _Refused(Exception):
    """The hub gave an answer that trying again would not change."""


class _Unanswered(Exception):
    """The hub gave no usable answer this time."""


def _download(
    session: httpx2.Client,
    url: str,
    headers: dict[str, str],
    part: Path,
    official: OfficialFile,
    progress: Callable[[int, int], None],
) -> None:
    """Bring `part` to the file's full size, going on from what it holds already."""
    if _size(part) > official.size:
        part.unlink()
    furthest = _size(part)
    connected = False
    failures = 0
    while (done := _size(part)) < official.size:
        try:
            for received in _receive(session, url, headers, part, done, official):
                connected = True
                progress(received, official.size)
        except (httpx2.TransportError, _Unanswered) as error:
            if not connected and isinstance(error, httpx2.ConnectError | httpx2.ProxyError):
                raise  # no network at all: waiting would not help
            if isinstance(error, httpx2.UnsupportedProtocol):
                raise
            reached = _size(part)
            failures = 0 if reached > furthest else failures + 1
            furthest = max(furthest, reached)
            if failures > RETRIES:
                raise
            time.sleep(FIRST_PAUSE * 2 ** max(failures - 1, 0))


def _receive(
    session: httpx2.Client,
    url: str,
    headers: dict[str, str],
    part: Path,
    done: int,
    official: OfficialFile,
) -> Iterator[int]:
    """One request; yields the size of `part` after each piece written to it."""
    if done:
        headers = {**headers, "Range": f"bytes={done}-"}
    with session.stream("GET", url, headers=headers, timeout=TIMEOUT) as response:
        status = response.status_code
        if status in (401, 403):
            token = "HF_TOKEN" if official.hub == "huggingface" else "MODELSCOPE_API_TOKEN"
            raise _Refused(f"{url} wants an account (HTTP {status}): set {token}.")
        if status in (408, 416, 429) or status >= 500:
            if status == 416:  # the part is of no use to this server
                part.unlink(missing_ok=True)
            raise _Unanswered(f"HTTP {status}")
        if status not in (200, 206):
            raise _Refused(f"{url} has no such file (HTTP {status}).")
        start, total = _announced(response)
        if start not in (0, done):
            part.unlink(missing_ok=True)
            raise _Unanswered(f"the answer begins at byte {start} instead of {done}")
        if total not in (None, official.size):
            raise _Refused(
                f"What {url} offers is not the known {official.filename}: it has {total} bytes "
                f"instead of {official.size}."
            )
        with open(part, "ab" if start else "wb") as file:
            size = start
            yield size
            for piece in response.iter_raw(PIECE):
                size += len(piece)
                if size > official.size:
                    raise _Refused(
                        f"What {url} sends is not the known {official.filename}: it goes on after "
                        f"{official.size} bytes."
                    )
                file.write(piece)
                yield size
    if size < official.size:
        raise _Unanswered(f"the answer ended at byte {size} of {official.size}")


def _announced(response: httpx2.Response) -> tuple[int, int | None]:
    """First byte of the answer and size of the whole file, None where it is not told."""
    if response.status_code == 206:
        match = re.fullmatch(
            r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip()
        )
        if match is None:
            raise _Unanswered("a partial answer that does not say which part")
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


@contextmanager
def _locked(
    lock_path: Path,
    official: OfficialFile,
    path: Path,
    progress: Callable[[int, int], None] | None,
) -> Iterator[None]:
    """Hold the lock of one file; while another process fetches it, report how far that one is."""
    lock = FileLock(lock_path)
    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            if progress is not None:
                progress(_size(path.with_name(f"{path.name}.part")), official.size)
    try:
        yield
    finally:
        lock.release()


def _by_hand(official: OfficialFile, path: Path) -> str:
    return (
        f"To install it by hand, download {official.filename} from {official.page} and put it at "
        f"{path} (sha256 {official.sha256}). The embedded weights go on working without it."
    )


def _is_known(path: Path, official: OfficialFile) -> bool:
    return _size(path) == official.size and _sha256(path) == official.sha256


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
