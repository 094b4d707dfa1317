"""Small operations on waveforms `[samples]` at 16 kHz, and draws from a random generator."""

import math
from functools import lru_cache

import numpy as np
import torch

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.model import without_infrasound as high_passed
from frcrn_app.training.activity import active_power
from frcrn_app.training.transform import irfft, rfft

EQUALISER_KNOTS = np.array([0, 125, 250, 500, 1000, 2000, 4000, 8000], np.float64)  # Hz


def gain_to(samples: np.ndarray, power: float) -> np.float32:
    """Factor that brings the active power of `samples` to `power`."""
    return np.float32(math.sqrt(power / max(active_power(samples), 1e-20)))


def choose(rng: np.random.Generator, cumulative: np.ndarray) -> int:
    """An index, drawn by shares that are summed up, `[choices]`."""
    return int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number whose logarithm is uniform between the bounds'."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def silence_a_part(rng: np.random.Generator, samples: np.ndarray) -> None:
    """Makes a pause of a quarter to three quarters of `[samples]`, in place."""
    length = len(samples)
    pause = int(rng.uniform(0.25, 0.75) * length)
    start = int(rng.integers(0, length - pause + 1))
    fade = 400
    ramp = np.linspace(1, 0, fade, dtype=np.float32)
    samples[start : start + fade] *= ramp
    samples[start + fade : start + pause - fade] = 0
    samples[start + pause - fade : start + pause] *= ramp[::-1]


def slow_envelope(rng: np.random.Generator, samples: int) -> np.ndarray:
    """A gain that swells by up to 20 dB, 0.5 to 8 times a second, float32 `[samples]`."""
    knots = max(3, round(samples / SAMPLE_RATE * rng.uniform(0.5, 8.0)) + 1)
    decibels = rng.uniform(-20, 0, knots)
    positions = np.linspace(0, samples - 1, knots)
    return (10 ** (np.interp(np.arange(samples), positions, decibels) / 20)).astype(np.float32)


def fade_ends(samples: np.ndarray, *, start: bool, end: bool) -> None:
    """Fades the ends of `[samples]` over 5 ms, in place."""
    ramp = np.linspace(0, 1, min(80, len(samples)), dtype=np.float32)
    if start:
        samples[: len(ramp)] *= ramp
    if end:
        samples[-len(ramp) :] *= ramp[::-1]


def fourier_resampled(samples: np.ndarray, length: int) -> np.ndarray:
    """Resampled to `length` by cutting or padding the spectrum."""
    spectrum = rfft(samples)
    bins = length // 2 + 1
    if len(spectrum) < bins:
        spectrum = np.pad(spectrum, (0, bins - len(spectrum)))
    return irfft(spectrum[:bins], length) * np.float32(length / len(samples))


@lru_cache(maxsize=8)
def _knot_weights(size: int) -> np.ndarray:
    """Linear interpolation over log frequency from knots to bins, float32 `[bins, knots]`."""
    frequency = np.linspace(0, SAMPLE_RATE / 2, size // 2 + 1)
    place = np.interp(
        np.log2(frequency + 60), np.log2(EQUALISER_KNOTS + 60), np.arange(len(EQUALISER_KNOTS))
    )
    weights = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(len(EQUALISER_KNOTS))))
    return weights.astype(np.float32)


def equaliser_gain(decibels: np.ndarray, size: int) -> np.ndarray:
    """Gain of every bin of a real transform of `size`, from dB at `EQUALISER_KNOTS`."""
    # Zero phase: speech and target, and noisy and clean, stay aligned.
    return np.exp(_knot_weights(size) @ (decibels * (math.log(10) / 20)).astype(np.float32))


def without_infrasound(speech: np.ndarray) -> np.ndarray:
    """Speech, float32 `[samples]`, without what lies below any voice; to the bit the same anywhere.

    By one thread: torch's transforms round differently with more, and a worker process has one.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return high_passed(torch.from_numpy(speech)[None])[0].numpy()
    finally:
        torch.set_num_threads(threads)
