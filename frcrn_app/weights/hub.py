"""Official weights from their hub: one process at a time, and verified before they count."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote_plus

import httpx2
from filelock import FileLock, Timeout

from frcrn_app.errors import CheckpointError, UserError
from frcrn_app.files import sha256_of
from frcrn_app.weights.download import Refused, Request, Unanswered, download, size_of
from frcrn_app.weights.folder import weights_folder
from frcrn_app.weights.listing import WeightsEntry, official_entry
from frcrn_app.weights.official import OFFICIAL, OfficialFile

TOKENS = {"huggingface": "HF_TOKEN", "modelscope": "MODELSCOPE_API_TOKEN"}


def fetch_weights(name: str, progress: Callable[[int, int], None] | None = None) -> WeightsEntry:
    """Fetch official weights from their hub, unless they are here already.

    Args:
        name: "frcrn-16k" or "frcrn-se-16k".
        progress: called with the bytes done and the bytes in all; raising from it cancels.

    Raises:
        CheckpointError: no such name, no connection, no room, or a file with a wrong checksum.
    """
    if name not in OFFICIAL:
        raise CheckpointError("weights.not_fetchable", name=name, known=", ".join(OFFICIAL))
    fetch(OFFICIAL[name], weights_folder(), progress)
    return official_entry(OFFICIAL[name])


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
        with _locked(path, official, progress):
            if not _is_known(path, official):
                _fetch_locked(official, path, progress or (lambda done, total: None))
    except OSError as error:
        raise CheckpointError("weights.unwritable", path=path, reason=error) from error
    return path


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


def _fetch_locked(official: OfficialFile, path: Path, progress: Callable) -> None:
    part = _part(path)
    missing = official.size - size_of(part)
    free = shutil.disk_usage(path.parent).free
    if free < missing:
        raise CheckpointError(
            "weights.no_room",
            folder=path.parent,
            name=official.name,
            free=free / 1e6,
            needed=missing / 1e6,
        )
    url = address(official)
    try:
        with _session(official) as (session, headers):
            download(session, Request(url, headers, official.size), part, progress)
    except Refused as refusal:
        part.unlink(missing_ok=True)
        known = {"url": url, "filename": official.filename, "token": TOKENS[official.hub]}
        problem = CheckpointError(refusal.code, **known, **refusal.fields)
        raise _failed(problem, official, path) from refusal
    # ConnectionError: huggingface_hub's offline mode.
    except (httpx2.HTTPError, httpx2.InvalidURL, ConnectionError, Unanswered) as error:
        problem = CheckpointError(
            "weights.hub_silent", name=official.name, url=url, reason=_reason(error)
        )
        raise _failed(problem, official, path) from error
    digest = sha256_of(part)
    if digest != official.sha256:
        part.unlink()
        problem = CheckpointError(
            "weights.hub_other_bytes", url=url, filename=official.filename, found=digest
        )
        raise _failed(problem, official, path)
    with open(part, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, path)


@contextmanager
def _session(official: OfficialFile) -> Iterator[tuple[httpx2.Client, dict[str, str]]]:
    """A client with the environment's proxies, and the headers that hold the hub's token.

    Neither an Authorization nor a Cookie header follows a redirect to another host.
    """
    headers = {"User-Agent": "frcrn_app"}
    if official.hub == "huggingface":
        from huggingface_hub import constants, get_token
        from huggingface_hub.utils import get_session

        # Not build_hf_headers: for its user agent it would ask the hub for a list of programs.
        if not constants.HF_HUB_DISABLE_IMPLICIT_TOKEN and (token := get_token()):
            headers["Authorization"] = f"Bearer {token}"
        yield get_session(), headers
        return
    token = os.environ.get(TOKENS["modelscope"])
    if token:
        headers["Cookie"] = f"m_session_id={token}"
    with httpx2.Client(follow_redirects=True) as session:
        yield session, headers


@contextmanager
def _locked(
    path: Path, official: OfficialFile, progress: Callable[[int, int], None] | None
) -> Iterator[None]:
    """Hold the lock of one file; while another process fetches it, report how far that one is."""
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            if progress is not None:
                progress(size_of(_part(path)), official.size)
    try:
        yield
    finally:
        lock.release()


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _is_known(path: Path, official: OfficialFile) -> bool:
    return size_of(path) == official.size and sha256_of(path) == official.sha256


def _failed(problem: UserError, official: OfficialFile, path: Path) -> CheckpointError:
    """What went wrong, with how to install the file by hand."""
    return CheckpointError(
        "weights.fetch_failed",
        problem=problem,
        filename=official.filename,
        page=official.page,
        path=path,
        sha256=official.sha256,
    )


def _reason(error: BaseException) -> object:
    """Why there was no answer: the operating system's error where one is behind it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            return OSError(cause.errno, cause.strerror)  # without the chain, which may not pickle
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx2.TimeoutException):
        return CheckpointError("weights.hub_timeout")
    return str(error).split("\n")[0].rstrip(".") or type(error).__name__
