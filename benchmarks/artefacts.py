"""What the weights do where nothing is to be done: clean speech, noise alone, any level.

    python -m frcrn_app mix --index INDEX.csv --count 24 --out PAIRS
    python benchmarks/artefacts.py PAIRS [--weights NAME]

Takes a minute for 24 pairs on two CPU cores.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from frcrn_app import metrics  # noqa: E402
from frcrn_app.audio import Audio, load_audio  # noqa: E402
from frcrn_app.constants import SAMPLE_RATE  # noqa: E402
from frcrn_app.inference import Denoiser  # noqa: E402

LEVELS_DBFS = (-50, -35, -20, -5)  # RMS of the noisy recording, clipped nowhere


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pairs", type=Path, help="folder with clean/ and noisy/ at 16 kHz")
    parser.add_argument("--weights", default="auto")
    args = parser.parse_args()
    denoiser = Denoiser(args.weights)

    def denoised(samples: np.ndarray) -> np.ndarray:
        return denoiser(Audio(samples[None].astype(np.float32), SAMPLE_RATE)).samples[0]

    si_sdr, pesq, reduction = [], [], []
    by_level: dict[int, list[float]] = {level: [] for level in LEVELS_DBFS}
    for path in sorted((args.pairs / "clean").iterdir()):
        clean, noisy = (
            load_audio(args.pairs / kind / path.name).samples[0] for kind in ("clean", "noisy")
        )
        kept = denoised(clean)
        si_sdr.append(metrics.si_sdr(clean, kept))
        pesq.append(metrics.pesq_score(clean, kept))
        noise = noisy - clean
        reduction.append(10 * np.log10(np.sum(noise**2) / np.sum(denoised(noise) ** 2)))
        for level, scores in by_level.items():
            gain = 10 ** (level / 20) / np.sqrt(np.mean(noisy**2))
            scores.append(metrics.pesq_score(clean, denoised(noisy * gain) / gain))
    levels = [np.mean(scores) for scores in by_level.values()]
    print(f"{denoiser.entry.name}, {len(pesq)} pairs\n\n| | mean | worst |\n|---|---|---|")
    print(f"| clean speech, SI-SDR | {np.mean(si_sdr):.1f} dB | {min(si_sdr):.1f} dB |")
    print(f"| clean speech, PESQ-WB | {np.mean(pesq):.2f} | {min(pesq):.2f} |")
    print(f"| noise alone, reduction | {np.mean(reduction):.1f} dB | {min(reduction):.1f} dB |")
    print(
        f"| level from {LEVELS_DBFS[0]} to {LEVELS_DBFS[-1]} dBFS, change of PESQ | "
        f"{max(levels) - min(levels):.3f} | |"
    )


if __name__ == "__main__":
    main()
