"""What comes back above 8 kHz: log-spectral distance and SNR against removing it and leaving it.

    python benchmarks/band.py --speech FOLDER --noise FOLDER

Both folders hold recordings of 44.1 or 48 kHz, the speech clean. All speech is joined and mixed
with each noise at 0, 10 and 20 dB; the distance counts bins from 8.5 to 20 kHz.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from frcrn_app import Audio, Denoiser, load_audio  # noqa: E402
from frcrn_app.audio import find_audio, resample, to_mono  # noqa: E402

RATE = 48_000
FRAME, HOP = 2048, 512
SNRS_DB = (0, 10, 20)
QUIET = 1e-3  # of a bin's magnitude: 60 dB below a full-scale sample in each


def spectrum(samples: np.ndarray) -> np.ndarray:
    """Bins from 8.5 to 20 kHz, [frames, bins]."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP] * np.hanning(FRAME)
    return np.fft.rfft(frames)[:, int(8_500 * FRAME / RATE) : int(20_000 * FRAME / RATE)]


def log_spectral_distance(clean: np.ndarray, other: np.ndarray) -> float:
    """dB."""
    levels = [20 * np.log10(np.abs(spectrum(x)) + QUIET) for x in (clean, other)]
    return float(np.sqrt(((levels[0] - levels[1]) ** 2).mean(1)).mean())


def snr(clean: np.ndarray, other: np.ndarray) -> float:
    """dB."""
    reference = spectrum(clean)
    error = reference - spectrum(other)
    return float(10 * np.log10((np.abs(reference) ** 2).sum() / (np.abs(error) ** 2).sum()))


def audio_files(folder: Path) -> list[Path]:
    return find_audio(folder).files


def mono(path: Path) -> np.ndarray:
    audio = to_mono(load_audio(path))
    return resample(audio.samples, audio.sample_rate, RATE)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--speech", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--noise", type=Path, required=True, metavar="FOLDER")
    args = parser.parse_args()
    pause = np.zeros(RATE // 4, np.float32)
    parts = [mono(path) for path in audio_files(args.speech)]
    clean = np.concatenate([x for part in parts for x in (part / np.abs(part).max() / 2, pause)])
    kept, removed = Denoiser(), Denoiser(full_band=False)
    rows: dict[str, list[tuple[float, float]]] = {}
    print("| noise | SNR, dB | left alone | removed | follows the network |")
    print("|---|---|---|---|---|")
    for path in audio_files(args.noise):
        noise = np.resize(mono(path), clean.shape)
        for decibels in SNRS_DB:
            gain = np.sqrt(np.mean(clean**2) / np.mean(noise**2) / 10 ** (decibels / 10))
            noisy = (clean + gain * noise).astype(np.float32)
            results = {
                "left alone": noisy,
                "removed": removed(Audio(noisy, RATE)).samples[0],
                "follows the network": kept(Audio(noisy, RATE)).samples[0],
            }
            cells = []
            for name, samples in results.items():
                figures = log_spectral_distance(clean, samples), snr(clean, samples)
                rows.setdefault(name, []).append(figures)
                cells.append(f"{figures[0]:.1f} / {figures[1]:.1f}")
            print(f"| {path.stem} | {decibels} | {' | '.join(cells)} |")
    means = (np.mean(figures, 0) for figures in rows.values())
    print(f"| mean | | {' | '.join(f'{d:.1f} / {s:.1f}' for d, s in means)} |")


if __name__ == "__main__":
    main()
