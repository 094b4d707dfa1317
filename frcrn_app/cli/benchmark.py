"""python -m frcrn_app benchmark: speed and memory on this machine."""

import argparse
import json
import sys
from pathlib import Path

from frcrn_app.cli.arguments import add_device_argument, add_precision_argument, positive
from frcrn_app.errors import UserError

HELP = "measure speed and memory on this machine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--weights",
        metavar="NAME or PATH",
        help="of those that `frcrn weights list` shows, or random: the full-size "
        "network with seeded weights (default: the best here; frcrn-live with --live)",
    )
    parser.add_argument(
        "--live",
        type=positive,
        nargs="*",
        metavar="N",
        help="measure frames of N live streams at once on one thread (without numbers: 1 2 4 8)",
    )
    add_device_argument(parser)
    add_precision_argument(parser, several=True)
    parser.add_argument(
        "--runtime",
        nargs="+",
        choices=("torch", "compile", "onnxruntime", "openvino"),
        default=["torch"],
        help="one or more (default: torch, which all commands use)",
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=10.0, metavar="S", help="of audio (default: 10)"
    )
    parser.add_argument(
        "--batch", type=positive, default=1, metavar="N", help="recordings at once (default: 1)"
    )
    parser.add_argument(
        "--repeats", type=positive, default=5, metavar="N", help="warm calls of each (default: 5)"
    )
    parser.add_argument(
        "--threads", type=positive, metavar="N", help="of the processor (default: all)"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the table here")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures here")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.05 <= seconds <= 36_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0.05 to 36000")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Measures, prints the table and writes the files.

    Raises:
        UserError: this machine does not have the weights, device, precision or runtime.
    """
    measured, table = _live(args) if args.live is not None else _recordings(args)
    print(table, end="")
    for path, content in (
        (args.markdown, table),
        (args.json, json.dumps(measured, indent=2) + "\n"),
    ):
        if path:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
            except OSError as error:
                raise UserError("inference.not_written", file=path, reason=error) from None
    return 0


def _recordings(args: argparse.Namespace) -> tuple[dict, str]:
    from frcrn_app.inference.benchmark import as_markdown, run_benchmark

    measured = run_benchmark(
        args.weights or "auto",
        device=args.device,
        precisions=args.precision,
        runtimes=args.runtime,
        seconds=args.seconds,
        batch=args.batch,
        repeats=args.repeats,
        threads=args.threads,
        report=_report,
    )
    return measured, as_markdown(measured)


def _live(args: argparse.Namespace) -> tuple[dict, str]:
    from frcrn_app.inference import LIVE_WEIGHTS
    from frcrn_app.inference.benchmark import live_as_markdown, run_live_benchmark

    measured = run_live_benchmark(
        args.weights or LIVE_WEIGHTS,
        streams=args.live or (1, 2, 4, 8),
        seconds=args.seconds,
        threads=args.threads or 1,
        report=_report,
    )
    return measured, live_as_markdown(measured)


def _report(text: str) -> None:
    print(text, file=sys.stderr)
