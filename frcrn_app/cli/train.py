"""python -m frcrn_app train: a network from folders of speech and noise."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from frcrn_app.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from frcrn_app.training.losses import LossWeights
    from frcrn_app.training.trainer import TrainConfig, Trainer

HELP = "train a network on your own speech and noise"

LINE_SECONDS = 15.0  # between two lines of progress
# As FRCRN was published (Zhao et al., ICASSP 2022): SI-SNR and the error of the mask.
PAPER_LOSS = dict.fromkeys(("magnitude", "complex", "snr", "perceptual"), 0.0) | {
    "si_snr": 1.0,
    "mask": 1.0,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "On several GPUs: torchrun --nproc-per-node 4 -m frcrn_app train ... "
        "The weights are OUT/best.safetensors; give that path to --weights of other commands."
    )
    add_audio_arguments(parser)
    network = parser.add_argument_group("network")
    network.add_argument(
        "--channels", type=positive, metavar="N", help="complex channels, a multiple of 8 (32)"
    )
    network.add_argument("--unets", type=int, choices=(1, 2), help="U-Nets in a row (1)")
    network.add_argument(
        "--inputs",
        type=int,
        choices=(1, 2, 3),
        help="what the network hears: 1 the spectrum, as the released one does; 2 also its "
        "compressed form, of sound without infrasound; 3 also that over its mean around (3)",
    )
    network.add_argument(
        "--context",
        type=int,
        metavar="N",
        help="channels of blocks over time at the deeper levels (0: none)",
    )
    network.add_argument(
        "--init",
        metavar="WEIGHTS",
        help="start from these weights (a name or path); smaller ones are grown",
    )
    network.add_argument(
        "--teacher", metavar="WEIGHTS", help="learn from these weights' output as well"
    )
    network.add_argument(
        "--teacher-share", type=_share, default=0.5, metavar="S", help="its part of the loss (0.5)"
    )

    run = parser.add_argument_group("run")
    length = run.add_mutually_exclusive_group()
    length.add_argument("--hours", type=positive_float, metavar="H", help="of training (1)")
    length.add_argument("--steps", type=positive, metavar="N", help="in place of --hours")
    run.add_argument("--batch", type=positive, default=4, metavar="N", help="examples at once (4)")
    run.add_argument(
        "--accumulate", type=positive, default=1, metavar="N", help="batches a step (1)"
    )
    run.add_argument(
        "--seconds", type=positive_float, default=3.0, metavar="S", help="of an example (3)"
    )
    run.add_argument(
        "--learning-rate", type=positive_float, default=1e-3, metavar="R", help="at most (0.001)"
    )
    run.add_argument(
        "--decay-share",
        type=_share,
        default=0.3,
        metavar="S",
        help="of the run in which the rate falls to zero (0.3; 0: it stays)",
    )
    run.add_argument(
        "--average",
        type=positive,
        default=500,
        metavar="STEPS",
        help="that the averaged weights, the ones kept, reach back over (500)",
    )
    run.add_argument(
        "--clip",
        type=positive_float,
        default=60.0,
        metavar="NORM",
        help="of the gradient, at most: about its median, which progress shows (60)",
    )
    run.add_argument(
        "--optimizer",
        choices=("muon", "adamw"),
        default="muon",
        help="of the hidden layers' matrices (muon); all else is AdamW's",
    )
    run.add_argument(
        "--loss",
        nargs="+",
        default=[],
        metavar="TERM=WEIGHT",
        help='of the loss: magnitude, complex, si_snr, mask, ...; or "paper", the published loss '
        "(default: compressed spectra, signal-to-noise ratio and an estimate of PESQ)",
    )
    run.add_argument(
        "--seed", type=int, default=0, metavar="N", help="another seed, other mixtures"
    )
    run.add_argument(
        "--validate-every", type=positive, default=500, metavar="N", help="steps (500)"
    )
    run.add_argument(
        "--validation-mixtures",
        type=int,
        default=48,
        metavar="N",
        help="scored at every validation (48; 0: none, the last weights are the best)",
    )
    run.add_argument(
        "--save-every", type=float, default=180.0, metavar="S", help="seconds between states (180)"
    )
    run.add_argument(
        "--resume", action="store_true", help="go on from the state in OUT, bit for bit"
    )
    run.add_argument(
        "--out", type=Path, default=Path("training"), metavar="DIR", help="(training/)"
    )
    add_machine_arguments(parser)
    run.add_argument("--compile", action="store_true", help="torch.compile: minutes, then faster")


def add_audio_arguments(parser: argparse.ArgumentParser) -> None:
    """What to train on."""
    sound = parser.add_argument_group(
        "sound", "folders of audio of any kind; a tenth of them is held out for validation"
    )
    for kind, text in (
        ("speech", "clean speech, best in a subfolder a speaker"),
        ("noise", "noise, best in a subfolder a kind"),
        ("rir", "measured room impulse responses, beside the simulated ones"),
    ):
        sound.add_argument(
            f"--{kind}", nargs="+", action="extend", default=[], type=Path, metavar="DIR", help=text
        )
    sound.add_argument(
        "--index",
        type=Path,
        metavar="CSV",
        help="clips by path, kind, source, group, start, frames (samples at 16 kHz) and split",
    )
    sound.add_argument(
        "--source-weight",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=FACTOR",
        help="hear a folder or source more or less often than by its hours and speakers",
    )
    sound.add_argument(
        "--rooms",
        type=int,
        default=300,
        metavar="N",
        help="rooms to simulate, once (300; 0: none, without pyroomacoustics)",
    )
    sound.add_argument(
        "--cache", type=Path, metavar="DIR", help="for decoded audio, 115 MB an hour (OUT/cache)"
    )


def sound_named(args: argparse.Namespace) -> dict:
    """What `add_audio_arguments` names, as `Corpus.build` takes it.

    Raises:
        UserError: there is no speech or no noise among it.
    """
    if not args.index and not (args.speech and args.noise):
        raise UserError("Name the sound to use: --speech DIR and --noise DIR, or --index CSV.")
    return {
        "speech": args.speech,
        "noise": args.noise,
        "rir": args.rir,
        "index": args.index,
        "cache": args.cache or args.out / "cache",
    }


def add_machine_arguments(parser: argparse.ArgumentParser) -> None:
    machine = parser.add_argument_group("machine")
    machine.add_argument(
        "--device", default="auto", metavar="DEVICE", help="auto (default), cpu, cuda or cuda:N"
    )
    machine.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="of the network's arithmetic (default: what suits the device)",
    )
    machine.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes that mix (1; 0: none)"
    )
    machine.add_argument(
        "--threads", type=positive, metavar="N", help="of the processor (default: all)"
    )


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def positive_float(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def source_weights(texts: list[str]) -> dict[str, float]:
    """Factors from texts such as "librispeech=2"."""
    weights = {}
    for text in texts:
        name, _, factor = text.rpartition("=")
        try:
            weights[name] = float(factor)
        except ValueError:
            weights[name] = -1.0
        if not name or weights[name] < 0:
            raise UserError(f"--source-weight takes NAME=FACTOR such as librispeech=2, not {text}.")
    return weights


def loss_weights(texts: list[str]) -> "LossWeights":
    """The loss of texts such as "si_snr=0.2", each a change of the default one."""
    from frcrn_app.training.losses import LossWeights

    terms = {field.name: type(field.default) for field in fields(LossWeights)}
    chosen = {}
    for text in texts:
        if text == "paper":
            chosen |= PAPER_LOSS
            continue
        name, _, value = text.partition("=")
        try:
            chosen[name] = terms[name](value)
        except (KeyError, ValueError):
            raise UserError(
                f"--loss takes TERM=WEIGHT, not {text}; terms are {', '.join(terms)}."
            ) from None
    return LossWeights(**chosen)


def run(args: argparse.Namespace) -> int:
    """Trains to the end, or to the next state when stopped with Ctrl-C or a signal.

    Raises:
        UserError: on audio, weights, device or out folder that cannot be used.
    """
    from frcrn_app.training.trainer import STATE_FILE

    sound_named(args)
    if (args.out / STATE_FILE).exists() and not args.resume:
        raise UserError(
            f"{args.out} holds a run already: go on with it (--resume) or name another --out."
        )
    trainer = build_trainer(args)
    lines = Lines()
    if args.resume:
        lines.say(f"resumed at step {trainer.resume()}")
    size = sum(p.numel() for p in trainer.model.parameters())
    lines.say(f"{size / 1e6:.2f} M parameters on {trainer.device}, into {args.out}")
    with stopping_politely() as stopped:

        def report(numbers: dict) -> None:
            lines.report(numbers)
            if stopped():
                # After a whole step and from the loop's own thread: the state is consistent.
                trainer.save_state()
                lines.say(f"stopped at step {trainer.step}; go on with --resume")
                raise KeyboardInterrupt

        trainer.run(report)
    lines.say(f"weights: {args.out / 'best.safetensors'} (best by validation), last.safetensors")
    return 0


def build_trainer(args: argparse.Namespace) -> "Trainer":
    """The trainer of parsed arguments: corpora decoded, mixtures set up, weights loaded."""
    from frcrn_app.training.corpus import Corpus
    from frcrn_app.training.mixtures import MixtureConfig, MixtureSet, batches, validation_mixtures
    from frcrn_app.training.trainer import Trainer

    lines = Lines()
    config = train_config(args)  # a wrong argument is said before hours of audio are decoded
    factors = source_weights(args.source_weight)
    sound = sound_named(args)
    train = Corpus.build(**sound, progress=lines.progress("decoding"))
    valid = Corpus.build(**sound, split="valid")
    lines.say(
        f"speech {train.seconds('speech') / 3600:.2f} h of {len(train.groups('speech'))} speakers, "
        f"noise {train.seconds('noise') / 3600:.2f} h of {len(train.groups('noise'))} kinds"
    )
    mixing = MixtureConfig(seconds=args.seconds, simulated_rooms=args.rooms)
    mixing.source_weights |= factors
    mixtures = MixtureSet(train, mixing, args.seed, lines.progress("simulating rooms"))
    validation = []
    if valid.speech and valid.noise:
        fixed = validation_mixtures(valid, args.validation_mixtures)
        validation = [(m.noisy, m.clean) for m in fixed if _scorable(m.noisy, m.clean)]
    elif args.validation_mixtures:
        lines.say("nothing could be held out for validation: the best weights are the last ones")

    def stream(first: int, rank: int, world_size: int) -> Iterator:
        return batches(mixtures, args.batch, first, args.workers, rank=rank, world_size=world_size)

    return Trainer(config, stream, validation)


def _scorable(noisy: "np.ndarray", clean: "np.ndarray") -> bool:
    """Whether the scores of validation are defined: not for a clip of breath or of a whisper."""
    from frcrn_app import metrics

    try:
        metrics.pesq_score(clean, noisy)
        metrics.stoi_score(clean, noisy)
    except metrics.MetricError:
        return False
    return True


def train_config(args: argparse.Namespace) -> "TrainConfig":
    from frcrn_app.training.trainer import TrainConfig
    from frcrn_app.weights import load_weights

    channels, unets, inputs = args.channels or 32, args.unets or 1, args.inputs or 3
    context = args.context or 0
    if args.init:
        # What is not asked for is as large as what it starts from.
        start = load_weights(args.init).config
        channels, unets = args.channels or start.channels, args.unets or start.unets
        inputs = args.inputs or start.inputs
        context = args.context or start.context
    if channels % 8:
        raise UserError(f"--channels must be a multiple of 8, not {channels}.")
    chosen = {}
    if args.steps is not None:
        # A short run must not spend itself on warming up.
        chosen = {"steps": args.steps, "warmup_steps": min(100, args.steps // 10)}
    return TrainConfig(
        out=args.out,
        channels=channels,
        unets=unets,
        inputs=inputs,
        context=context,
        init=args.init,
        teacher=args.teacher,
        teacher_share=args.teacher_share,
        hours=None if args.steps else args.hours or 1.0,
        **chosen,
        batch_size=args.batch,
        accumulate=args.accumulate,
        learning_rate=args.learning_rate,
        optimizer=args.optimizer,
        clip_norm=args.clip,
        decay_share=args.decay_share,
        ema_decay=1 - 1 / args.average,
        loss=loss_weights(args.loss),
        precision=args.precision,
        device=args.device,
        compile=args.compile,
        threads=args.threads,
        seed=args.seed,
        checkpoint_seconds=args.save_every,
        validate_every=args.validate_every,
    )


class Lines:
    """Progress as lines on stderr, now and then; of the first process alone."""

    def __init__(self):
        import os

        self.silent = int(os.environ.get("RANK", 0)) > 0
        self._next = 0.0

    def say(self, text: str) -> None:
        if not self.silent:
            print(text, file=sys.stderr, flush=True)

    def progress(self, what: str) -> Callable[[int, int], None]:
        def report(done: int, count: int) -> None:
            if time.monotonic() >= self._next and done < count:
                self._next = time.monotonic() + LINE_SECONDS
                self.say(f"{what}: {done} of {count}")

        return report

    def report(self, numbers: dict) -> None:
        """A line of the trainer's numbers, when one is due or a validation has come."""
        validated = "score" in numbers
        if not validated and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + LINE_SECONDS
        text = (
            f"step {numbers['step']}/{numbers['steps']}  loss {numbers['loss']:.3f}  "
            f"gradient {numbers['gradient_norm']:.2f}  "
            f"{numbers['audio_per_second']:.1f} s of audio a second  "
            f"{numbers['hours_heard']:.2f} h heard in {numbers['hours']:.2f} h"
        )
        if numbers["skipped"]:
            text += f"  {numbers['skipped']} steps skipped"
        if validated:
            text += (
                f"\n  validation: PESQ {numbers['pesq']:.3f}  STOI {numbers['stoi']:.4f}  "
                f"SI-SDR {numbers['si_sdr']:.2f} dB"
            )
        self.say(text)


@contextmanager
def stopping_politely() -> Iterator[Callable[[], bool]]:
    """Yields whether SIGINT or SIGTERM has come; a second one stops at once."""
    seen = False

    def on_signal(number: int, frame: object) -> None:
        nonlocal seen
        if seen:
            raise KeyboardInterrupt
        seen = True

    before = {
        number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield lambda: seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
