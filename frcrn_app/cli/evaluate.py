"""python -m frcrn_app evaluate: scores of noisy and cleaned files, and a report of them."""

from __future__ import annotations

import argparse
import errno
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from frcrn_app.cli.arguments import add_network_arguments, add_strength_argument, seed
from frcrn_app.cli.crews import add_worker_arguments, crew_of, settings_of
from frcrn_app.cli.exits import EXIT_INTERRUPTED, EXIT_SOME_FAILED
from frcrn_app.cli.scores import summary_text
from frcrn_app.cli.sets import add_set_arguments, pairs_of
from frcrn_app.errors import PairError

if TYPE_CHECKING:
    from frcrn_app.evaluation import Evaluation, PairSet
    from frcrn_app.inference import Denoiser

HELP = "score a denoiser on pairs of noisy and clean files"
LINES_TOLD = 20  # of problems and notes on the terminal
REPORTS = ("csv", "json", "html", "markdown", "latex")
DEFAULT_JOURNAL = "frcrn-evaluate.journal.jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    _add_systems(parser)
    _add_scoring(parser)
    _add_results(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress line")


def _add_systems(parser: argparse.ArgumentParser) -> None:
    """What is scored: files, and what the denoiser makes of the noisy ones."""
    add_set_arguments(parser)
    add = parser.add_argument
    add(
        "--denoise",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="clean the noisy files here and score that too (default: on)",
    )
    add_network_arguments(parser)
    add_strength_argument(parser)


def _add_scoring(parser: argparse.ArgumentParser) -> None:
    """By what."""
    add = parser.add_argument
    add(
        "--metrics",
        metavar="LIST",
        default="",
        help="comma-separated, such as pesq,stoi,si_sdr,distillmos; all means all that are "
        "installed (default: those that need no optional package, and wer where there is text)",
    )
    add("--align", action="store_true", help="shift recordings by up to 100 ms onto the clean ones")
    add("--seed", type=seed, default=0, help="of everything random (default: %(default)s)")
    add_worker_arguments(
        parser,
        "processes that clean and score, each with its share of the cores (default: one that "
        "cleans on all cores, in turn with one a core that score)",
    )


def _add_results(parser: argparse.ArgumentParser) -> None:
    """What is kept of it, and where."""
    add = parser.add_argument
    add("--csv", metavar="FILE", help="write a line a file")
    add("--json", metavar="FILE", help="write everything, with versions and settings")
    add("--html", metavar="FILE", help="write a report that plays, opens offline and prints well")
    add("--markdown", metavar="FILE", help="write the summary table as Markdown")
    add("--latex", metavar="FILE", help="write the summary table as LaTeX (booktabs)")
    add("--language", default="en", choices=("en", "zh"), help="of the report and the tables")
    add("--enhanced", metavar="DIR", help="keep what was cleaned here, as float WAV")
    add(
        "--resume",
        action="store_true",
        help="go on with an interrupted run: what its journal has is not scored again",
    )
    add(
        "--journal",
        metavar="FILE",
        help="where scores are kept as they come (default: beside the first report)",
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 0, 1 if some files could not be scored, 130 if it was interrupted."""
    from frcrn_app.evaluation import summarise
    from frcrn_app.metrics import metric_keys
    from frcrn_app.report import write_reports
    from frcrn_app.scratch import Scratch

    metrics = [part for part in args.metrics.split(",") if part.strip()]
    metric_keys(metrics)  # a wrong name is told now
    reports = {kind: getattr(args, kind) for kind in REPORTS}
    for path in filter(None, reports.values()):
        _check_writable(Path(path))  # now, not after an hour of scoring
    if args.enhanced and Path(args.enhanced).is_file():
        taken = OSError(errno.EEXIST, os.strerror(errno.EEXIST))
        raise PairError("evaluation.not_writable", path=Path(args.enhanced), reason=taken)
    journal = _journal(args)
    with Scratch("evaluate") as scratch:
        pairs = pairs_of(args, Path(scratch))
        _tell(
            [f"not paired: {i.role} {i.name}: {i.reason}" for i in pairs.unpaired],
            "all in the reports",
        )
        denoiser = None
        if args.denoise:
            from frcrn_app.inference import Denoiser

            denoiser = Denoiser(args.weights, args.device, args.precision)
        evaluation = _evaluated(args, pairs, metrics, denoiser, journal)
        if evaluation.rows:
            summary = summarise(evaluation, seed=args.seed)
            print(summary_text(evaluation, summary))
            # Here, while unpacked files are still there for the page to play.
            for path in write_reports(
                evaluation,
                summary,
                **reports,
                language=args.language,
                cleaner=partial(denoiser, strength=args.strength) if denoiser else None,
            ):
                print(f"wrote {path}")
    return _exit_code(evaluation, journal)


def _evaluated(
    args: argparse.Namespace,
    pairs: PairSet,
    metrics: list[str],
    denoiser: Denoiser | None,
    journal: Path | None,
) -> Evaluation:
    from frcrn_app.evaluation import evaluate_pairs

    progress = _ProgressLine(enabled=not args.quiet and sys.stderr.isatty())
    evaluation = evaluate_pairs(
        pairs,
        denoiser=denoiser,
        strength=args.strength,
        metrics=metrics,
        align=args.align,
        seed=args.seed,
        workers=args.workers,
        crew=crew_of(args) if args.denoise or args.ray else None,
        denoiser_of=settings_of(args).denoiser,
        journal=journal,
        resume=args.resume,
        enhanced_folder=args.enhanced,
        progress=progress,
    )
    progress.close()
    return evaluation


def _exit_code(evaluation: Evaluation, journal: Path | None) -> int:
    """Of the command, with a word on standard error for whatever did not go as it should."""
    problems = [f"{row.name}: {row.problems}" for row in evaluation.rows if row.problems]
    _tell(problems, "all in the reports")
    notes = [(row.name, row.notes_in("en")) for row in evaluation.rows]
    _tell([f"note: {name}: {note}" for name, note in notes if note], "all in the reports")
    if evaluation.cancelled:
        again = "add --resume to go on" if journal else "name a report or --journal to resume"
        print(
            f"stopped: {len(evaluation.rows)} of {evaluation.total} pairs are scored; {again}",
            file=sys.stderr,
        )
        return EXIT_INTERRUPTED
    return EXIT_SOME_FAILED if problems else 0


def _journal(args: argparse.Namespace) -> Path | None:
    """Named, beside the first report, or here if a run is to be resumed; else there is none."""
    if args.journal:
        return Path(args.journal)
    report = next(filter(None, (getattr(args, kind) for kind in ("json", *REPORTS))), None)
    if report:
        return Path(report).with_suffix(".journal.jsonl")
    return Path(DEFAULT_JOURNAL) if args.resume else None


def _check_writable(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() or not os.access(path.parent, os.W_OK):
            denied = errno.EISDIR if path.is_dir() else errno.EACCES
            raise OSError(denied, os.strerror(denied))
    except OSError as error:
        raise PairError("evaluation.not_writable", path=path, reason=error) from error


def _tell(lines: Sequence[str], rest: str) -> None:
    """The first twenty lines on standard error, and how many more there are."""
    for line in lines[:LINES_TOLD]:
        print(line, file=sys.stderr)
    if len(lines) > LINES_TOLD:
        print(f"... and {len(lines) - LINES_TOLD} more, {rest}", file=sys.stderr)


class _ProgressLine:
    """A line on a terminal that is written over: how much is done, and how long it will take."""

    def __init__(self, *, enabled: bool):
        self._enabled = enabled
        self._started = time.monotonic()
        self._shown = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if not self._enabled or (now - self._shown < 0.2 and done < total):
            return
        self._shown = now
        left = ""
        if done:
            seconds = (now - self._started) / done * (total - done)
            left = f", {seconds // 60:.0f} min {seconds % 60:02.0f} s left"
        print(f"\r{100 * done / total:3.0f} %{left}   ", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        if self._enabled and self._shown:
            print(file=sys.stderr)
