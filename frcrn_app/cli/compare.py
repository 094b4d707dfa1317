"""frcrn compare A.json B.json: two reports of the same files, their systems file by file."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from frcrn_app.cli.arguments import seed
from frcrn_app.errors import PairError

if TYPE_CHECKING:
    from frcrn_app.evaluation import Comparison, Summary

HELP = "compare two JSON reports of evaluate on the same files"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", metavar="A.json", help="the report that is compared against")
    parser.add_argument("second", metavar="B.json", help="the report that is compared")
    parser.add_argument("--seed", type=seed, default=0, help="of everything random (default: 0)")
    for kind, what in (
        ("csv", "a line a file"),
        ("json", "everything, with versions and settings"),
        ("html", "a report of both"),
        ("markdown", "the summary table as Markdown"),
        ("latex", "the summary table as LaTeX (booktabs)"),
    ):
        parser.add_argument(f"--{kind}", metavar="FILE", help=f"write {what}")
    parser.add_argument(
        "--language", default="en", choices=("en", "zh"), help="of the report and the tables"
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 0; 2 by the caller, where the reports are not of the same files."""
    from frcrn_app.cli.evaluate import LINES_TOLD
    from frcrn_app.cli.scores import summary_text
    from frcrn_app.evaluation import merge, summarise
    from frcrn_app.report import read_json, write_reports

    paths = Path(args.first), Path(args.second)
    if paths[0].resolve() == paths[1].resolve():
        raise PairError("compare.same_report", path=paths[0])
    labels = ("A", "B") if paths[0].stem == paths[1].stem else (paths[0].stem, paths[1].stem)
    evaluation, systems = merge(read_json(paths[0]), read_json(paths[1]), labels)
    summary = summarise(evaluation, seed=args.seed)
    for item in evaluation.unpaired[:LINES_TOLD]:
        print(f"left out: {item.name}, {item.reason} ({item.role})")
    if len(evaluation.unpaired) > LINES_TOLD:
        print(f"... and {len(evaluation.unpaired) - LINES_TOLD} more")
    print(summary_text(evaluation, summary))
    print()
    print(comparison_text(summary, systems[labels[0]], systems[labels[1]]))
    reports = {kind: getattr(args, kind) for kind in ("csv", "json", "html", "markdown", "latex")}
    for path in write_reports(evaluation, summary, **reports, language=args.language):
        print(f"wrote {path}")
    return 0


def comparison_text(summary: Summary, first: tuple[str, ...], second: tuple[str, ...]) -> str:
    """A line for each metric and pair of systems, one of each report."""
    from frcrn_app.cli.scores import signed
    from frcrn_app.metrics import METRICS

    lines = []
    for comparison in summary.comparisons:
        if comparison.system not in second or comparison.baseline not in first:
            continue
        if not comparison.difference.n:
            continue
        metric, difference = METRICS[comparison.metric], comparison.difference
        number = signed(difference.mean, metric)
        if not math.isnan(difference.low):
            ends = (signed(end, metric) for end in (difference.low, difference.high))
            number += f" [{', '.join(ends)}]"
        p = "" if math.isnan(comparison.p_corrected) else f"p {comparison.p_corrected:.4f}"
        files = f"n {difference.n}"
        names = f"{comparison.system} - {comparison.baseline}"
        verdict = _verdict(comparison, summary.clusters is not None)
        lines.append([metric.title, names, files, number, p, verdict])
    if not lines:
        return "no system of one report can be compared with one of the other"
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _verdict(comparison: Comparison, clustered: bool) -> str:
    if comparison.better is not None:
        return f"{comparison.better} is better"
    if comparison.verdict == "too_few":
        what = "speakers or sessions" if clustered else "files"
        return f"too few files: at least {comparison.files_needed} {what} are needed"
    return "no difference shown"
