"""frcrn denoise: files and folders of recordings into a folder of cleaned ones."""

import argparse
import glob
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from frcrn_app.audio import AUDIO_SUFFIXES, FORMATS, check_loudness
from frcrn_app.cli.arguments import add_network_arguments, add_strength_argument, positive
from frcrn_app.cli.crews import (
    StandingBar,
    add_worker_arguments,
    crew_of,
    settings_of,
)
from frcrn_app.errors import AudioError
from frcrn_app.files import shown

HELP = "clean files or folders; without any, everything in input/ into output/"

INPUT_FOLDER = Path("input")
OUTPUT_FOLDER = Path("output")
LEDGER = ".frcrn-ledger.jsonl"
NAMES_SHOWN = 3  # of the ignored files; the rest is counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    _add_places(parser)
    _add_cleaning(parser)
    parser.add_argument(
        "--overwrite", action="store_true", help="clean again what is already in the output folder"
    )
    add_worker_arguments(
        parser,
        "processes that share the files and the cores, each with a network of its own; a run that "
        "was stopped goes on by its ledger (default: one, on all cores)",
    )
    parser.add_argument(
        "--ledger",
        type=Path,
        metavar="FILE",
        help="where many workers keep what became of each file (default: "
        f"{LEDGER} in the output folder, or here if that is an address)",
    )


def _add_places(parser: argparse.ArgumentParser) -> None:
    """Where recordings come from and where they go."""
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="FILE or FOLDER",
        help="recordings of any usual format, or folders of them, here or at addresses such as "
        "s3://bucket/talks (default: input/)",
    )
    parser.add_argument(
        "-o",
        "--output",
        default=str(OUTPUT_FOLDER),
        metavar="DIR",
        help="folder or address for the cleaned files; folder trees are re-created in it "
        "(default: output/)",
    )


def _add_cleaning(parser: argparse.ArgumentParser) -> None:
    """How a recording is cleaned and in what form it is written."""
    add_strength_argument(parser)
    add_network_arguments(parser)
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="same",
        help="of the cleaned files (default: same as each recording)",
    )
    parser.add_argument(
        "--band",
        choices=("full", "speech"),
        default="full",
        help="full: what lies above 8 kHz, which the network does not process, follows the gain at "
        "the top of its band (default); speech: it is removed",
    )
    parser.add_argument(
        "--loudness",
        type=float,
        metavar="LUFS",
        help="bring the cleaned files to a loudness (ITU-R BS.1770), such as -16, -19 or -23, with "
        "true peaks of at most -1 dBTP (default: each keeps its own)",
    )
    parser.add_argument(
        "--track",
        type=positive,
        metavar="N",
        help="clean audio track N alone of files with several (default: all, which stay tracks)",
    )
    parser.add_argument(
        "--film",
        action="store_true",
        help="write films as films: the cleaned audio beside the untouched picture",
    )


def run(args: argparse.Namespace) -> int:
    """Return 0, or 1 if a file failed or could not be read to its end.

    Raises:
        UserError: where nothing can be done at all: no audio, a wrong folder, weights or device.
    """
    check_loudness(args.loudness)
    from frcrn_app.batch import RunOptions, is_address, place_of, plan_files

    args.output = place_of(args.output)
    sources = _expanded(args.sources) or _default_sources(args.output)
    if not sources:
        return 0
    if args.output.suffix.lower() in AUDIO_SUFFIXES and (
        is_address(args.output) or not args.output.is_dir()
    ):
        raise AudioError("batch.output_not_folder", path=args.output)
    plan = plan_files(
        sources, args.output, format=args.format, film=args.film, overwrite=args.overwrite
    )
    if plan.ignored:
        print(f"ignored, as hidden or not audio: {_names(plan.ignored)}")
    if not plan.jobs and not plan.refused and not plan.present:
        raise AudioError("batch.no_audio", names=_names(sources))
    if plan.jobs and not is_address(args.output):
        _require_writable(args.output)
    options = RunOptions(args.strength, args.format, args.track, args.film, args.loudness)
    crew = crew_of(args)
    run = _in_this_process if crew is None or not plan.jobs else _by_workers
    start = time.perf_counter()
    results, network = run(plan, args, options, crew)
    return _report(results, args, f"in {time.perf_counter() - start:.1f} s, {network}")


