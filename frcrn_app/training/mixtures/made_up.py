"""Noises that are made up, to reach where no recording of a corpus does: `[samples]` at 16 kHz."""

import numpy as np

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.training.mixtures.signals import (
    EQUALISER_KNOTS,
    equaliser_gain,
    gain_to,
    log_uniform,
    slow_envelope,
)
from frcrn_app.training.transform import fast_length, irfft


def coloured_noise(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Noise with a random slope and shape of its spectrum, steady or swelling, `[samples]`."""
    size = fast_length(samples)
    bins = size // 2 + 1
    spectrum = rng.standard_normal((bins, 2), np.float32).view(np.complex64)[:, 0]
    # Power falls as 1 / f^slope: -0.5 is a hiss, 0 white, 1 pink, 2 a rumble.
    slope = np.float32(rng.uniform(-0.5, 2.0))
    frequency = np.arange(bins, dtype=np.float32) + np.float32(30 * size / SAMPLE_RATE)
    spectrum *= frequency ** (-slope / 2)
    spectrum *= equaliser_gain(rng.uniform(-10, 10, len(EQUALISER_KNOTS)), size)
    noise = irfft(spectrum, size)[:samples]
    noise *= gain_to(noise, 1.0)
    if rng.random() < 0.5:
        noise = noise * slow_envelope(rng, samples)
    return noise


def rumble(rng: np.random.Generator, samples: int, corner_hz: float) -> np.ndarray:
    """Noise of unit power below a corner, steady or swelling, `[samples]`."""
    size = fast_length(samples)
    bins = size // 2 + 1
    frequency = np.linspace(0, SAMPLE_RATE / 2, bins, dtype=np.float32)
    spectrum = rng.standard_normal((bins, 2), np.float32).view(np.complex64)[:, 0]
    # Power falls by 6 to 24 dB an octave above the corner, and again where microphones end.
    order = np.float32(rng.uniform(1.0, 4.0))
    end = np.float32(log_uniform(rng, 1.0, 20.0))
    spectrum *= frequency / (frequency + end) / np.sqrt(1 + (frequency / corner_hz) ** (2 * order))
    noise = irfft(spectrum, size)[:samples].astype(np.float32)
    if rng.random() < 0.5:
        noise = noise * slow_envelope(rng, samples)
    return noise * gain_to(noise, 1.0)


def mains_hum(rng: np.random.Generator, samples: int) -> np.ndarray:
    """50 or 60 Hz with harmonics, as badly shielded cables pick up, `[samples]`."""
    fundamental = float(rng.choice([50.0, 60.0])) * rng.uniform(0.998, 1.002)
    order = np.arange(1, rng.integers(4, 24))
    amplitude = order ** -rng.uniform(0.5, 1.8) * rng.uniform(0.1, 1.0, len(order))
    phase = rng.uniform(0, 2 * np.pi, len(order))
    time = np.arange(samples) / SAMPLE_RATE
    # One complex rotation, multiplied up, for all harmonics: Horner's scheme in exp(iwt).
    rotation = np.exp(2j * np.pi * fundamental * time)
    total = np.zeros(samples, np.complex128)
    for coefficient in (amplitude * np.exp(1j * phase))[::-1]:
        total = (total + coefficient) * rotation
    return total.real.astype(np.float32)


def appliance(rng: np.random.Generator, samples: int) -> np.ndarray:
    """A motor: harmonics whose pitch drifts, over the rush of air that it moves, `[samples]`."""
    steps = max(3, round(samples / SAMPLE_RATE * rng.uniform(0.5, 6.0)) + 1)
    drift = np.cumsum(rng.normal(0, rng.uniform(0.0, 0.02), steps))
    pitch = log_uniform(rng, 60, 900) * np.exp(
        np.interp(np.arange(samples), np.linspace(0, samples - 1, steps), drift)
    )
    rotation = np.exp(2j * np.pi * np.cumsum(pitch) / SAMPLE_RATE)
    count = int(min(40, SAMPLE_RATE / 2 / pitch.max()))
    order = np.arange(1, count + 1)
    amplitude = order ** -rng.uniform(0.0, 1.5) * np.exp(rng.normal(0, 0.8, count))
    phase = rng.uniform(0, 2 * np.pi, count)
    harmonics = np.zeros(samples, np.complex128)
    for coefficient in (amplitude * np.exp(1j * phase))[::-1]:
        harmonics = (harmonics + coefficient) * rotation
    tone = harmonics.real.astype(np.float32)
    air = coloured_noise(rng, samples)
    return tone * gain_to(tone, 1.0) + air * gain_to(air, 10 ** rng.uniform(-2.0, 1.0))


def clicks(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Clicks and knocks: short resonances at random times, `[samples]`."""
    total = np.zeros(samples + 4000, np.float32)
    for _ in range(1 + rng.poisson(3 * samples / SAMPLE_RATE)):
        length = int(rng.integers(16, 2000))
        time = np.arange(length, dtype=np.float32)
        decay = np.exp(-time * np.float32(6 / length))
        tone = np.sin(np.float32(2 * np.pi * rng.uniform(80, 7000) / SAMPLE_RATE) * time)
        body = tone * rng.random() + rng.standard_normal(length, np.float32) * rng.random()
        start = int(rng.integers(samples))
        total[start : start + length] += body * decay * np.float32(10 ** rng.uniform(-1, 0))
    return total[:samples]
