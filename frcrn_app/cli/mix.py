"""frcrn mix: labelled pairs of noisy and clean speech, to score with or to listen to."""

import argparse
import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from frcrn_app.cli.arguments import (
    Lines,
    add_corpus_arguments,
    positive,
    positive_float,
    recordings,
    say_left_out,
    seed,
)
from frcrn_app.errors import UserError

if TYPE_CHECKING:
    from frcrn_app.training import Mixture

HELP = "mix your own speech and noise into pairs to evaluate with"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Score them: frcrn evaluate --clean OUT/clean --noisy OUT/noisy. "
        "OUT/mixtures.csv says what each is made of."
    )
    add_corpus_arguments(parser)
    pairs = parser.add_argument_group("pairs")
    pairs.add_argument(
        "--split",
        choices=("valid", "train", "all"),
        default="valid",
        help="of the recordings: what training holds out (valid, default), what it uses, or all",
    )
    pairs.add_argument(
        "--as-training",
        action="store_true",
        help="as training takes them, with rooms, equalisers, codecs and any level; otherwise "
        "dry, at set signal-to-noise ratios, all speakers and noises in turn, a third of the "
        "pairs with low-frequency noise",
    )
    pairs.add_argument("--count", type=positive, default=48, metavar="N", help="(48)")
    pairs.add_argument(
        "--seconds", type=positive_float, default=4.0, metavar="S", help="of each (4)"
    )
    pairs.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="another seed, other pairs"
    )
    pairs.add_argument("--out", type=Path, default=Path("pairs"), metavar="DIR", help="(pairs/)")


def run(args: argparse.Namespace) -> int:
    """Writes OUT/noisy, OUT/clean and OUT/mixtures.csv.

    Raises:
        UserError: the recordings cannot be used, or OUT holds pairs already.
    """
    chosen = recordings(args)
    if any((args.out / name).exists() for name in ("noisy", "clean")):
        raise UserError("training.out_holds_pairs", path=args.out)

    from frcrn_app.training import MixtureConfig, MixtureSet, validation_mixtures

    lines = Lines()
    corpus = chosen.corpus(args.split, lines.progress("decoding"))
    say_left_out(lines, corpus.left_out)
    if not corpus.speech:
        raise UserError("training.no_speech_in_split", split=args.split)
    if not corpus.noise:
        raise UserError("training.no_noise_in_split", split=args.split)
    if args.as_training:
        config = MixtureConfig(seconds=args.seconds, simulated_rooms=args.rooms)
        drawn = MixtureSet(corpus, config, args.seed, lines.progress("simulating rooms"))
        mixtures = map(drawn.mix, range(args.count))
    else:
        mixtures = validation_mixtures(corpus, args.count, args.seed, args.seconds)
    write_pairs(args.out, mixtures, args.count)
    lines.say(f"{args.count} pairs in {args.out}")
    return 0


def write_pairs(out: Path, mixtures: "Iterable[Mixture]", count: int) -> None:
    """Writes `count` mixtures as WAV files of one name, noisy and clean, and their table."""
    from frcrn_app.audio import Audio, save_audio
    from frcrn_app.constants import SAMPLE_RATE

    folders = [out / name for name in ("noisy", "clean")]
    for folder in folders:
        folder.mkdir(parents=True)
    digits = max(4, len(str(count)))
    with (out / "mixtures.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(("name", "snr_db", "noise"))
        for number, mixture in enumerate(mixtures, start=1):
            name = f"{number:0{digits}}"
            for folder, samples in zip(folders, (mixture.noisy, mixture.clean), strict=True):
                save_audio(
                    folder / f"{name}.wav", Audio(samples[None], SAMPLE_RATE), format="wav16"
                )
            table.writerow((name, f"{mixture.snr_db:.2f}", mixture.noise))