def _require_writable(output: Path) -> None:
    """Raise AudioError before hours of work that could not be kept."""
    nearest = next(path for path in (output, *output.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise AudioError("batch.output_unusable", path=output, reason=error) from error


def _in_this_process(plan: Any, args: argparse.Namespace, options: Any, _crew: Any) -> tuple:
    """Results, and a word on the network."""
    from frcrn_app.batch import run_plan

    if not plan.jobs:
        nobody: Any = None  # there is nothing to clean
        return run_plan(plan, nobody, options), ""

    from frcrn_app.inference import Denoiser

    denoiser = Denoiser(args.weights, args.device, args.precision, full_band=args.band == "full")
    with _progress_bar(len(plan.jobs)) as bar:
        names = [shown(job.source.name) for job in plan.jobs]
        results = run_plan(plan, denoiser, options, progress=_advance(bar, names))
    return results, f"{denoiser.entry.name} on {denoiser.device}"


def _by_workers(plan: Any, args: argparse.Namespace, options: Any, crew: Any) -> tuple:
    """Results, and a word on the network."""
    from frcrn_app.batch import is_address, spread_plan

    ledger = args.ledger or (Path() if is_address(args.output) else args.output) / LEDGER
    with StandingBar() as bar:
        results, facts = spread_plan(
            plan,
            crew,
            settings_of(args),
            options,
            ledger=ledger,
            resume=not args.overwrite,
            progress=bar,
        )
    assert facts is not None  # there was something to clean
    return results, f"{facts.name} on {facts.device}"


def _report(results: Sequence, args: argparse.Namespace, how: str) -> int:
    """Print what was cleaned, what is to be said about it, and what failed."""
    cleaned = [result for result in results if result.status == "cleaned"]
    present = [result for result in results if result.status == "present"]
    failed = [(result.source, result.error) for result in results if result.status == "failed"]
    output = shown(str(args.output))
    if present:
        print(
            f"left alone {_count(present, 'file')} already in {output} "
            "(--overwrite cleans them again)"
        )
    if cleaned:
        duration = sum(result.duration for result in cleaned)
        print(f"cleaned {_count(cleaned, 'file')} ({duration:.1f} s of audio {how}) into {output}")
    if earlier := sum(result.earlier for result in cleaned):
        print(f"{earlier} of them were done by the run that this one went on with")
    for result in cleaned:
        for note in result.notes:
            stream = sys.stderr if note.lost else sys.stdout
            kind = "incomplete" if note.lost else "note"
            print(f"{kind}: {shown(str(result.source))}: {note.sentence('en')}", file=stream)
    for source, error in failed:
        print(f"failed: {shown(str(source))}: {error.sentence('en')}", file=sys.stderr)
    return 1 if failed or not all(result.complete for result in results) else 0


def _expanded(names: Sequence[str]) -> list[Any]:
    """Patterns such as *.wav, which some shells leave to the program, as the files they name."""
    from frcrn_app.batch import is_address, place_of

    found: list[Any] = []
    for name in names:
        exists = is_address(name) or Path(name).exists()
        matches = [] if exists else sorted(glob.glob(name, recursive=True))
        found += [Path(match) for match in matches] or [place_of(name)]
    return found


def _default_sources(output: Any) -> list[Path]:
    """input/, or nothing and a friendly sentence while there is nothing in it."""
    created = not INPUT_FOLDER.exists()
    try:
        INPUT_FOLDER.mkdir(exist_ok=True)
        if any(INPUT_FOLDER.iterdir()):
            return [INPUT_FOLDER]
    except OSError as error:
        raise AudioError("batch.input_unusable", path=INPUT_FOLDER, reason=error) from error
    print(
        f"{INPUT_FOLDER}/ {'has been made' if created else 'is empty'}: put recordings into it and "
        f"run this again; the cleaned ones will be in {shown(str(output))}/."
    )
    return []


def _progress_bar(files: int):
    from tqdm import tqdm

    # disable=None: no bar where stderr is not a terminal.
    return tqdm(
        total=files,
        disable=None,
        leave=False,
        bar_format="{percentage:3.0f}%|{bar:30}| {desc}, {remaining} left",
    )


def _advance(bar, names: Sequence[str]) -> Callable[[float, int], None]:
    def advance(done: float, total: int) -> None:
        current = min(int(done), total - 1)
        bar.set_description_str(f"{current + 1}/{total} {names[current]}", refresh=False)
        bar.update(done - bar.n)

    return advance


def _count(things: Sequence, noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _names(paths: Sequence[Any]) -> str:
    listed = ", ".join(shown(str(path)) for path in paths[:NAMES_SHOWN])
    return listed + (f" and {len(paths) - NAMES_SHOWN} more" if len(paths) > NAMES_SHOWN else "")
