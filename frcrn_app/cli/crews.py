"""--workers and --ray: the arguments of commands that can work with many workers."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from frcrn_app.cli.arguments import Lines, positive

if TYPE_CHECKING:
    from frcrn_app.batch import DenoiserSettings, Standing
    from frcrn_app.workers import Crew, Make


def add_worker_arguments(parser: argparse.ArgumentParser, workers: str) -> None:
    """--workers and --ray; `workers` says what --workers means here."""
    parser.add_argument("--workers", type=positive, metavar="N", help=workers)
    parser.add_argument(
        "--ray",
        nargs="?",
        const="local",
        type=_address,
        metavar="ADDRESS",
        help="work on a Ray cluster, with a worker for each GPU, else for every four cores, or "
        "with --workers of them: HOST:PORT, auto for the cluster of this machine, or nothing to "
        "start one here (needs frcrn-app[cluster])",
    )


def _address(text: str) -> str:
    """Of a cluster. A file that follows --ray by mistake is refused rather than dropped."""
    if text in ("auto", "local") or ":" in text:
        return text
    raise argparse.ArgumentTypeError(
        f"{text!r} is not HOST:PORT, auto or local (files come before --ray)"
    )


def crew_of(args: argparse.Namespace) -> Callable[[Make], Crew] | None:
    """What starts the workers that the arguments ask for; None: none are asked for."""
    from frcrn_app.workers import ProcessCrew, RayCrew

    if args.ray is not None:
        gpus = args.device != "cpu"
        return partial(RayCrew, address=args.ray, size=args.workers, gpus=gpus)
    if args.workers is not None:
        return partial(ProcessCrew, size=args.workers)
    return None


def settings_of(args: argparse.Namespace) -> DenoiserSettings:
    """Of each worker's Denoiser."""
    from frcrn_app.batch import DenoiserSettings

    full_band = getattr(args, "band", "full") == "full"
    return DenoiserSettings(args.weights, args.device, args.precision, full_band=full_band)


class StandingBar:
    """How far many workers are: files, hours of audio, times real time, what remains. A context.

    A bar on a terminal, elsewhere a line now and then.
    """

    def __enter__(self) -> StandingBar:
        from tqdm import tqdm

        # disable=None: no bar where stderr is not a terminal.
        self._bar = tqdm(
            total=1.0,
            disable=None,
            leave=False,
            bar_format="{percentage:3.0f}%|{bar:20}| {desc}",
        )
        self._lines = Lines()
        self._lines.is_due()  # the first one in a while
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()

    def __call__(self, standing: Standing) -> None:
        self._bar.set_description_str(standing_text(standing), refresh=False)
        self._bar.update(standing.fraction - self._bar.n)
        if self._bar.disable and self._lines.is_due():
            self._lines.say(standing_text(standing))


def standing_text(standing: Standing) -> str:
    """One line about a run."""
    text = f"{standing.files_done}/{standing.files} files"
    if standing.remaining is None:
        return text
    minutes, seconds = divmod(round(standing.remaining), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{text}, {standing.seconds / 3600:.2f} h of audio, {standing.speed:.1f} x real time, "
        f"{hours}:{minutes:02d}:{seconds:02d} left"
    )
