"""A test on disk: its plan, its sounds, and a file of votes for each listener.

    test.json         the design, the secret of its tokens, who was invited how
    evaluation.json   the report of what it is of
    stimuli/N.npy     the signals of its Nth file
    votes/ID.json     what one listener said, renewed with each answer

Every file is written whole or not at all, so that a server may stop at any moment.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from frcrn_app.errors import PairError
from frcrn_app.files import atomic_path
from frcrn_app.listening.ballots import Ballot, ballot
from frcrn_app.listening.plan import Design, Trial, signals
from frcrn_app.listening.stimuli import stimulus_wav
from frcrn_app.listening.votes import Vote

MAX_LISTENERS = 200
_FORMAT = 1  # raise it when what a file means changes
_TOKEN = re.compile(r"[0-9a-f]{32}")


def new_token() -> str:
    """A name that nobody can guess."""
    return secrets.token_hex(16)


@dataclass(frozen=True)
class Head:
    """What test.json says beside the design."""

    invitation: str  # in the listeners' address
    secret: str
    created: float  # s since 1970
    seconds: tuple[float, ...]  # of each file
    whose: str  # who made it
    shared: bool  # whether others than who made it may listen


class ListeningTest:
    """A test in a folder of its own; safe to use from threads.

    Args:
        folder: in which `create` has written one.

    Raises:
        PairError: `listening.gone`, if there is none.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._lock = threading.Lock()
        try:
            content = json.loads((folder / "test.json").read_text(encoding="utf-8"))
            if content["format"] != _FORMAT:
                raise ValueError(content["format"])
            self.design = _design(content["design"])
            head = content["head"]
            self.head = Head(**head | {"seconds": tuple(head["seconds"])})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PairError("listening.gone") from error

    @classmethod
    def create(
        cls,
        folder: Path,
        design: Design,
        seconds: tuple[float, ...],
        *,
        whose: str = "",
        shared: bool = True,
    ) -> ListeningTest:
        """Write a test whose stimuli lie in `folder/stimuli` already.

        Args:
            folder: of the test alone.
            design: of it.
            seconds: how long each of its files is.
            whose: who makes it.
            shared: whether others may listen as well.
        """
        head = Head(new_token(), new_token(), time.time(), seconds, whose, shared)
        content = {"format": _FORMAT, "design": asdict(design), "head": asdict(head)}
        _write(folder / "test.json", content)
        return cls(folder)

    @staticmethod
    def stimuli(folder: Path, file: int) -> Path:
        """Where the signals of a file are kept."""
        return folder / "stimuli" / f"{file}.npy"

    @staticmethod
    def report(folder: Path) -> Path:
        """Where the report of the evaluation is kept; whoever makes the test writes it."""
        return folder / "evaluation.json"

    @property
    def owner(self) -> str:
        """A token for whoever made it, that no listener can guess; the same in every server."""
        return hmac.new(self.head.secret.encode(), b"owner", "sha256").hexdigest()[:32]

    def join(self) -> str:
        """A new listener's token. Raises PairError `listening.full`."""
        with self._lock:
            if len(self.listeners()) >= MAX_LISTENERS:
                raise PairError("listening.full", most=MAX_LISTENERS)
            listener = new_token()
            _write(self._votes_of(listener), {"began": time.time(), "votes": []})
        return listener

    def listeners(self) -> list[str]:
        """Tokens of all who began, in that order."""
        files = (self.folder / "votes").glob("*.json")
        began = {path.stem: self._read(path)["began"] for path in files if not _is_draft(path)}
        return sorted(began, key=lambda listener: (began[listener], listener))

    def ballots(self, listener: str) -> list[Ballot]:
        """What a listener hears, in their order. Raises PairError `listening.gone`."""
        self._require(listener)
        return ballot(self.design, self.head.secret.encode(), listener)

    def votes(self, listener: str) -> dict[int, Vote]:
        """A listener's votes by trial. Raises PairError `listening.gone`."""
        self._require(listener)
        return {v["trial"]: Vote(**v) for v in self._read(self._votes_of(listener))["votes"]}

    def vote(self, listener: str, vote: Vote) -> None:
        """Keep a listener's answer to a trial, in place of an earlier one.

        Raises:
            PairError: `listening.gone`.
            OSError: it cannot be written.
        """
        with self._lock:
            votes = self.votes(listener) | {vote.trial: vote}
            began = self._read(self._votes_of(listener))["began"]
            content = {"began": began, "votes": [asdict(one) for one in votes.values()]}
            _write(self._votes_of(listener), content)

    def sound(self, listener: str, token: str) -> bytes:
        """The WAV file behind a listener's token. Raises PairError `listening.gone`."""
        for one in self.ballots(listener):
            for seat in (*one.seats, *([one.reference] if one.reference else ())):
                if seat.token == token:
                    path = self.stimuli(self.folder, self.design.trials[one.trial].file)
                    place = signals(self.design).index(seat.signal)
                    return stimulus_wav(path, place, token.encode())
        raise PairError("listening.gone")

    def delete(self) -> None:
        """All of it, votes included; what else lies in its folder stays."""
        for name in ("test.json", "evaluation.json"):
            (self.folder / name).unlink(missing_ok=True)
        for name in ("stimuli", "votes"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        with suppress(OSError):  # not empty
            self.folder.rmdir()

    def _votes_of(self, listener: str) -> Path:
        return self.folder / "votes" / f"{listener}.json"

    def _require(self, listener: str) -> None:
        if not _TOKEN.fullmatch(listener) or not self._votes_of(listener).is_file():
            raise PairError("listening.gone")

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise PairError("listening.gone") from error


def _design(content: dict[str, Any]) -> Design:
    trials = tuple(Trial(trial["file"], tuple(trial["signals"])) for trial in content["trials"])
    named = {"systems": tuple(content["systems"]), "files": tuple(content["files"])}
    return Design(method=content["method"], seed=content["seed"], trials=trials, **named)


def _is_draft(path: Path) -> bool:
    return path.name.startswith(".")


def _write(path: Path, content: dict[str, Any]) -> None:
    with atomic_path(path) as draft:
        draft.write_text(json.dumps(content), encoding="utf-8")
