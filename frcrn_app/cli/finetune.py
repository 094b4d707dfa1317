"""frcrn finetune: weights that know one's own noise."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from frcrn_app.cli.arguments import (
    Lines,
    add_loss_argument,
    add_training_machine_arguments,
    loss_weights,
    not_negative,
    positive,
    positive_float,
    say_left_out,
    say_numbers,
    seed,
    share,
)
from frcrn_app.errors import UserError

if TYPE_CHECKING:
    from frcrn_app.training import FineTuneConfig, FineTuned

HELP = "fit weights to your own kind of noise, and show what that costs elsewhere"

TITLES = {"own": "your noise (held out)", "general": "general noise"}
SCORES = {"si_sdr": ("SI-SDR dB", ".2f"), "pesq": ("PESQ-WB", ".3f"), "stoi": ("STOI", ".4f")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "The result is a weights file: give its path to --weights of other commands."
    _add_recordings(parser)
    _add_run_arguments(parser)
    add_training_machine_arguments(parser)


def _add_recordings(parser: argparse.ArgumentParser) -> None:
    recordings = parser.add_argument_group(
        "recordings",
        "folders or files of audio in any format; those that are silent or damaged are left out "
        "and named",
    )
    for option, text in (
        ("--noise", "your noise without speech, some minutes; a part is held out (needed)"),
        ("--speech", "clean speech (default: the examples'; your own is better)"),
        ("--general-noise", "other noise not to forget (default: made-up; recordings are better)"),
    ):
        recordings.add_argument(
            option, nargs="+", action="extend", default=[], type=Path, metavar="DIR", help=text
        )
    recordings.add_argument(
        "--index", type=Path, metavar="CSV", help="speech and general noise, as for train"
    )
    recordings.add_argument(
        "--cache", type=Path, metavar="DIR", help="for decoded audio (beside OUT)"
    )


def _add_run_arguments(parser: argparse.ArgumentParser) -> None:
    run = parser.add_argument_group("run")
    run.add_argument(
        "--weights", default="auto", metavar="NAME or PATH", help="to start from (default: best)"
    )
    run.add_argument(
        "--layers",
        choices=("mask", "decoder", "all"),
        default="all",
        help="what to train: the last layers, all decoders, or everything (default)",
    )
    run.add_argument("--steps", type=positive, default=80, metavar="N", help="(80)")
    run.add_argument("--batch", type=positive, default=8, metavar="N", help="examples a step (8)")
    run.add_argument(
        "--seconds", type=positive_float, default=2.0, metavar="S", help="of an example (2)"
    )
    run.add_argument(
        "--learning-rate", type=positive_float, default=7e-4, metavar="R", help="(0.0007)"
    )
    add_loss_argument(run, "that of training, with more weight on PESQ and the ratio, and STOI")
    run.add_argument(
        "--own-share", type=share, default=0.6, metavar="S", help="of examples of your noise (0.6)"
    )
    run.add_argument(
        "--max-loss",
        type=not_negative,
        default=0.1,
        metavar="DB",
        help="of SI-SDR on general noise that your noise may cost (0.1)",
    )
    run.add_argument(
        "--max-pesq-loss",
        type=not_negative,
        default=0.0,
        metavar="POINTS",
        help="of PESQ on general noise that your noise may cost (0)",
    )
    run.add_argument(
        "--scored",
        type=positive,
        default=24,
        metavar="N",
        help="mixtures with your noise, and with general noise, in the table (24)",
    )
    run.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="another seed, other mixtures"
    )
    run.add_argument(
        "--out",
        type=Path,
        default=Path("finetuned.safetensors"),
        metavar="FILE",
        help="the weights file (finetuned.safetensors)",
    )


def run(args: argparse.Namespace) -> int:
    """Fine-tunes, prints the table, writes the weights.

    Raises:
        UserError: on audio, weights or an out file that cannot be used.
    """
    if not args.noise:
        raise UserError("training.no_own_noise_named")
    if args.out.suffix != ".safetensors":
        raise UserError("training.out_not_safetensors", name=f"{args.out.stem}.safetensors")

    from frcrn_app.training import FineTuneCorpora, fine_tune
    from frcrn_app.weights import load_weights

    config = finetune_config(args)  # a wrong argument is said before any decoding
    lines = Lines()
    weights = load_weights(args.weights)
    corpora = FineTuneCorpora.find(
        args.noise,
        args.speech,
        args.general_noise,
        args.index,
        cache=args.cache or args.out.with_name(f"{args.out.stem}-run") / "cache",
        progress=lines.progress("decoding"),
    )
    say_left_out(lines, corpora.left_out)
    lines.say(
        f"{weights.entry.name}: training {args.layers} on {corpora.own.seconds('noise'):.0f} s of "
        f"your noise, {corpora.own_valid.seconds('noise'):.0f} s held out"
    )
    result = fine_tune(
        weights, corpora, args.out, config, lambda numbers: say_numbers(lines, numbers)
    )
    print(table(result))
    if result.blend == 0:
        print(
            "Nothing made your noise better without costing general noise: the weights are the "
            "original ones. Try more --speech and --general-noise of your own, more --steps, a "
            "higher --max-loss or --max-pesq-loss."
        )
    print(f"{result.path} holds the weights: use them with --weights {result.path}")
    return 0


def finetune_config(args: argparse.Namespace) -> "FineTuneConfig":
    """What a command line asks for; without options, the defaults of the library."""
    from frcrn_app.training import FineTuneConfig

    return FineTuneConfig(
        layers=args.layers,
        steps=args.steps,
        batch_size=args.batch,
        seconds=args.seconds,
        learning_rate=args.learning_rate,
        loss=loss_weights(args.loss, FineTuneConfig().loss),
        own_share=args.own_share,
        max_loss_db=args.max_loss,
        max_loss_pesq=args.max_pesq_loss,
        scored=args.scored,
        precision=args.precision,
        device=args.device,
        threads=args.threads,
        workers=args.workers,
        seed=args.seed,
    )


def table(result: "FineTuned") -> str:
    """Scores of the noisy mixtures, before and after, as text of aligned columns."""
    lines = [["", ""], ["", ""]]
    for title, _ in SCORES.values():
        lines[0] += [title, "", ""]
        lines[1] += ["noisy", "before", "after"]
    for row in result.rows:
        cells = [TITLES[row.noise], f"{row.mixtures} mixtures"]
        for name, (_, form) in SCORES.items():
            cells += [format(scores[name], form) for scores in (row.noisy, row.before, row.after)]
        lines.append(cells)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
