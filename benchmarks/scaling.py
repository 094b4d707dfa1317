"""Files by one process, by two, and by Ray actors: seconds, speed, and what a cluster would do.

    python benchmarks/scaling.py
    python benchmarks/scaling.py --nodes 8 --cores 16 --price 0.80

Each worker calculates on one thread. Contestants take turns, so that what else the machine does
meets all of them; the seconds count from when the workers are ready. Needs frcrn-app[cluster].
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from frcrn_app.audio import Audio, load_audio, save_audio  # noqa: E402
from frcrn_app.batch import (  # noqa: E402
    DenoiserSettings,
    FilePlan,
    RunOptions,
    plan_files,
    run_plan,
    spread_plan,
)
from frcrn_app.workers import ProcessCrew, RayCrew  # noqa: E402

OPTIONS = RunOptions(format="wav16")
Run = Callable[[FilePlan, DenoiserSettings], float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", default="auto")
    parser.add_argument("--files", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each file")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--nodes", type=int, default=8, help="of the cluster that is reckoned")
    parser.add_argument("--cores", type=int, default=16, help="of each of them")
    parser.add_argument("--price", type=float, default=0.80, help="of a node and hour")
    args = parser.parse_args()
    contestants: dict[str, Run] = {
        "plain calls": plain,
        "1 process": partial(spread, partial(ProcessCrew, size=1, threads=1)),
        "2 processes": partial(spread, partial(ProcessCrew, size=2, threads=1)),
        "1 Ray actor": partial(spread, partial(RayCrew, size=1, threads=1, gpus=False)),
        "2 Ray actors": partial(spread, partial(RayCrew, size=2, threads=1, gpus=False)),
    }
    settings = DenoiserSettings(args.weights, "cpu", "float32")
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    with tempfile.TemporaryDirectory(prefix="frcrn-scaling-") as folder:
        recordings = made(Path(folder) / "in", args.files, args.seconds)
        start_ray()
        for number in range(args.rounds):
            for name, run in contestants.items():
                out = Path(folder) / f"{number} {name}"
                taken[name].append(run(plan_files([recordings], out, format="wav16"), settings))
                print(f"{name}: {taken[name][-1]:.1f} s", file=sys.stderr)
    report(taken, args)


def start_ray() -> None:
    """On two cores, so that actors of one thread each are what `RayCrew` makes of them."""
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["PYTHONPATH"] = str(ROOT)
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)


def made(folder: Path, files: int, seconds: float) -> Path:
    """Pieces of the example recordings."""
    clips = [load_audio(path) for path in sorted((ROOT / "examples" / "pairs" / "noisy").iterdir())]
    for number in range(files):
        clip = clips[number % len(clips)]
        wanted = int(seconds * clip.sample_rate)
        samples = np.resize(clip.samples[0], (1, wanted))
        save_audio(folder / f"{number}.wav", Audio(samples, clip.sample_rate))
    return folder


def plain(plan: FilePlan, settings: DenoiserSettings) -> float:
    """Seconds of one process that calls its Denoiser file by file."""
    torch.set_num_threads(1)
    denoiser = settings.denoiser()
    denoiser.warm_up()
    start = time.perf_counter()
    run_plan(plan, denoiser, OPTIONS)
    return time.perf_counter() - start


def spread(crew: Callable, plan: FilePlan, settings: DenoiserSettings) -> float:
    """Seconds of workers, from when the first is ready."""
    elapsed = 0.0

    def progress(standing) -> None:
        nonlocal elapsed
        elapsed = standing.elapsed

    spread_plan(plan, crew, settings, OPTIONS, progress=progress)
    return elapsed


def report(taken: dict[str, list[float]], args: argparse.Namespace) -> None:
    """Prints the table, and the cluster that follows from it."""
    audio = args.files * args.seconds
    middle = {name: statistics.median(seconds) for name, seconds in taken.items()}
    print("|  | seconds | times real time | times plain calls |")
    print("| --- | --- | --- | --- |")
    for name, seconds in middle.items():
        ratios = [a / b for a, b in zip(taken["plain calls"], taken[name], strict=True)]
        ratio = statistics.median(ratios)
        print(f"| {name} | {seconds:.1f} | {audio / seconds:.2f} | {ratio:.2f} |")
    overhead = median_ratio(taken, "1 Ray actor", "plain calls") - 1
    processes = median_ratio(taken, "1 process", "2 processes")
    actors = median_ratio(taken, "1 Ray actor", "2 Ray actors")
    print(f"\nRay costs {100 * overhead:+.1f} % of plain calls.")
    print(f"Two workers do {processes:.2f} (processes), {actors:.2f} (actors) times what one does.")
    speed = audio / middle["1 Ray actor"]
    hours = args.nodes * args.cores * speed * actors / 2
    print(
        f"\n{args.nodes} nodes x {args.cores} cores x {speed:.2f} times real time x "
        f"{actors / 2:.2f} = {hours:.0f} hours of audio an hour; an hour of audio costs "
        f"{args.nodes * args.price / hours:.5f} where a node costs {args.price:.2f} an hour"
    )


def median_ratio(taken: dict[str, list[float]], one: str, other: str) -> float:
    """Of the seconds of two contestants, round by round."""
    return statistics.median(a / b for a, b in zip(taken[one], taken[other], strict=True))


if __name__ == "__main__":
    main()
