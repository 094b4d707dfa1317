"""python -m frcrn_app benchmark: speed on this machine, beside the reference if asked."""

import argparse
import json
import sys
from pathlib import Path

from ..errors import UserError

HELP = "measure speed on this machine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--weights",
        metavar="WEIGHTS",
        help="a name or path (default: the full-size network with seeded random weights)",
    )
    parser.add_argument(
        "--against",
        choices=("clearvoice",),
        help="measure the published implementation in turns (its code is installed apart)",
    )
    parser.add_argument("--device", default="cpu", metavar="DEVICE", help="cpu (default) or cuda")
    parser.add_argument(
        "--precision",
        nargs="+",
        choices=("float32", "bfloat16", "float16"),
        default=["float32", "bfloat16"],
        help="(default: float32 bfloat16)",
    )
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="of sound (10)")
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="sounds at once (1)")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="warm calls (5)")
    parser.add_argument("--threads", type=int, metavar="N", help="of the processor (default: all)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")


def run(args: argparse.Namespace) -> int:
    """Measures and prints the table.

    Raises:
        UserError: a length, count or device that cannot be measured, or no reference to be had.
    """
    if args.seconds < 0.1 or args.batch < 1 or args.repeats < 1:
        raise UserError("--seconds must be at least 0.1, --batch and --repeats at least 1.")
    import torch

    from ..benchmark import as_markdown, run_benchmark
    from ..denoiser import pick_device

    if args.threads:
        torch.set_num_threads(args.threads)
    measured = run_benchmark(
        args.weights,
        device=pick_device(args.device),
        precisions=args.precision,
        seconds=args.seconds,
        batch=args.batch,
        repeats=args.repeats,
        reference=_reference if args.against else None,
        report=lambda text: print(text, file=sys.stderr),
    )
    table = as_markdown(measured)
    print(table, end="")
    if args.markdown:
        args.markdown.write_text(table, encoding="utf-8")
    if args.json:
        args.json.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    return 0


def _reference():
    """The published network with the waveform alone as its output."""
    try:
        from benchmarks.reference import Reference, install
    except ImportError:
        raise UserError(
            "The comparison needs the project's folder benchmarks/: run it in a clone."
        ) from None
    import torch

    class Waveform(torch.nn.Module):
        def __init__(self, network: torch.nn.Module):
            super().__init__()
            self.network = network

        def load_state_dict(self, state, strict=True):
            return self.network.load_state_dict(state, strict=strict)

        def forward(self, sound: torch.Tensor) -> torch.Tensor:
            return self.network(sound)[-2]

    return Waveform(Reference(install()).network())
