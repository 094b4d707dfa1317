"""frcrn train: a network from folders of speech and noise."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frcrn_app.cli.arguments import (
    Lines,
    add_corpus_arguments,
    add_loss_argument,
    add_training_machine_arguments,
    loss_weights,
    natural,
    not_negative,
    positive,
    positive_float,
    recordings,
    say_left_out,
    say_numbers,
    seed,
    share,
)
from frcrn_app.cli.recall import keep_arguments, recall_arguments
from frcrn_app.errors import UserError

if TYPE_CHECKING:
    from frcrn_app.model import FRCRNConfig
    from frcrn_app.training import TrainConfig

HELP = "train a network on your own speech and noise"
ARGUMENTS_FILE = "arguments.json"  # in OUT: what the run was started with


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "On several GPUs: torchrun --nproc-per-node 4 -m frcrn_app train ... "
        "The weights are OUT/best.safetensors; give that path to --weights of other commands. "
        "frcrn weights average makes one file of several."
    )
    add_corpus_arguments(parser)
    _add_network_arguments(parser)
    _add_run_arguments(parser)
    add_training_machine_arguments(parser)


def _add_network_arguments(parser: argparse.ArgumentParser) -> None:
    network = parser.add_argument_group(
        "network", "what is not named is as in the weights of --init, or in the run of --resume"
    )
    add = network.add_argument
    add("--channels", type=positive, metavar="N", help="complex channels, a multiple of 8 (32)")
    add("--unets", type=int, choices=(1, 2), help="U-Nets in a row (1)")
    add(
        "--inputs",
        type=int,
        choices=(1, 2, 3),
        help="what the network takes: 1 the spectrum, as the released one does; 2 also its "
        "compressed form, of audio without infrasound; 3 also that over its mean around (3)",
    )
    add(
        "--attention",
        type=natural,
        metavar="FRAMES",
        help="of 20 ms to either side, that attention averages over (0: all of a recording)",
    )
    add(
        "--context",
        type=positive,
        metavar="N",
        help="channels of blocks over time at the deeper levels (default: no blocks)",
    )
    add(
        "--real",
        action="store_true",
        default=None,
        help="real convolutions of twice the channels in place of complex ones: twice the weights, "
        "as much work",
    )
    add(
        "--causal",
        action="store_true",
        default=None,
        help="a network for live use: a frame's mask follows from the present and the past",
    )
    add(
        "--lookahead",
        type=int,
        choices=range(4),
        metavar="N",
        help="frames of 20 ms, up to 3, that a causal network waits for (0)",
    )
    add(
        "--init",
        metavar="WEIGHTS",
        help="start from these weights (a name or path); smaller ones are grown",
    )
    add("--teacher", metavar="WEIGHTS", help="learn from these weights' output as well")
    add("--teacher-share", type=share, default=0.5, metavar="S", help="its part of the loss (0.5)")


def _add_run_arguments(parser: argparse.ArgumentParser) -> None:
    run = parser.add_argument_group("run")
    _add_learning(run)
    _add_keeping(run)
    run.add_argument("--compile", action="store_true", help="torch.compile: minutes, then faster")


def _add_learning(run: "argparse._ArgumentGroup") -> None:
    """How long, from what, by what."""
    length = run.add_mutually_exclusive_group()
    length.add_argument("--hours", type=positive_float, metavar="H", help="of training (1)")
    length.add_argument("--steps", type=positive, metavar="N", help="in place of --hours")
    add = run.add_argument
    add("--batch", type=positive, default=4, metavar="N", help="examples at once (4)")
    add("--accumulate", type=positive, default=1, metavar="N", help="batches a step (1)")
    add("--seconds", type=positive_float, default=3.0, metavar="S", help="of an example (3)")
    add("--learning-rate", type=positive_float, default=1e-3, metavar="R", help="at most (0.001)")
    add(
        "--decay-share",
        type=share,
        default=0.3,
        metavar="S",
        help="of the run in which the rate falls to zero (0.3; 0: it stays)",
    )
    add(
        "--average",
        type=positive,
        default=500,
        metavar="STEPS",
        help="that the averaged weights, the ones kept, reach back over (500)",
    )
    add(
        "--clip",
        type=positive_float,
        default=60.0,
        metavar="NORM",
        help="of the gradient, at most: about its median, which progress shows (60)",
    )
    add(
        "--optimizer",
        choices=("muon", "adamw"),
        default="muon",
        help="of the hidden layers' matrices (muon); all else is AdamW's",
    )
    add_loss_argument(
        run,
        "compressed spectra, signal-to-noise ratio and an estimate of PESQ",
    )
    add("--seed", type=seed, default=0, metavar="N", help="another seed, other mixtures")


def _add_keeping(run: "argparse._ArgumentGroup") -> None:
    """When a run is scored, and what it leaves where."""
    add = run.add_argument
    add("--validate-every", type=positive, default=500, metavar="N", help="steps (500)")
    add(
        "--validation-mixtures",
        type=natural,
        default=48,
        metavar="N",
        help="scored at every validation (48; 0: none, the last weights are the best)",
    )
    add(
        "--save-every",
        type=not_negative,
        default=180.0,
        metavar="S",
        help="seconds between states (180)",
    )
    add(
        "--snapshot-every",
        type=natural,
        default=0,
        metavar="N",
        help="steps between weights that stay in OUT, for frcrn weights average (0: none)",
    )
    add(
        "--resume",
        action="store_true",
        help="go on from the state in OUT, bit for bit; its arguments need not be named again, and "
        "those that are named replace the former ones",
    )
    add("--out", type=Path, default=Path("training"), metavar="DIR", help="(training/)")


def run(args: argparse.Namespace) -> int:
    """Trains to the end, or to the next state when stopped with Ctrl-C or a signal.

    Raises:
        UserError: on audio, weights, device or out folder that cannot be used.
    """
    from frcrn_app.training import (
        BEST_FILE,
        LAST_FILE,
        MixtureConfig,
        build_trainer,
        stopping_politely,
    )

    args = _of_the_run(args)
    chosen = recordings(args)
    config = train_config(args)  # a wrong argument is said before hours of audio are decoded
    lines = Lines()
    train = chosen.corpus(progress=lines.progress("decoding"))
    valid = chosen.corpus("valid")
    say_left_out(lines, train.left_out)
    lines.say(
        f"speech {train.seconds('speech') / 3600:.2f} h of {len(train.groups('speech'))} speakers, "
        f"noise {train.seconds('noise') / 3600:.2f} h of {len(train.groups('noise'))} kinds"
    )
    trainer = build_trainer(
        config,
        train,
        valid,
        mixing=MixtureConfig(seconds=args.seconds, simulated_rooms=args.rooms),
        workers=args.workers,
        validation=args.validation_mixtures,
        resume=args.resume,
        progress=lines.progress("simulating rooms"),
    )
    if args.validation_mixtures and not trainer.validation:
        lines.say("nothing could be held out for validation: the best weights are the last ones")
    if args.resume:
        lines.say(f"resumed at step {trainer.step}")
    if not lines.silent:
        keep_arguments(args, args.out / ARGUMENTS_FILE)
    size = sum(p.numel() for p in trainer.model.parameters())
    lines.say(f"{size / 1e6:.2f} M parameters on {trainer.device}, into {args.out}")
    with stopping_politely() as stopped:

        def report(numbers: dict) -> None:
            say_numbers(lines, numbers)
            if stopped():
                # After a whole step and from the loop's own thread: the state is consistent.
                trainer.save_state()
                lines.say(f"stopped at step {trainer.step}; go on with --resume")
                raise KeyboardInterrupt

        trainer.run(report)
    lines.say(f"weights: {args.out / BEST_FILE} (best by validation), {LAST_FILE}")
    return 0


def _of_the_run(args: argparse.Namespace) -> argparse.Namespace:
    """The arguments of a new run; of one that goes on, its own where none are named.

    Raises:
        UserError: there is a run in the folder that was not asked to go on, or its arguments
            cannot be read.
    """
    from frcrn_app.training import STATE_FILE

    if not args.resume:
        if (args.out / STATE_FILE).exists():
            raise UserError("training.out_holds_run", path=args.out)
        return args
    kept = args.out / ARGUMENTS_FILE
    if not kept.exists():  # a run of an earlier version, or one that never began
        return args
    return recall_arguments(add_arguments, args.words, kept)


def train_config(args: argparse.Namespace) -> "TrainConfig":
    """The run that arguments ask for.

    Raises:
        UserError: the network or the loss cannot be as it is asked for, or its weights be loaded.
    """
    from frcrn_app.training import LossWeights, TrainConfig

    chosen = {}
    if args.steps is not None:
        # A short run must not spend itself on warming up.
        chosen = {"steps": args.steps, "warmup_steps": min(100, args.steps // 10)}
    return TrainConfig(
        out=args.out,
        network=network_config(args),
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
        loss=loss_weights(args.loss, LossWeights()),
        precision=args.precision,
        device=args.device,
        compile=args.compile,
        threads=args.threads,
        seed=args.seed,
        checkpoint_seconds=args.save_every,
        validate_every=args.validate_every,
        snapshot_every=args.snapshot_every,
    )


def network_config(args: argparse.Namespace) -> "FRCRNConfig":
    """The network that arguments ask for.

    What they leave open is as in the state that a run goes on from, else as in the weights of
    --init.
    """
    from frcrn_app.training import NEW_NETWORK, STATE_FILE, network_of_state
    from frcrn_app.weights import load_weights

    if args.channels and args.channels % 8:
        raise UserError("training.channels", channels=args.channels)
    names = ("channels", "unets", "inputs", "real", "attention", "context", "causal", "lookahead")
    asked: dict[str, Any] = {name: getattr(args, name) for name in names}
    asked = {name: value for name, value in asked.items() if value is not None}
    state = args.out / STATE_FILE
    if args.resume and state.exists():
        start = network_of_state(state)
    elif args.init:
        start = load_weights(args.init).config
    else:
        start = NEW_NETWORK
    if asked.get("lookahead") and not asked.get("causal", start.causal):
        raise UserError("training.lookahead_needs_causal")
    return replace(start, **asked)
