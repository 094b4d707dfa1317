"""Options that name a set of noisy and clean files, as commands share them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from frcrn_app.errors import PairError

if TYPE_CHECKING:
    from frcrn_app.evaluation import PairSet

SOURCES = ("noisy", "manifest", "zip")


def add_set_arguments(parser: argparse._ActionsContainer) -> None:
    """Folders, or a manifest, or an archive."""
    add = parser.add_argument
    add(
        "--clean",
        metavar="DIR",
        help="clean files; without them only dnsmos and distillmos can be scored",
    )
    add("--noisy", metavar="DIR", help="noisy files, with the same names as the clean ones")
    add(
        "--system",
        metavar="NAME=DIR",
        action="append",
        default=[],
        help="files that another system made of the noisy ones; may be given several times",
    )
    add(
        "--manifest",
        metavar="CSV",
        help="instead of folders: columns noisy, clean, group, speaker or session (whose files are "
        "resampled together), text (for wer), and one for each system",
    )
    add("--zip", metavar="FILE", help="instead of folders: an archive with clean/, noisy/, others")


def pairs_of(args: argparse.Namespace, scratch: Path) -> PairSet:
    """The pairs that the options name; an archive is unpacked into `scratch`.

    Raises:
        PairError: not exactly one source is named, or it cannot be read.
    """
    from frcrn_app.evaluation import pair_archive, pair_folders, pair_manifest

    noisy: str | None = args.noisy
    sources = [name for name in SOURCES if getattr(args, name)]
    if len(sources) != 1:
        raise PairError("evaluation.one_source")
    if noisy is None:
        if args.clean or args.system:
            raise PairError("evaluation.with_noisy", source=sources[0])
        if args.manifest:
            return pair_manifest(args.manifest)
        return pair_archive(args.zip, scratch)
    systems = {}
    for text in args.system:
        name, equals, folder = text.partition("=")
        if not (name.strip() and equals and folder):
            raise PairError("evaluation.system_option", text=text)
        if name.strip() in systems:
            raise PairError("evaluation.system_twice", name=name.strip())
        systems[name.strip()] = folder
    return pair_folders(noisy, args.clean, systems)
