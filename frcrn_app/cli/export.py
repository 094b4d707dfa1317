"""python -m frcrn_app export: the network as an ONNX file, verified against torch."""

import argparse
from pathlib import Path

HELP = "write a network as an ONNX file for other runtimes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--weights", default="auto", metavar="WEIGHTS", help="a name or path")
    parser.add_argument("--out", type=Path, default=Path("frcrn.onnx"), metavar="FILE")


def run(args: argparse.Namespace) -> int:
    """Writes the file, runs it, and removes it if it does not compute the network.

    Raises:
        UserError: the weights cannot be used, the package onnx is missing, or the result differs.
    """
    from frcrn_app.inference.export import export_onnx, verify_onnx
    from frcrn_app.weights import load_weights

    loaded = load_weights(args.weights)
    facts = {"weights": loaded.entry.name, "sha256": loaded.sha256, "licence": loaded.entry.licence}
    path = export_onnx(loaded.model, args.out, facts)
    try:
        worst = verify_onnx(path, loaded.model)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    size = path.stat().st_size / 1e6
    print(f"{path}: {size:.1f} MB, within {worst:.0e} of torch at three lengths")
    return 0
