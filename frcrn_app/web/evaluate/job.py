"""An evaluation under way: pairs are found and scored in a thread, and a page waits.

One evaluation runs at a time, since each uses all cores; others wait their turn. What one leaves on
disk lies in a folder of its own, which goes with the page, or after two hours.
"""

from __future__ import annotations

import math
import secrets
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frcrn_app.errors import Cancelled, PairError
from frcrn_app.evaluation import (
    MAX_ARCHIVE_BYTES,
    Evaluation,
    PairSet,
    Summary,
    evaluate_pairs,
    summarise,
)
from frcrn_app.isolation import isolated
from frcrn_app.metrics import metric_keys
from frcrn_app.report import write_reports
from frcrn_app.web.evaluate.queued import QueuedDenoiser
from frcrn_app.web.evaluate.test_set import TestSet

if TYPE_CHECKING:
    from frcrn_app.listening import Listened
    from frcrn_app.web.engine import Engine
    from frcrn_app.web.options import WebOptions

UNPACK_SECONDS = 180.0  # that finding the pairs may take, an archive's unpacking included
KEEP_SECONDS = 7200  # that what was made stays on disk, as the page says

# What is offered for download, with the suffix of each, in the order of the buttons.
REPORTS = {"html": "html", "csv": "csv", "json": "json", "markdown": "md", "latex": "tex"}

_taking_turns = threading.Lock()


@dataclass(frozen=True)
class Settings:
    """How a set is to be scored; metrics are checked here, so that a wrong one costs nothing."""

    denoise: bool = True
    weights: str = "auto"
    metrics: tuple[str, ...] = ()  # empty: all
    align: bool = False

    def __post_init__(self) -> None:
        metric_keys(self.metrics)


@dataclass(frozen=True)
class Result:
    """What came out of an evaluation."""

    evaluation: Evaluation
    summary: Summary


