"""frcrn listen: a blind listening test of an evaluation, and what it has come to."""

from __future__ import annotations

import argparse
import math
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from frcrn_app.cli.arguments import positive, seed
from frcrn_app.cli.sets import SOURCES, add_set_arguments, pairs_of
from frcrn_app.errors import PairError

if TYPE_CHECKING:
    from frcrn_app.evaluation import Evaluation, Mean
    from frcrn_app.listening import Listened

HELP = "make a blind listening test of an evaluation, and read its results"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Listeners open it in the browser: python app.py --study FOLDER serves it and prints the "
        "link for them."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    make = actions.add_parser("make", help="make a test of a JSON report and the set it is of")
    make.add_argument("report", type=Path, metavar="REPORT.json", help="of evaluate --json")
    files = make.add_argument_group("the set that was evaluated, as for evaluate")
    _add_files(files)
    make.add_argument(
        "--method",
        choices=("ab", "mushra"),
        default="ab",
        help="ab: which of two is preferred (default); mushra: all are rated from 0 to 100 against "
        "the clean recording",
    )
    make.add_argument(
        "--systems",
        metavar="LIST",
        default="",
        help="comma-separated, noisy included (default: all whose files are named)",
    )
    make.add_argument(
        "--files", type=positive, default=4, metavar="N", help="that are heard, 1 to 8 (4)"
    )
    make.add_argument("--seed", type=seed, default=0, help="of the orders (0)")
    make.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="a new folder for the test"
    )
    results = actions.add_parser("results", help="print and write what listeners have said so far")
    results.add_argument("folder", type=Path, metavar="FOLDER", help="of the test")
    results.add_argument(
        "--votes", metavar="FILE", help="write all votes as CSV in the columns of webMUSHRA"
    )
    results.add_argument("--json", metavar="FILE", help="write the report with the listening test")
    results.add_argument("--html", metavar="FILE", help="write it as a page")
    results.add_argument("--csv", metavar="FILE", help="write a line a file, with its votes")
    results.add_argument("--language", default="en", choices=("en", "zh"), help="of the page")
    _add_files(results.add_argument_group("the set again, for the page to play"))


def run(args: argparse.Namespace) -> int:
    from frcrn_app.scratch import Scratch

    with Scratch("listen") as scratch:
        return (_make if args.action == "make" else _results)(args, Path(scratch))


def _add_files(group: argparse._ArgumentGroup) -> None:
    add_set_arguments(group)
    group.add_argument(
        "--enhanced", type=Path, metavar="DIR", help="the folder given to evaluate --enhanced"
    )


def _make(args: argparse.Namespace, scratch: Path) -> int:
    from frcrn_app.listening import ListeningTest, make_test, plan, require_same_files

    out: Path = args.out
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise PairError("listening.folder_in_use", folder=out)
    evaluation = _evaluation(args, args.report, scratch)
    named = [part.strip() for part in args.systems.split(",") if part.strip()]
    systems = named or _present(evaluation)
    design = plan(evaluation, args.method, systems=systems, files=args.files, seed=args.seed)
    require_same_files(evaluation, design)
    try:
        out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(args.report, ListeningTest.report(out))
        make_test(out, evaluation, design)
    except BaseException as error:
        shutil.rmtree(out, ignore_errors=True)
        if isinstance(error, OSError):
            raise PairError("evaluation.not_writable", path=out, reason=error) from error
        raise
    print(f"{out}: {args.method}, {', '.join(design.systems)}; {', '.join(design.files)}")
    print(f"python app.py --study {out}   serves it, and prints the link for listeners")
    return 0


def _results(args: argparse.Namespace, scratch: Path) -> int:
    from frcrn_app.evaluation import summarise
    from frcrn_app.listening import ListeningTest, listened, votes_csv
    from frcrn_app.report import json_with_listening, write_reports, write_text

    try:
        test = ListeningTest(args.folder)
    except PairError as error:
        raise PairError("listening.no_study", folder=args.folder) from error
    report = ListeningTest.report(args.folder)
    evaluation = _evaluation(args, report, scratch)
    found = listened(test, evaluation)
    print(results_text(found))
    written = []
    if args.votes:
        written.append(write_text(args.votes, votes_csv(test)))
    if args.json:
        written.append(write_text(args.json, json_with_listening(report, found)))
    written += write_reports(
        evaluation,
        summarise(evaluation),
        html=args.html,
        csv=args.csv,
        language=args.language,
        listened=found,
    )
    for path in written:
        print(f"wrote {path}")
    return 0


def _evaluation(args: argparse.Namespace, report: Path, scratch: Path) -> Evaluation:
    """What the report is of; with its files, where the options name them."""
    from frcrn_app.listening import with_files
    from frcrn_app.report import read_json

    evaluation = read_json(report)
    if args.action == "results" and not any(getattr(args, name) for name in SOURCES):
        return evaluation
    return with_files(evaluation, pairs_of(args, scratch), args.enhanced)


def _present(evaluation: Evaluation) -> list[str]:
    """The systems that have files; the others are named on standard error."""
    known = {system for row in evaluation.rows for system in evaluation.files(row)}
    for system in evaluation.systems:
        if system not in known:
            print(
                f"left out: {system}, whose files are not named (--enhanced DIR, or --system)",
                file=sys.stderr,
            )
    return [system for system in evaluation.systems if system in known]


def results_text(found: Listened) -> str:
    """Who listened, and a line for each signal or pair of systems."""
    head = f"listeners: {found.began}, finished: {found.finished}, left out: {found.screened}"
    lines = [["", "mean", "over listeners [95 %]", "over files [95 %]"]]
    for one in sorted(found.heard, key=lambda one: -one.by_listener.mean):
        lines.append([one.signal, *_means(one.by_listener, one.by_file)])
    for one in found.preferences:
        p = "" if math.isnan(one.p_corrected) else f"  p {one.p_corrected:.4f}"
        means = _means(one.by_listener, one.by_file, 100)
        lines.append([f"{one.first} over {one.second}, %", *means[:-1], means[-1] + p])
    if len(lines) == 1:
        return head
    widths = [max(len(line[i]) for line in lines) for i in range(4)]
    rows = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in lines]
    return "\n".join([head, *(row.rstrip() for row in rows)])


def _means(listeners: Mean, files: Mean, scale: int = 1) -> list[str]:
    """A mean with both of its intervals, which are empty where there are too few to know."""
    ends = [
        "" if math.isnan(mean.low) else f"[{scale * mean.low:.1f}, {scale * mean.high:.1f}]"
        for mean in (listeners, files)
    ]
    return [f"{scale * listeners.mean:.1f}", *ends]
