"""What happens to speech and noise on their way: rooms, equalisers, microphones, levels."""

import math
from collections.abc import Sequence

import numpy as np

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.training.activity import FRAME
from frcrn_app.training.mixtures.config import MixtureConfig
from frcrn_app.training.mixtures.signals import EQUALISER_KNOTS, equaliser_gain, log_uniform
from frcrn_app.training.rooms import LONGEST_SECONDS, Room
from frcrn_app.training.transform import fast_length, irfft, rfft


class Acoustics:
    """Drawn rooms and filters for examples of so many `samples`, zero-phase where they can be.

    Zero phase keeps speech and target, and noisy and clean, aligned to the sample.
    """

    def __init__(self, config: MixtureConfig, rooms: Sequence[Room], samples: int):
        self._config = config
        self._rooms = rooms
        self._samples = samples

    def room(self, rng: np.random.Generator, probability: float) -> Room | None:
        if rng.random() >= probability or not self._rooms:
            return None
        return self._rooms[int(rng.integers(len(self._rooms)))]

    def equaliser(self, rng: np.random.Generator, probability: float) -> np.ndarray | None:
        """Decibels at `EQUALISER_KNOTS`, with some probability."""
        if rng.random() >= probability:
            return None
        deviation = self._config.equaliser_db
        curve = rng.normal(0, deviation, len(EQUALISER_KNOTS))
        return np.clip(curve, -2 * deviation, 2 * deviation)

    def transform_length(self, room: Room | None) -> int:
        """Length with space for the tail; two lengths only, whose equaliser tables are kept."""
        tail = FRAME if room is None else round(LONGEST_SECONDS * SAMPLE_RATE)
        return fast_length(self._samples + tail)

    def speech_and_target(
        self, rng: np.random.Generator, dry: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Speech as it arrives and its target: the same, or in a room its early part."""
        room = self.room(rng, self._config.room)
        curve = self.equaliser(rng, self._config.speech_equaliser)
        size = self.transform_length(room)
        if room is None and curve is None:
            return dry, dry
        spectrum = rfft(dry, size)
        if curve is not None:
            spectrum *= equaliser_gain(curve, size)
        if room is None:
            coloured = irfft(spectrum, size)[: self._samples]
            return coloured, coloured
        early = spectrum * rfft(room.early, size)
        whole = spectrum * rfft(room.whole, size)
        target = irfft(early, size)[: self._samples]
        return irfft(whole, size)[: self._samples], target

    def coloured(self, rng: np.random.Generator, noise: np.ndarray) -> np.ndarray:
        """A noise in a room and through an equaliser, or as it is."""
        room = self.room(rng, self._config.noise_room)
        curve = self.equaliser(rng, self._config.noise_equaliser)
        if room is None and curve is None:
            return noise
        size = self.transform_length(room)
        spectrum = rfft(noise, size)
        if curve is not None:
            spectrum *= equaliser_gain(curve, size)
        if room is not None:
            spectrum *= rfft(room.whole, size)
        return irfft(spectrum, size)[: self._samples]

    def distant(
        self, rng: np.random.Generator, voice: np.ndarray, corner_hz: tuple[float, float]
    ) -> np.ndarray:
        """A voice across the room: reverberant, and 12 dB an octave duller above a corner."""
        room = self.room(rng, 1.0)
        size = self.transform_length(room)
        spectrum = rfft(voice, size)
        if room is not None:
            spectrum *= rfft(room.whole, size)
        corner = log_uniform(rng, *corner_hz)
        frequency = np.linspace(0, SAMPLE_RATE / 2, len(spectrum), dtype=np.float32)
        spectrum /= np.sqrt(1 + (frequency / np.float32(corner)) ** 4)
        return irfft(spectrum, size)[: self._samples].astype(np.float32)

    def through_microphone(
        self, rng: np.random.Generator, noisy: np.ndarray, clean: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """One microphone's colour and band limits, on noisy and clean alike."""
        config = self._config
        curve = self.equaliser(rng, config.microphone_equaliser)
        low_pass = rng.uniform(*config.low_pass_hz) if rng.random() < config.low_pass else None
        high_pass = None
        if rng.random() < config.high_pass:
            high_pass = rng.uniform(*config.high_pass_hz)
        if curve is None and low_pass is None and high_pass is None:
            return noisy, clean
        size = fast_length(self._samples + 4 * FRAME)
        response = np.ones(size // 2 + 1, np.float32)
        if curve is not None:
            response *= equaliser_gain(curve, size)
        frequency = np.linspace(0, SAMPLE_RATE / 2, size // 2 + 1, dtype=np.float32)
        if low_pass is not None:  # of 12th order, the high-pass of 4th
            response /= np.sqrt(1 + (frequency / np.float32(low_pass)) ** 24)
        if high_pass is not None:
            response *= 1 / np.sqrt(1 + (np.float32(high_pass) / (frequency + 1)) ** 8)
        both = irfft(rfft(np.stack([noisy, clean]), size) * response, size)
        return both[0, : self._samples], both[1, : self._samples]

    def at_level(
        self, rng: np.random.Generator, noisy: np.ndarray, clean: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """A level in dBFS, no overload unless drawn, 16-bit steps; one gain for both."""
        config = self._config
        low, high = config.level_dbfs
        level = float(np.clip(rng.normal(-26.0, 8.0), low, high))
        rms = math.sqrt(float(np.mean(noisy**2))) + 1e-9
        gain = 10 ** (level / 20) / rms
        magnitude = np.abs(noisy)
        ceiling = float(magnitude.max())
        overload = rng.random() < config.clipping
        if overload:
            share = rng.uniform(*config.clipping_share)
            rank = max(1, round(share * self._samples))
            ceiling = float(np.partition(magnitude, -rank)[-rank])
        # Clean may be the louder one, where noise cancels speech or a filter rings.
        ceiling = max(ceiling, 1e-9) if overload else max(ceiling, float(np.abs(clean).max()))
        gain = min(gain, 0.99 / (ceiling + 1e-9))
        noisy, clean = noisy * np.float32(gain), clean * np.float32(gain)
        if overload:
            np.clip(noisy, -gain * ceiling, gain * ceiling, out=noisy)
        np.rint(noisy * np.float32(32768), out=noisy)
        noisy *= np.float32(1 / 32768)
        return noisy, np.ascontiguousarray(clean, np.float32)
