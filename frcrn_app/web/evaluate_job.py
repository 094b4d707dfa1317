"""An evaluation under way: what a visitor chose becomes pairs, a thread scores them, a page waits.

One evaluation runs at a time, since each uses all cores; others wait their turn. What one leaves on
disk lies in a folder of its own, which goes with the page, or after two hours.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from frcrn_app.audio import Audio
from frcrn_app.errors import Cancelled, PairError
from frcrn_app.evaluation import Evaluation, PairSet, SoundFile, Summary, evaluate_pairs, summarise
from frcrn_app.evaluation.pairing import list_sounds, pair_files, pair_folders, pair_manifest
from frcrn_app.evaluation.sources import allowed_folder, among, inside, pair_archive, pair_tree
from frcrn_app.metrics import SAMPLE_RATE, metric_keys
from frcrn_app.resources import data_folder

if TYPE_CHECKING:
    from frcrn_app.web.engine import Engine
    from frcrn_app.web.options import WebOptions

logger = logging.getLogger(__name__)

EXAMPLES_FOLDER = data_folder("examples") / "pairs"
MAX_PAIRS = 2000  # in the browser; the command line takes any number
KEEP_SECONDS = 7200  # that what was made stays on disk, as the page says

_taking_turns = threading.Lock()


@dataclass(frozen=True)
class TestSet:
    """What a visitor gave; `source` says which of the fields count."""

    __test__ = False  # for pytest: no test, whatever its name says

    source: str = "examples"  # "zip", "files", "manifest" or "folders"
    archive: str | None = None
    noisy: list[str] = field(default_factory=list)
    clean: list[str] = field(default_factory=list)
    system: list[str] = field(default_factory=list)
    system_name: str = ""
    manifest: str | None = None
    manifest_sounds: list[str] = field(default_factory=list)
    noisy_folder: str = ""
    clean_folder: str = ""
    system_folders: str = ""  # NAME=FOLDER, a line each

    def pairs(self, folder: Path, roots: tuple[Path, ...]) -> PairSet:
        """Find the pairs; an archive is unpacked into `folder`, folders must lie below `roots`.

        Raises PairError with one sentence where something is missing or does not fit.
        """
        collect = {
            "examples": self._examples,
            "zip": lambda: self._archive(folder),
            "files": self._files,
            "manifest": lambda: self._manifest(roots),
            "folders": lambda: self._folders(roots),
        }.get(self.source)
        if collect is None:
            raise PairError(f'There is no source "{self.source}".')
        pairs = collect()
        if len(pairs.pairs) > MAX_PAIRS:
            raise PairError(
                f"{len(pairs.pairs):,} pairs are more than the {MAX_PAIRS:,} that are scored in "
                "the browser: use python -m frcrn_app evaluate."
            )
        return pairs

    def _examples(self) -> PairSet:
        return pair_folders(EXAMPLES_FOLDER / "noisy", EXAMPLES_FOLDER / "clean")

    def _archive(self, folder: Path) -> PairSet:
        if not self.archive:
            raise PairError("No archive was given: upload a zip file.")
        folder.mkdir(parents=True, exist_ok=True)
        return pair_archive(self.archive, folder)

    def _files(self) -> PairSet:
        if not self.noisy:
            raise PairError("No noisy files were given: upload some.")
        systems = {}
        if self.system:
            systems[self.system_name.strip() or "other"] = _uploads(self.system)
        return pair_files(
            _uploads(self.noisy), _uploads(self.clean) if self.clean else None, systems
        )

    def _manifest(self, roots: tuple[Path, ...]) -> PairSet:
        if not self.manifest:
            raise PairError("No CSV file was given: upload one.")
        uploaded = among(Path(path) for path in self.manifest_sounds)
        local = [inside(roots, root) for root in roots]
        resolvers = [uploaded, *local]

        def resolve(cell: str) -> Path | None:
            return next((found for r in resolvers if (found := r(cell)) is not None), None)

        return pair_manifest(self.manifest, resolve)

    def _folders(self, roots: tuple[Path, ...]) -> PairSet:
        if not roots:
            raise PairError("This demo was started without --local-folders: it reads no folders.")
        if not self.noisy_folder.strip():
            raise PairError("No folder was named: type the one with the noisy files.")
        noisy = allowed_folder(self.noisy_folder, roots)
        if not self.clean_folder.strip() and (noisy / "noisy").is_dir():
            return pair_tree(noisy, roots)
        clean = self.clean_folder.strip()
        systems = {}
        for line in self.system_folders.splitlines():
            if not line.strip():
                continue
            name, equals, folder = line.partition("=")
            if not (name.strip() and equals and folder.strip()):
                raise PairError(f'Systems are given as NAME=FOLDER, not "{line.strip()}".')
            systems[name.strip()] = list_sounds(allowed_folder(folder, roots), roots)
        return pair_files(
            list_sounds(noisy, roots),
            list_sounds(allowed_folder(clean, roots), roots) if clean else None,
            systems,
        )


def _uploads(paths: list[str]) -> list[SoundFile]:
    return [SoundFile(Path(path), Path(path).name) for path in paths]


@dataclass(frozen=True)
class Settings:
    """How a set is to be scored; metrics are checked here, so that a wrong one costs nothing."""

    denoise: bool = True
    weights: str = "auto"
    metrics: tuple[str, ...] = ()  # empty: all
    align: bool = False

    def __post_init__(self) -> None:
        metric_keys(self.metrics)


class QueuedDenoiser:
    """A Denoiser of the engine, used in turn with everyone else's recordings."""

    def __init__(self, engine: Engine, weights: str):
        self._engine, self._weights = engine, weights
        denoiser = engine.get(weights)
        self.entry, self.sha256, self.config = denoiser.entry, denoiser.sha256, denoiser.config
        self.device, self.precision = denoiser.device, denoiser.precision
        self.parameters = denoiser.parameters
        self.elapsed: float | None = None  # s that the last call worked, its wait left out

    def warm_up(self) -> None:
        self(Audio(np.zeros((1, SAMPLE_RATE), np.float32), SAMPLE_RATE))

    def __call__(
        self,
        audio: Audio,
        strength: float = 1.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> Audio:
        job = self._engine.submit(audio, strength, self._weights, progress)
        enhanced = job.result()
        self.elapsed = job.seconds
        return enhanced


class EvaluationJob:
    """One evaluation in a thread of its own: poll it, cancel it, take its result."""

    def __init__(self, options: WebOptions, engine: Engine, test_set: TestSet, settings: Settings):
        self.folder = new_folder()
        self.phase = "queued"  # then "starting", "running"
        self.done = self.total = 0
        self.evaluation: Evaluation | None = None
        self.summary: Summary | None = None
        self._options, self._engine = options, engine
        self._test_set, self._settings = test_set, settings
        self._began = 0.0
        self._cancelled = threading.Event()
        self._finished = threading.Event()
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="evaluate", daemon=True).start()
        _delete_later(self.folder)

    def cancel(self) -> None:
        """Stop after the sounds under way; what is scored by then is the result."""
        self._cancelled.set()

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def wait(self, seconds: float) -> bool:
        """Whether it has finished, well or not, within that time."""
        return self._finished.wait(seconds)

    def check(self) -> None:
        """Raise what went wrong; Cancelled if it was stopped before anything was scored."""
        if self._error is not None:
            raise self._error

    @property
    def seconds_left(self) -> float | None:
        """An estimate from what is done, once there is something."""
        if not self.done or not self._began:
            return None
        return (time.monotonic() - self._began) / self.done * (self.total - self.done)

    def discard_sounds(self) -> None:
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
            while not _taking_turns.acquire(timeout=0.2):
                if self.is_cancelled:
                    raise Cancelled
            try:
                self._evaluate()
            finally:
                _taking_turns.release()
        except BaseException as error:  # kept for the page that waits, which shows it
            self._error = error
        finally:
            self._finished.set()

    def _evaluate(self) -> None:
        self.phase = "starting"
        pairs = self._test_set.pairs(self.folder / "set", self._options.local_folders)
        denoiser = None
        if self._settings.denoise:
            denoiser = QueuedDenoiser(self._engine, self._settings.weights)
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
        self.summary = summarise(evaluation)
        self.evaluation = evaluation

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

    def result(self, session: str | None) -> EvaluationJob | None:
        """The page's evaluation if it has one to show."""
        job = self.get(session)
        return job if job is not None and job.evaluation is not None else None

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
