"""Arguments and lines of progress that commands share."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from frcrn_app.errors import UserError
from frcrn_app.i18n import text as sentence

if TYPE_CHECKING:
    from frcrn_app.training import LeftOut, LossWeights, Recordings

PRECISIONS = ("auto", "float32", "bfloat16", "float16")
LINE_SECONDS = 15.0  # between two lines of progress
# As FRCRN was published (Zhao et al., ICASSP 2022): SI-SNR and the error of the mask.
PAPER_LOSS = dict.fromkeys(("magnitude", "complex", "snr", "perceptual"), 0.0) | {
    "si_snr": 1.0,
    "mask": 1.0,
}
NAMED = 5  # files that cannot be used, of which the others are but counted


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def natural(text: str) -> int:
    """A whole number, 0 among them."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def seed(text: str) -> int:
    """A whole number that generators of random numbers take, NumPy's as PyTorch's."""
    value = natural(text)
    if value >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number below 2^63")
    return value


def positive_float(text: str) -> float:
    """A finite number above 0."""
    value = _number(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def share(text: str) -> float:
    """A number from 0 to 1."""
    value = _number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def not_negative(text: str) -> float:
    """A finite number of at least 0."""
    value = _number(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 0")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def add_network_arguments(group: "argparse._ActionsContainer") -> None:
    """--weights, --device and --precision of a Denoiser."""
    group.add_argument(
        "--weights",
        default="auto",
        metavar="NAME or PATH",
        help="of those that `frcrn weights list` shows (default: the best here)",
    )
    add_device_argument(group)
    add_precision_argument(group)


def add_strength_argument(group: "argparse._ActionsContainer") -> None:
    """--strength."""
    group.add_argument(
        "--strength",
        type=share,
        default=1.0,
        metavar="S",
        help="how much of the noise goes, from 0 (untouched) to 1 (default)",
    )


def add_device_argument(group: "argparse._ActionsContainer") -> None:
    """--device."""
    group.add_argument(
        "--device", default="auto", metavar="DEVICE", help="auto (default), cpu, cuda or cuda:N"
    )


def add_precision_argument(
    group: "argparse._ActionsContainer",
    choices: tuple[str, ...] = PRECISIONS,
    *,
    several: bool = False,
) -> None:
    """--precision: one, or a list."""
    group.add_argument(
        "--precision",
        choices=choices,
        nargs="+" if several else None,
        default=["auto"] if several else "auto",
        help=("one or more " if several else "of the network's arithmetic ")
        + "(default: what suits the device)",
    )


def add_device_arguments(group: "argparse._ActionsContainer") -> None:
    """--device, --precision and --threads of a training."""
    add_device_argument(group)
    add_precision_argument(group, ("auto", "float32", "bfloat16"))
    group.add_argument(
        "--threads", type=positive, metavar="N", help="processor threads (default: all)"
    )


def add_training_machine_arguments(parser: argparse.ArgumentParser) -> None:
    """What a training runs on."""
    machine = parser.add_argument_group("machine")
    add_device_arguments(machine)
    machine.add_argument(
        "--workers",
        type=natural,
        default=1,
        metavar="N",
        help="processes that mix examples (1; 0: none beside the training itself)",
    )


def add_loss_argument(group: "argparse._ActionsContainer", default: str) -> None:
    """`default`: what is trained for where it is not given."""
    group.add_argument(
        "--loss",
        nargs="+",
        default=[],
        metavar="TERM=WEIGHT",
        help='of the loss: magnitude, complex, si_snr, mask, ...; or "paper", the published loss '
        f"(default: {default})",
    )


def loss_weights(texts: list[str], default: "LossWeights") -> "LossWeights":
    """The loss of texts such as "si_snr=0.2", each a change of the default one.

    Raises:
        UserError: there is no such term, or its weight is no number.
    """
    terms = {field.name: type(field.default) for field in fields(default)}
    chosen = {}
    for text in texts:
        if text == "paper":
            chosen |= PAPER_LOSS
            continue
        name, _, value = text.partition("=")
        try:
            chosen[name] = terms[name](value)
        except (KeyError, ValueError):
            raise UserError("training.loss_term", text=text, terms=", ".join(terms)) from None
    return replace(default, **chosen)


def add_corpus_arguments(parser: argparse.ArgumentParser) -> None:
    """The recordings to make mixtures of."""
    recordings = parser.add_argument_group(
        "recordings",
        "folders of audio in any format; a tenth is held out for validation, and files that are "
        "silent or damaged are left out and named",
    )
    for kind, text in (
        ("speech", "clean speech, best in one subfolder for each speaker"),
        ("noise", "noise, best in one subfolder for each kind"),
        ("rir", "measured room impulse responses, beside the simulated ones"),
    ):
        recordings.add_argument(
            f"--{kind}", nargs="+", action="extend", default=[], type=Path, metavar="DIR", help=text
        )
    recordings.add_argument(
        "--index",
        type=Path,
        metavar="CSV",
        help="clips by path, kind, source, group, start, frames (samples at 16 kHz) and split",
    )
    recordings.add_argument(
        "--source-weight",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=FACTOR",
        help="use a folder or source more or less often than by its hours and speakers; 0 leaves "
        "it out. * stands for any letters, and the last one that fits counts: '*=0' cmu_an4=1",
    )
    recordings.add_argument(
        "--rooms",
        type=natural,
        default=300,
        metavar="N",
        help="rooms to simulate, once (300; 0: none, needs no pyroomacoustics)",
    )
    recordings.add_argument(
        "--cache", type=Path, metavar="DIR", help="for decoded audio, 115 MB an hour (OUT/cache)"
    )


def recordings(args: argparse.Namespace) -> "Recordings":
    """What the arguments of `add_corpus_arguments` name.

    Raises:
        UserError: there is no speech or no noise among it, or a source's weight is no number.
    """
    if not args.index and not (args.speech and args.noise):
        raise UserError("training.nothing_named")
    factors = [_source_weight(text) for text in args.source_weight]

    from frcrn_app.training import Recordings

    return Recordings(
        args.cache or args.out / "cache", args.speech, args.noise, args.rir, args.index, factors
    )


def _source_weight(text: str) -> tuple[str, float]:
    """Name and factor of a text such as "librispeech=2"."""
    name, _, factor = text.rpartition("=")
    value = _number(factor)
    if not name or not 0 <= value < float("inf"):
        raise UserError("training.source_weight", text=text)
    return name, value


class Lines:
    """Progress as lines on stderr, now and then; of a distributed run's first process alone."""

    def __init__(self):
        self.silent = int(os.environ.get("RANK", 0)) > 0
        self._next = 0.0

    def say(self, text: str) -> None:
        if not self.silent:
            print(text, file=sys.stderr, flush=True)

    def is_due(self) -> bool:
        """Whether the last line is `LINE_SECONDS` old; if so, the next one is due as much later."""
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + LINE_SECONDS
        return True

    def progress(self, what: str) -> Callable[[int, int], None]:
        """A callback that says how far `what` has come."""

        def report(done: int, count: int) -> None:
            if done < count and self.is_due():
                self.say(f"{what}: {done} of {count}")

        return report


def say_left_out(lines: Lines, left_out: "Sequence[LeftOut]") -> None:
    """Names the first files that a corpus goes without, and how many there are."""
    if left_out:
        first = left_out[:NAMED]
        problems = "".join(f"\n  {at.problem}" for at in first)
        if len(left_out) > len(first):
            problems += f"\n  ... and {len(left_out) - len(first)} more"
        lines.say(f"{sentence('training.left_out', count=len(left_out))}{problems}")


def say_numbers(lines: Lines, numbers: dict) -> None:
    """A line of the trainer's numbers, when one is due or a validation has come."""
    validated = "score" in numbers
    if not lines.is_due() and not validated:
        return
    text = (
        f"step {numbers['step']}/{numbers['steps']}  loss {numbers['loss']:.3f}  "
        f"gradient {numbers['gradient_norm']:.2f}  "
        f"{numbers['audio_per_second']:.1f} s of audio a second  "
        f"{numbers['hours_heard']:.2f} h of audio in {numbers['hours']:.2f} h"
    )
    if numbers["skipped"]:
        text += f"  {numbers['skipped']} steps skipped"
    if validated:
        text += (
            f"\n  validation: PESQ {numbers['pesq']:.3f}  STOI {numbers['stoi']:.4f}  "
            f"SI-SDR {numbers['si_sdr']:.2f} dB"
        )
    lines.say(text)
