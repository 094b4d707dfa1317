"""python -m frcrn_app mix: labelled pairs of noisy and clean speech, to score with or to hear."""

import argparse
import csv
from pathlib import Path

from frcrn_app.cli.train import (
    Lines,
    add_audio_arguments,
    positive,
    positive_float,
    sound_named,
    source_weights,
)
from frcrn_app.errors import UserError

HELP = "mix your own speech and noise into pairs to evaluate with"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Score them: python -m frcrn_app evaluate --clean OUT/clean --noisy OUT/noisy. "
        "OUT/mixtures.csv says what each is made of."
    )
    add_audio_arguments(parser)
    pairs = parser.add_argument_group("pairs")
    pairs.add_argument(
        "--split",
        choices=("valid", "train", "all"),
        default="valid",
        help="of the sound: what training holds out (valid, default), what it hears, or all",
    )
    pairs.add_argument(
        "--as-training",
        action="store_true",
        help="as training hears them, with rooms, equalisers, codecs and any level; otherwise "
        "dry, at set signal-to-noise ratios, all speakers and noises in turn, a third of the "
        "pairs with low-frequency noise",
    )
    pairs.add_argument("--count", type=positive, default=48, metavar="N", help="(48)")
    pairs.add_argument(
        "--seconds", type=positive_float, default=4.0, metavar="S", help="of each (4)"
    )
    pairs.add_argument("--seed", type=int, default=0, metavar="N", help="another seed, other pairs")
    pairs.add_argument("--out", type=Path, default=Path("pairs"), metavar="DIR", help="(pairs/)")


def run(args: argparse.Namespace) -> int:
    """Writes OUT/noisy, OUT/clean and OUT/mixtures.csv.

    Raises:
        UserError: the sound cannot be used, or OUT holds pairs already.
    """
    sound = sound_named(args)
    folders = [args.out / name for name in ("noisy", "clean")]
    if any(folder.exists() for folder in folders):
        raise UserError(f"{args.out} holds pairs already: name another --out.")

    from frcrn_app.audio import Audio, save_audio
    from frcrn_app.training.corpus import SAMPLE_RATE, Corpus
    from frcrn_app.training.mixtures import MixtureConfig, MixtureSet, validation_mixtures

    lines = Lines()
    factors = source_weights(args.source_weight)
    corpus = Corpus.build(**sound, split=args.split, progress=lines.progress("decoding"))
    for kind in ("speech", "noise"):
        if not getattr(corpus, kind):
            raise UserError(
                f"Nothing of the {kind} is in the split {args.split}: take --split all."
            )
    if args.as_training:
        config = MixtureConfig(seconds=args.seconds, simulated_rooms=args.rooms)
        config.source_weights |= factors
        drawn = MixtureSet(corpus, config, args.seed, lines.progress("simulating rooms"))
        mixtures = (drawn.mix(number) for number in range(args.count))
    else:
        mixtures = iter(validation_mixtures(corpus, args.count, args.seed, args.seconds))

    for folder in folders:
        folder.mkdir(parents=True)
    digits = max(4, len(str(args.count)))
    with (args.out / "mixtures.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(("name", "snr_db", "noise"))
        for number, mixture in enumerate(mixtures, start=1):
            name = f"{number:0{digits}}"
            for folder, samples in zip(folders, mixture[:2], strict=True):
                save_audio(
                    folder / f"{name}.wav", Audio(samples[None], SAMPLE_RATE), format="wav16"
                )
            table.writerow((name, f"{mixture.snr_db:.2f}", mixture.noise))
    lines.say(f"{args.count} pairs in {args.out}")
    return 0
