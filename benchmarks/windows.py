"""How long the windows of long recordings should be, where scenes change and where they do not.

    frcrn mix --index INDEX.csv --count 36 --seconds 20 --seed 21 --out PAIRS
    python benchmarks/windows.py PAIRS

Mixtures are joined into recordings whose speaker, noise and level change from one to the next. Each
recording is cleaned in windows of several lengths, and each mixture once by itself; the scores are
means over the mixtures.
"""

import argparse
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from frcrn_app import Audio, Denoiser, load_audio  # noqa: E402
from frcrn_app.audio import find_audio  # noqa: E402
from frcrn_app.constants import SAMPLE_RATE  # noqa: E402
from frcrn_app.metrics import score  # noqa: E402

METRICS = ("pesq_wb", "stoi", "si_sdr")


def scores(
    denoiser: Denoiser, noisy: list[np.ndarray], clean: list[np.ndarray]
) -> list[dict[str, float]]:
    """Of each mixture, cleaned as part of one recording."""
    joined = Audio(np.concatenate(noisy)[None], SAMPLE_RATE)
    enhanced = denoiser(joined).samples[0]
    ends = np.cumsum([len(samples) for samples in noisy])
    return [
        score(target, enhanced[begin:end], METRICS)[0]
        for target, (begin, end) in zip(clean, pairwise([0, *ends]), strict=True)
    ]


def row(name: str, found: list[dict[str, float]]) -> str:
    means = [np.nanmean([scored[metric] for scored in found]) for metric in METRICS]
    return f"| {name} | {means[0]:.3f} | {means[1]:.4f} | {means[2]:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pairs", type=Path, help="folder with clean/ and noisy/")
    parser.add_argument("--weights", default="auto")
    parser.add_argument("--join", type=int, default=6, help="mixtures in a recording")
    parser.add_argument("--windows", type=float, nargs="+", default=[8, 15, 40], metavar="SECONDS")
    args = parser.parse_args()
    clean, noisy = (
        [load_audio(path).samples[0] for path in find_audio(args.pairs / side).files]
        for side in ("clean", "noisy")
    )
    recordings = [
        (noisy[first : first + args.join], clean[first : first + args.join])
        for first in range(0, len(clean), args.join)
    ]
    longest = max(sum(map(len, parts)) for parts, _ in recordings) / SAMPLE_RATE
    print("| windows | PESQ-WB | STOI | SI-SDR, dB |\n|---|---|---|---|")
    for seconds in (*args.windows, longest):
        denoiser = Denoiser(args.weights, precision="float32", window_seconds=seconds)
        found = [each for recording in recordings for each in scores(denoiser, *recording)]
        print(row("none" if seconds == longest else f"{seconds:g} s", found), flush=True)
        if seconds in (min(args.windows), longest):
            alone = [scores(denoiser, [x], [y])[0] for x, y in zip(noisy, clean, strict=True)]
            print(row("the same, each mixture by itself", alone), flush=True)


if __name__ == "__main__":
    main()
