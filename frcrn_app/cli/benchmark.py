"""python -m frcrn_app benchmark: speed on this machine, beside the reference if asked."""

import argparse
import json
import sys
from pathlib import Path

from frcrn_app.errors import UserError

HELP = "measure speed and memory on this machine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--weights",
        metavar="NAME or PATH",
        help="of those that `python -m frcrn_app weights list` shows, or random: the full-size "
        "network with seeded weights (default: the best here; random with --against)",
    )
    parser.add_argument(
        "--against",
        choices=("clearvoice",),
        help="measure the published implementation as well; its code is installed apart on first "
        "use",
    )
    parser.add_argument(
        "--device", default="auto", metavar="DEVICE", help="auto (default), cpu, cuda or cuda:N"
    )
    parser.add_argument(
        "--precision",
        nargs="+",
        choices=("auto", "float32", "bfloat16", "float16"),
        default=["auto"],
        help="one or more (default: what suits the device)",
    )
    parser.add_argument(
        "--runtime",
        nargs="+",
        choices=("torch", "compile", "onnxruntime", "openvino"),
        default=["torch"],
        help="one or more (default: torch, which all commands use)",
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=10.0, metavar="S", help="of sound (default: 10)"
    )
    parser.add_argument(
        "--batch", type=_count, default=1, metavar="N", help="sounds at once (default: 1)"
    )
    parser.add_argument(
        "--repeats", type=_count, default=5, metavar="N", help="warm calls of each (default: 5)"
    )
    parser.add_argument(
        "--threads", type=_count, metavar="N", help="of the processor (default: all)"
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


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Measures, prints the table and writes the files.

    Raises:
        UserError: weights, device, precision, runtime or reference are not to be had here.
    """
    from frcrn_app.inference.benchmark import RANDOM, as_markdown, run_benchmark

    measured = run_benchmark(
        args.weights or (RANDOM if args.against else "auto"),
        device=args.device,
        precisions=args.precision,
        runtimes=args.runtime,
        seconds=args.seconds,
        batch=args.batch,
        repeats=args.repeats,
        threads=args.threads,
        against_reference=args.against is not None,
        report=lambda text: print(text, file=sys.stderr),
    )
    table = as_markdown(measured)
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
                raise UserError(f"{path} cannot be written: {error.strerror}.") from None
    return 0
