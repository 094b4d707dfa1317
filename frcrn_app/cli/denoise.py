"""frcrn denoise: files and folders of recordings into a folder of cleaned ones."""

import argparse
import glob
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from frcrn_app.audio import AUDIO_SUFFIXES, FORMATS, check_loudness
from frcrn_app.cli.arguments import add_network_arguments, positive, share
from frcrn_app.errors import AudioError
from frcrn_app.files import shown

HELP = "clean files or folders; without any, everything in input/ into output/"

INPUT_FOLDER = Path("input")
OUTPUT_FOLDER = Path("output")
NAMES_SHOWN = 3  # of the ignored files; the rest is counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources",
        nargs="*",
        type=Path,
        metavar="FILE or FOLDER",
        help="recordings of any usual format, or folders of them (default: input/)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=OUTPUT_FOLDER,
        metavar="DIR",
        help="folder for the cleaned files; folder trees are re-created in it (default: output/)",
    )
    parser.add_argument(
        "--strength",
        type=share,
        default=1.0,
        metavar="S",
        help="how much of the noise goes, from 0 (untouched) to 1 (default)",
    )
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
    parser.add_argument(
        "--overwrite", action="store_true", help="clean again what is already in the output folder"
    )


def run(args: argparse.Namespace) -> int:
    """Return 0, or 1 if a file failed or could not be read to its end.

    Raises:
        UserError: where nothing can be done at all: no audio, a wrong folder, weights or device.
    """
    check_loudness(args.loudness)
    sources = _expanded(args.sources) or _default_sources(args.output)
    if not sources:
        return 0

    from frcrn_app.batch import RunOptions, plan_files, run_plan

    if args.output.suffix.lower() in AUDIO_SUFFIXES and not args.output.is_dir():
        raise AudioError("batch.output_not_folder", path=args.output)
    plan = plan_files(
        sources, args.output, format=args.format, film=args.film, overwrite=args.overwrite
    )
    if plan.ignored:
        print(f"ignored, as hidden or not audio: {_names(plan.ignored)}")
    if plan.present:
        print(
            f"left alone {_count(plan.present, 'file')} already in {shown(args.output)} "
            "(--overwrite cleans them again)"
        )
    if not plan.jobs and not plan.refused:
        if not plan.present:
            raise AudioError("batch.no_audio", names=_names(sources))
        return 0
    if not plan.jobs:
        return _report([], plan, args, "")

    from frcrn_app.inference import Denoiser

    denoiser = Denoiser(args.weights, args.device, args.precision, full_band=args.band == "full")
    start = time.perf_counter()
    with _progress_bar(len(plan.jobs)) as bar:
        results = run_plan(
            plan,
            denoiser,
            RunOptions(args.strength, args.format, args.track, args.film, args.loudness),
            progress=_advance(bar, [shown(Path(job.source.name)) for job in plan.jobs]),
        )
    elapsed = time.perf_counter() - start
    return _report(
        results, plan, args, f"in {elapsed:.1f} s, {denoiser.entry.name} on {denoiser.device}"
    )


def _report(results: Sequence, plan, args: argparse.Namespace, how: str) -> int:
    """Print what was cleaned, what is to be said about it, and what failed."""
    cleaned = [result for result in results if result.status == "cleaned"]
    failed = [(result.source, result.error) for result in results if result.status == "failed"] or [
        (refusal.source, refusal.error) for refusal in plan.refused
    ]
    if cleaned:
        duration = sum(result.duration for result in cleaned)
        print(
            f"cleaned {_count(cleaned, 'file')} ({duration:.1f} s of audio {how}) "
            f"into {shown(args.output)}"
        )
    for result in cleaned:
        for note in result.notes:
            stream = sys.stderr if note.lost else sys.stdout
            kind = "incomplete" if note.lost else "note"
            print(f"{kind}: {shown(result.source)}: {note.sentence('en')}", file=stream)
    for source, error in failed:
        print(f"failed: {shown(source)}: {error.sentence('en')}", file=sys.stderr)
    return 1 if failed or not all(result.complete for result in results) else 0


def _expanded(sources: Sequence[Path]) -> list[Path]:
    """Patterns such as *.wav, which some shells leave to the program, as the files they name."""
    found: list[Path] = []
    for source in sources:
        matches = [] if source.exists() else sorted(glob.glob(str(source), recursive=True))
        found += [Path(match) for match in matches] or [source]
    return found


def _default_sources(output: Path) -> list[Path]:
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
        f"run this again; the cleaned ones will be in {shown(output)}/."
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


def _names(paths: Sequence[Path]) -> str:
    listed = ", ".join(shown(path) for path in paths[:NAMES_SHOWN])
    return listed + (f" and {len(paths) - NAMES_SHOWN} more" if len(paths) > NAMES_SHOWN else "")
