"""Noisy speech and its clean target, mixed on the fly: item i is a function of (seed, i) alone.

No state passes from item to item. So the mixtures are the same for any number of workers, and
training that stopped after step n goes on with exactly the mixtures it would have had.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch.utils.data import Dataset

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import UserError
from frcrn_app.training.activity import SILENT_POWER, active_power
from frcrn_app.training.codecs import CODECS, codec_pass
from frcrn_app.training.corpus import Corpus
from frcrn_app.training.mixtures.acoustics import Acoustics
from frcrn_app.training.mixtures.config import Mixture, MixtureConfig
from frcrn_app.training.mixtures.draw import ClipDraw, Group
from frcrn_app.training.mixtures.made_up import rumble
from frcrn_app.training.mixtures.noises import NoiseDraw
from frcrn_app.training.mixtures.signals import (
    choose,
    gain_to,
    log_uniform,
    silence_a_part,
    without_infrasound,
)
from frcrn_app.training.rooms import Room, room_from_response, simulated_rooms


class MixtureSet(Dataset):
    """Endless examples by number: `mixtures[i]` is (noisy, clean), torch float32 `[samples]`.

    Levels are as drawn, not normalised: -50 to -5 dBFS.

    Args:
        corpus: speech and noise of one split.
        config: what to make of them.
        seed: another seed, other examples.
        progress: of the one-time simulation of rooms, as progress(done, count).

    Raises:
        UserError: the corpus has no speech or no noise.
    """

    def __init__(
        self,
        corpus: Corpus,
        config: MixtureConfig | None = None,
        seed: int = 0,
        progress: Callable[[int, int], None] | None = None,
    ):
        config = config or MixtureConfig()
        if not corpus.speech:
            raise UserError("training.no_speech")
        if not corpus.noise:
            raise UserError("training.no_noise")
        self.config, self.seed = config, seed
        self.samples = round(config.seconds * SAMPLE_RATE)
        rooms: list[Room] = []
        if config.room > 0 or config.noise_room > 0:
            rooms = [room_from_response(response) for response in corpus.rirs]
            rooms += simulated_rooms(config.simulated_rooms, corpus.cache, progress=progress)
        weights = config.source_weights | corpus.source_weights
        self._speech = ClipDraw(corpus, corpus.speech, weights)
        self._acoustics = Acoustics(config, rooms, self.samples)
        noise = ClipDraw(corpus, corpus.noise, weights)
        self._noises = NoiseDraw(config, self._speech, noise, self._acoustics, self.samples)
        self._snr_shares = np.cumsum([share for _, _, share in config.snr_bands])

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        mixture = self.mix(index)
        return torch.from_numpy(mixture.noisy), torch.from_numpy(mixture.clean)

    def __len__(self) -> int:
        return 2**62  # as good as endless

    def mix(self, index: int) -> Mixture:
        """Example `index` with its description."""
        rng = np.random.default_rng((self.seed, index))
        config = self.config
        draw = rng.random()
        low, high, _ = config.snr_bands[choose(rng, self._snr_shares)]
        snr_db = float(rng.uniform(low, high))
        if draw < config.noise_only:
            snr_db = -math.inf
        elif draw < config.noise_only + config.speech_only:
            snr_db = math.inf
        return self.compose(rng, snr_db)

    def compose(
        self,
        rng: np.random.Generator,
        snr_db: float,
        speech_group: Group | None = None,
        noise_group: Group | None = None,
    ) -> Mixture:
        """One example at a given SNR in dB; the groups (source, group) as given or drawn.

        A given noise group, which may be `BABBLE`, is the only noise.

        The SNR is that of the active parts: mean power of the frames within 40 dB of the loudest
        one, of target and of noise. Pauses make speech no weaker, nor a rare bang the noise.
        """
        config = self.config
        reverberant = target = np.zeros(self.samples, np.float32)
        speaker = None
        if snr_db > -math.inf:
            speaker = speech_group or self._speech.group(rng)
            reverberant, target = self._speech_and_target(rng, speaker)
        noise, names = np.zeros(self.samples, np.float32), []
        if snr_db < math.inf:
            noise, names = self._noises.draw(rng, speaker, noise_group)
            noise = noise * gain_to(noise, 10 ** (-snr_db / 10) if speaker else 1.0)
            if rng.random() < config.rumble:
                level = 10 ** (rng.uniform(*config.rumble_db) / 20)
                noise = noise + np.float32(level) * rumble(
                    rng, self.samples, log_uniform(rng, *config.rumble_hz)
                )
                names.append("rumble")
            if speaker and noise_group is None and rng.random() < config.talker:
                level = 10 ** (rng.uniform(*config.talker_db) / 20)
                noise = noise + np.float32(level) * self._noises.distant_talker(rng, speaker)
                names.append("talker")
        noisy, clean = self._acoustics.through_microphone(rng, reverberant + noise, target)
        noisy, clean = self._acoustics.at_level(rng, noisy, clean)
        if names and rng.random() < config.codec:
            codec = list(CODECS)[rng.integers(len(CODECS))]
            noisy = codec_pass(noisy, codec, int(rng.choice(CODECS[codec][1])))
        return Mixture(noisy, clean, snr_db, " + ".join(names))

    def _speech_and_target(
        self, rng: np.random.Generator, group: Group
    ) -> tuple[np.ndarray, np.ndarray]:
        """Speech as it arrives and its target, at unit power of the target's active part."""
        config = self.config
        dry = np.zeros(self.samples, np.float32)
        for _ in range(4):
            dry = self._speech.stretched(
                rng, group, self.samples, config.speech_speed, config.speech_speeds
            )
            if active_power(dry) > SILENT_POWER:
                break
        if rng.random() < config.partial_speech:
            silence_a_part(rng, dry)
        reverberant, target = self._acoustics.speech_and_target(rng, dry)
        # Recordings of "clean" speech hold infrasound, on the mean 17 dB below the voice: a target
        # that kept it would teach to keep noise.
        target = without_infrasound(target)
        gain = gain_to(target, 1.0)
        return reverberant * gain, target * gain
