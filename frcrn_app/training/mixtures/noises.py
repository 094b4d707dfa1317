"""The noise of an example: recorded, of other voices, or made up; one to three at once."""

import numpy as np

from frcrn_app.training.activity import SILENT_POWER, active_power
from frcrn_app.training.mixtures.acoustics import Acoustics
from frcrn_app.training.mixtures.config import MixtureConfig
from frcrn_app.training.mixtures.draw import ClipDraw, Group
from frcrn_app.training.mixtures.made_up import (
    appliance,
    clicks,
    coloured_noise,
    mains_hum,
)
from frcrn_app.training.mixtures.signals import (
    choose,
    gain_to,
    slow_envelope,
)

BABBLE = ("", "babble")  # the noise group of other speakers' sum
DISTANT_HZ = (1500.0, 6000.0)  # above which a talker across the room is duller
MADE_UP = {"hum": mains_hum, "clicks": clicks, "appliance": appliance}


class NoiseDraw:
    """Draws noises of so many `samples`."""

    def __init__(
        self,
        config: MixtureConfig,
        speech: ClipDraw,
        noise: ClipDraw,
        acoustics: Acoustics,
        samples: int,
    ):
        self._config = config
        self._speech = speech
        self._noise = noise
        self._acoustics = acoustics
        self._samples = samples
        shares = {
            "recorded": config.recorded,
            "babble": config.babble if len(speech.groups) > config.babble_voices[0] else 0,
            "coloured": config.coloured,
            "hum": config.hum,
            "clicks": config.clicks,
            "appliance": config.appliance,
        }
        self._kinds = list(shares)
        self._shares = np.cumsum(list(shares.values()))
        if self._shares[-1] <= 0:
            raise ValueError("the shares of noise kinds must not all be zero")

    def draw(
        self, rng: np.random.Generator, speaker: Group | None, group: Group | None
    ) -> tuple[np.ndarray, list[str]]:
        """The sum of one to three noises at levels of their own, and their names.

        Args:
            speaker: who speaks in front and is no part of the babble.
            group: the only noise, which may be `BABBLE`; drawn where None.
        """
        config = self._config
        count = 1 + choose(rng, np.cumsum(config.noises)) if group is None else 1
        total, names = np.zeros(self._samples, np.float32), []
        for number in range(count):
            kind = self._kinds[choose(rng, self._shares)]
            if group is not None:
                kind = "babble" if group == BABBLE else "recorded"
            noise, name = None, kind
            if kind == "recorded":
                noise_group = group or self._noise.group(rng)
                noise, name = self._recorded(rng, noise_group), "/".join(noise_group)
            elif kind == "babble":
                noise = self._babble(rng, speaker)
            elif kind in MADE_UP:
                noise = MADE_UP[kind](rng, self._samples)
            # A quiet stretch of a recording, amplified, would be nothing but its hiss.
            if noise is None or active_power(noise) < SILENT_POWER:
                noise, name = coloured_noise(rng, self._samples), "coloured"
            noise = self._acoustics.coloured(rng, noise)
            level = 0.0 if number == 0 else rng.uniform(*config.further_noise_db)
            total = total + noise * gain_to(noise, 10 ** (level / 10))
            names.append(name)
        return total, names

    def distant_talker(self, rng: np.random.Generator, speaker: Group) -> np.ndarray:
        """Somebody else across the room, at unit power."""
        voice = self._speech.fill(rng, self._speech.other_group(rng, speaker), self._samples)
        if active_power(voice) < SILENT_POWER:
            return np.zeros(self._samples, np.float32)
        voice = self._acoustics.distant(rng, voice, DISTANT_HZ)
        return voice * gain_to(voice, 1.0)

    def _recorded(self, rng: np.random.Generator, group: Group) -> np.ndarray:
        config = self._config
        noise = np.zeros(self._samples, np.float32)
        for _ in range(3):
            noise = self._noise.stretched(
                rng, group, self._samples, config.noise_speed, config.noise_speeds
            )
            if active_power(noise) >= SILENT_POWER:
                break
        if rng.random() < config.noise_modulation:
            noise = noise * slow_envelope(rng, self._samples)
        return noise

    def _babble(self, rng: np.random.Generator, speaker: Group | None) -> np.ndarray:
        """Several other speakers at once, none of them the one in front."""
        low, high = self._config.babble_voices
        babble = np.zeros(self._samples, np.float32)
        for _ in range(rng.integers(low, high + 1)):
            group = self._speech.other_group(rng, speaker)
            voice = self._speech.fill(rng, group, self._samples)
            babble += voice * gain_to(voice, 10 ** (rng.uniform(-8, 0) / 10))
        return babble
