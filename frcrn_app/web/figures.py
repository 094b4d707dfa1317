"""Pictures of sounds, quickly: numpy for the transform, Pillow for the PNG, no plotting library.

A sound of any length costs a bounded number of columns, and two sounds that are compared share one
scale, so that what looks quieter is quieter.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from frcrn_app.audio import peak

WAVEFORM_COLUMNS = 900  # peaks that the player draws
COLUMNS = 1200  # of a spectrogram, in pixels
ROWS = 320
DYNAMIC_RANGE = 80.0  # dB from the loudest bin of both sounds to black
WINDOW_SECONDS = 0.032  # of the transform: 31 Hz between bins, pitch harmonics are still apart
HOP_SECONDS = 0.008
FRAMES_PER_BLOCK = 4096  # transformed at once, so that memory stays small
MAX_HZ = 24_000.0  # beyond it nobody hears anything

# Ink, deep water, teal, sand, paper: lightness rises all the way, so that the picture also reads
# in grey and for colour-blind eyes.
_PALETTE_STOPS = (
    (0.00, (9, 14, 22)),
    (0.22, (13, 38, 62)),
    (0.45, (15, 84, 101)),
    (0.65, (46, 139, 126)),
    (0.82, (219, 178, 104)),
    (1.00, (255, 247, 226)),
)


@dataclass(frozen=True)
class SpectrogramPair:
    """Two pictures on one scale, and what their axes say."""

    original: Path
    cleaned: Path
    seconds: float
    top_hz: float
    top_dbfs: float  # a full-scale sine is 0 dB; the scale's other end is DYNAMIC_RANGE below


def waveform_peaks(samples: np.ndarray, columns: int = WAVEFORM_COLUMNS) -> list[float]:
    """Largest absolute sample, over all channels, in each of up to `columns` equal stretches.

    Args:
        samples: [channels, samples]; the peaks are not rescaled, full scale is 1.
    """
    length = samples.shape[1]
    columns = min(columns, length)
    edges = [column * length // columns for column in range(columns + 1)]
    # Stretch by stretch: a copy of hours would be large.
    return [round(peak(samples[:, a:b]), 4) for a, b in pairwise(edges)]


def save_spectrograms(
    original: np.ndarray, cleaned: np.ndarray, sample_rate: int, folder: Path
) -> SpectrogramPair:
    """Write original.png and cleaned.png on one scale into a folder.

    Args:
        original, cleaned: [channels, samples], equally long; the power of all channels is averaged.
        sample_rate: Hz
    """
    powers = [_spectrogram(samples, sample_rate) for samples in (original, cleaned)]
    top = _top(powers)
    paths = []
    for name, power in zip(("original", "cleaned"), powers, strict=True):
        paths.append(folder / f"{name}.png")
        _picture(power, top).save(paths[-1])
    return SpectrogramPair(
        original=paths[0],
        cleaned=paths[1],
        seconds=original.shape[-1] / sample_rate,
        top_hz=min(sample_rate / 2, MAX_HZ),
        top_dbfs=top,
    )


def save_spectrograms_of(
    sounds: Mapping[str, np.ndarray], sample_rate: int, folder: Path
) -> dict[str, Path]:
    """Write 0.png, 1.png and so on, all on one scale, into a folder that is made; paths by name.

    Args:
        sounds: [channels, samples] by name.
        sample_rate: Hz
        folder: new, or to be written over.
    """
    folder.mkdir(parents=True, exist_ok=True)
    powers = {name: _spectrogram(samples, sample_rate) for name, samples in sounds.items()}
    top = _top(list(powers.values()))
    paths = {}
    for number, (name, power) in enumerate(powers.items()):
        paths[name] = folder / f"{number}.png"
        _picture(power, top).save(paths[name])
    return paths


def _top(powers: Sequence[np.ndarray]) -> float:
    """The loudest bin of all, in dB re full scale."""
    loudest = max(float(power.max()) for power in powers)
    # Silence gets a black picture, not an amplified rounding error.
    return max(10 * math.log10(loudest), -100.0) if loudest > 0 else -100.0


def _spectrogram(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Power [bins, columns] of a sound, a full-scale sine being 1."""
    window_length = max(2, round(WINDOW_SECONDS * sample_rate))
    hop = max(1, round(HOP_SECONDS * sample_rate))
    window = np.hanning(window_length).astype(np.float32)
    window *= 2 / window.sum()
    n_frames = samples.shape[1] // hop + 1
    per_column = max(1, math.ceil(n_frames / COLUMNS))
    bins = 1 + math.floor(min(sample_rate / 2, MAX_HZ) * window_length / sample_rate)
    block = FRAMES_PER_BLOCK // per_column * per_column or per_column
    columns = []
    for start in range(0, n_frames, block):
        frames = _frames(samples, start, min(start + block, n_frames), window_length, hop)
        spectrum = np.fft.rfft(frames * window)[..., :bins]
        power = (np.abs(spectrum) ** 2).mean(axis=0)  # [frames, bins]
        # The mean of the frames that share a column: short noise stays as strong as it is.
        starts = np.arange(0, len(power), per_column)
        counts = np.diff(np.append(starts, len(power)))[:, None]
        columns.append(np.add.reduceat(power, starts, axis=0) / counts)
    return np.concatenate(columns).T


def _frames(samples: np.ndarray, first: int, stop: int, length: int, hop: int) -> np.ndarray:
    """Frames `first` to `stop` of samples, [channels, frames, length]; each centred on a hop."""
    begin = first * hop - length // 2
    end = (stop - 1) * hop - length // 2 + length
    piece = samples[:, max(0, begin) : end]
    lacking = max(0, end - max(samples.shape[1], max(0, begin)))
    piece = np.pad(piece, ((0, 0), (max(0, -begin), lacking)))
    return np.lib.stride_tricks.sliding_window_view(piece, length, axis=1)[:, ::hop]


def _picture(power: np.ndarray, top: float) -> Image.Image:
    """Power [bins, columns] as a palette picture, low frequencies at the bottom."""
    level = 10 * np.log10(np.maximum(power, 1e-14))  # dB re full scale
    shade = np.clip((level - top) / DYNAMIC_RANGE + 1, 0, 1)
    picture = Image.fromarray((shade[::-1] * 255).astype(np.uint8))
    picture = picture.resize((COLUMNS, ROWS), Image.Resampling.BILINEAR)
    picture.putpalette(palette())
    return picture


def palette() -> list[int]:
    """256 colours as Pillow wants them: r, g, b, r, g, b, ..."""
    positions, colours = zip(*_PALETTE_STOPS, strict=True)
    shades = np.linspace(0, 1, 256)
    channels = [np.interp(shades, positions, channel) for channel in zip(*colours, strict=True)]
    return np.stack(channels, axis=1).round().astype(int).ravel().tolist()
