"""python -m frcrn_app weights: which weights there are, fetching them, checking them."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from frcrn_app.weights import LoadedWeights

HELP = "list, fetch, verify or average the network's weights"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="show every set of weights; * marks the one that is used")
    fetch = actions.add_parser("fetch", help="download official weights and check them")
    fetch.add_argument("name", metavar="NAME", help="frcrn-16k or frcrn-se-16k")
    verify = actions.add_parser(
        "verify", help="check that weights are whole: their checksum, and every tensor"
    )
    verify.add_argument(
        "name", metavar="NAME", nargs="?", help="a name or a path (default: all that are here)"
    )
    average = actions.add_parser(
        "average", help="one file of the mean of several, such as those along a training run"
    )
    average.add_argument("names", metavar="WEIGHTS", nargs="+", help="names or paths, two or more")
    average.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the safetensors file to write"
    )


def run(args: argparse.Namespace) -> int:
    if args.action == "list":
        return _list()
    if args.action == "fetch":
        return _fetch(args.name)
    if args.action == "average":
        return _average(args.names, args.out)
    return _verify(args.name)


def _list() -> int:
    from frcrn_app.weights import list_weights

    entries = list_weights()
    used = next((entry for entry in entries if entry.present), None)
    rows = [
        (
            "*" if entry is used else "",
            entry.name,
            _megabytes(entry.size),
            "here" if entry.present else "can be fetched" if entry.fetchable else "missing",
            entry.licence,
            entry.title,
        )
        for entry in entries
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    return 0


def _fetch(name: str) -> int:
    from tqdm import tqdm

    from frcrn_app.weights import fetch_weights

    # disable=None: no bar where stderr is not a terminal.
    with tqdm(unit="B", unit_scale=True, desc=name, disable=None, file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.n = done
            bar.update(0)

        entry = fetch_weights(name, progress)
    print(f"{entry.name} is at {entry.path} (sha256 {entry.sha256}, licence {entry.licence}).")
    return 0


def _average(names: list[str], out: Path) -> int:
    from frcrn_app.training import average_weights

    print(f"{average_weights(names, out)} is the mean of {len(names)} weights.")
    return 0


def _verify(name: str | None) -> int:
    from frcrn_app.errors import CheckpointError
    from frcrn_app.weights import list_weights, load_weights

    if name is not None:
        _print_whole(name, load_weights(name))
        return 0
    broken = 0
    for entry in list_weights():
        if not entry.present:
            continue
        try:
            _print_whole(entry.name, load_weights(entry.name))
        except CheckpointError as error:
            broken += 1
            print(f"{entry.name}: wrong. {error}", file=sys.stderr)
    return 1 if broken else 0


def _print_whole(name: str, loaded: "LoadedWeights") -> None:
    config = loaded.config
    checksum = "sha256 as known" if loaded.checksum_known else "no known sha256 to compare with"
    print(
        f"{name}: whole. {config.channels} channels, {config.unets} U-Net(s); {checksum} "
        f"({loaded.sha256})."
    )


def _megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:.1f} MB"