class EvaluationJob:
    """One evaluation in a thread of its own: poll it, cancel it, take its result."""

    def __init__(self, options: WebOptions, engine: Engine, test_set: TestSet, settings: Settings):
        self.folder = new_folder()
        self.phase = "queued"  # then "starting", "running"
        self.done = self.total = 0
        self.result: Result | None = None
        self.listening = ""  # owner's token of the listening test made of it
        self._options, self._engine = options, engine
        self._test_set, self._settings = test_set, settings
        self._visitor, self._abandoned = engine.guard.visitor(), engine.guard.abandoned()
        self._began = 0.0
        self._left = math.inf  # s, the last estimate
        self._cancelled = threading.Event()
        self._finished = threading.Event()
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="evaluate", daemon=True).start()
        _delete_later(self.folder)

    def cancel(self) -> None:
        """Stop; what is scored by then is the result."""
        self._cancelled.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether it is to stop: someone said so, or nobody waits any longer."""
        return self._cancelled.is_set() or self._abandoned()

    def wait(self, seconds: float) -> bool:
        """Whether it has finished, well or not, within that time."""
        return self._finished.wait(seconds)

    def outcome(self) -> Result:
        """What came out, once finished.

        Raises:
            Cancelled: it was stopped before anything was scored.
            UserError: what went wrong.
        """
        if self._error is not None:
            raise self._error
        assert self.result is not None
        return self.result

    def write_reports(self, language: str, listened: Listened | None = None) -> dict[str, Path]:
        """The reports in a language, by the keys of REPORTS.

        Args:
            language: "en" or "zh".
            listened: what a listening test of the result has come to.
        """
        result = self.outcome()
        stem = f"evaluation-{time.strftime('%Y%m%d-%H%M')}"
        folder = self.folder / "reports" / language
        paths: dict[str, Any] = {
            kind: folder / f"{stem}.{suffix}" for kind, suffix in REPORTS.items()
        }
        write_reports(
            result.evaluation, result.summary, **paths, language=language, listened=listened
        )
        return paths

    @property
    def seconds_left(self) -> float | None:
        """An estimate from what is done, once there is something; it never grows."""
        if not self.done or not self._began:
            return None
        estimate = (time.monotonic() - self._began) / self.done * (self.total - self.done)
        self._left = min(self._left, estimate)
        return self._left

    def discard_audio(self) -> None:
        """Delete what nobody will listen to; reports stay."""
        for name in ("set", "enhanced"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def discard(self) -> None:
        """Stop it and delete its files."""
        self.cancel()

        def delete() -> None:
            self._finished.wait()
            shutil.rmtree(self.folder, ignore_errors=True)

        threading.Thread(target=delete, daemon=True).start()

    def _run(self) -> None:
        try:
            with self._engine.guard.job("evaluation") as facts:
                pairs = self._pairs()  # before its turn: a set that hangs keeps nobody waiting
                facts["pairs"] = len(pairs.pairs)
                while not _taking_turns.acquire(timeout=0.2):
                    if self.is_cancelled:
                        raise Cancelled
                try:
                    self._evaluate(pairs)
                finally:
                    _taking_turns.release()
        except BaseException as error:  # kept for the page that waits, which shows it
            self._error = error
            shutil.rmtree(self.folder, ignore_errors=True)
        finally:
            self._finished.set()

    def _pairs(self) -> PairSet:
        given = self._test_set
        return isolated(
            TestSet.pairs,
            given,
            self.folder / "set",
            self._options.local_folders,
            min(MAX_ARCHIVE_BYTES, self._engine.guard.disk.room()),
            about=Path(given.archive or given.manifest or "the set"),
            deadline=UNPACK_SECONDS,
            visitor=self._visitor,
            cancelled=lambda: self.is_cancelled,
        )

    def _evaluate(self, pairs: PairSet) -> None:
        self.phase = "starting"
        denoiser: Any = None  # called and described like one
        if self._settings.denoise:
            denoiser = QueuedDenoiser(
                self._engine, self._settings.weights, self._visitor, lambda: self.is_cancelled
            )
        evaluation = evaluate_pairs(
            pairs,
            denoiser=denoiser,
            metrics=self._settings.metrics,
            align=self._settings.align,
            enhanced_folder=self.folder / "enhanced",
            progress=self._report,
        )
        if not evaluation.rows:
            raise Cancelled
        self.result = Result(evaluation, summarise(evaluation))

    def _report(self, done: int, total: int) -> None:
        if not self._began:
            self._began = time.monotonic()
        if done:
            self.phase = "running"
        self.done, self.total = done, total
        if self.is_cancelled:
            raise Cancelled


class Pages:
    """The evaluation of each open page: the one that runs, or the last one."""

    def __init__(self) -> None:
        self._jobs: dict[str, EvaluationJob] = {}
        self._lock = threading.Lock()

    def begin(self, session: str, job: EvaluationJob) -> None:
        """A page has one evaluation: a new one takes the place of the last."""
        with self._lock:
            before = self._jobs.get(session)
            self._jobs[session] = job
        if before is not None:
            before.discard()

    def get(self, session: str | None) -> EvaluationJob | None:
        with self._lock:
            return self._jobs.get(session or "")

    def finished(self, session: str | None) -> EvaluationJob:
        """The page's evaluation, which has something to show.

        Raises:
            PairError: it is gone.
        """
        job = self.get(session)
        if job is None or job.result is None:
            raise PairError("evaluate.gone")
        return job

    def end(self, session: str) -> None:
        with self._lock:
            job = self._jobs.pop(session, None)
        if job is not None:
            job.discard()


def new_folder() -> Path:
    """A folder that Gradio may serve from, with a name that nobody can guess."""
    from gradio.utils import get_upload_folder

    folder = Path(get_upload_folder()) / f"evaluate-{secrets.token_hex(16)}"
    folder.mkdir(parents=True)
    return folder


def _delete_later(folder: Path) -> None:
    timer = threading.Timer(KEEP_SECONDS, shutil.rmtree, [folder], {"ignore_errors": True})
    timer.daemon = True
    timer.start()
