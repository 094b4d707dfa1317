"""Noisy speech and its clean target, mixed on the fly: item i is a function of (seed, i) alone.

No state passes from item to item. So the mixtures are the same for any number of workers, and
training that stopped after step n goes on with exactly the mixtures it would have had.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from scipy import fft
from torch.utils.data import DataLoader, Dataset

from frcrn_app.errors import UserError
from frcrn_app.model.level import REACH, SPEECH_STARTS_HZ
from frcrn_app.training.codecs import CODECS, codec_pass
from frcrn_app.training.corpus import SAMPLE_RATE, Clip, Corpus
from frcrn_app.training.rooms import LONGEST_SECONDS, Room, room_from_response, simulated_rooms

FRAME = 320  # samples: 20 ms, the unit in which speech is found active
ACTIVE_RANGE_DB = 40.0  # frames this far below the loudest one are pauses
SILENT_POWER = 1e-8  # -80 dBFS: what a clip holds there is dither, not to be amplified
BABBLE = ("", "babble")  # the noise group of other speakers' sum
EQUALISER_KNOTS = np.array([0, 125, 250, 500, 1000, 2000, 4000, 8000], np.float64)  # Hz


@dataclass
class MixtureConfig:
    """What the mixtures are made of. Probabilities are per example unless said otherwise."""

    seconds: float = 2.0  # a training example; long enough for a sentence's rhythm

    # Examples without noise teach to leave speech alone, examples without speech to be silent.
    speech_only: float = 0.05
    noise_only: float = 0.04

    # dB, share of examples. Most calls and recordings are at 0 to 20 dB, and there a network
    # that mostly heard worse takes speech away with the noise: the mild end gets its share.
    snr_bands: tuple[tuple[float, float, float], ...] = (
        (-10.0, -5.0, 0.04),
        (-5.0, 0.0, 0.11),
        (0.0, 5.0, 0.20),
        (5.0, 10.0, 0.20),
        (10.0, 15.0, 0.19),
        (15.0, 20.0, 0.17),
        (20.0, 25.0, 0.09),
    )

    noises: tuple[float, ...] = (0.62, 0.28, 0.10)  # shares of one, two, three noises at once
    further_noise_db: tuple[float, float] = (-15.0, 0.0)  # level of the second and third
    # Shares of the kinds. Recordings are what life brings; the made-up ones reach where no
    # recording of the corpus does.
    recorded: float = 0.70
    babble: float = 0.10
    coloured: float = 0.08
    hum: float = 0.03
    clicks: float = 0.04
    appliance: float = 0.05  # motors and fans, of which the corpora have few
    babble_voices: tuple[int, int] = (4, 9)  # fewer would be a second talker, not noise
    noise_modulation: float = 0.15  # slow swells of a recorded noise
    # Wind, traffic, ventilation and handling below some 100 Hz: published noise recordings mostly
    # had it filtered out, microphones in the field deliver it. It comes beside the drawn SNR.
    rumble: float = 0.5
    rumble_db: tuple[float, float] = (-16.0, 6.0)  # its power over that of speech
    rumble_hz: tuple[float, float] = (8.0, 130.0)  # above which its spectrum falls
    noise_room: float = 0.15  # noise, too, sounds in rooms
    # A second talker farther away, beside the drawn SNR: quieter, duller and with more of the
    # room than the one in front. As loud and as close, nothing would say which of them is meant.
    talker: float = 0.06
    talker_db: tuple[float, float] = (-24.0, -8.0)  # its power over that of speech

    partial_speech: float = 0.12  # speech in part of the example only, the rest is a pause
    speech_speed: float = 0.4  # playing faster or slower makes new voices of few
    speech_speeds: tuple[float, float] = (0.88, 1.12)
    noise_speed: float = 0.3
    noise_speeds: tuple[float, float] = (0.75, 1.35)

    room: float = 0.22  # most examples dry, as most test sets and headsets are
    simulated_rooms: int = 300  # simulated once into the cache; measured ones come beside them

    speech_equaliser: float = 0.4
    noise_equaliser: float = 0.5
    microphone_equaliser: float = 0.25  # on speech and noise together
    equaliser_db: float = 4.0  # standard deviation at each of eight frequencies, at most twice it
    low_pass: float = 0.08  # telephone, old microphones
    low_pass_hz: tuple[float, float] = (3400.0, 7500.0)
    high_pass: float = 0.15
    high_pass_hz: tuple[float, float] = (60.0, 300.0)

    level_dbfs: tuple[float, float] = (-50.0, -5.0)  # RMS of the noisy signal; most near -26
    clipping: float = 0.04  # light: a few percent of the samples at most
    clipping_share: tuple[float, float] = (0.0005, 0.02)
    codec: float = 0.025  # 25 ms of a worker each, ten times an ordinary example

    # Factors on the share of a source, which is the root of (hours x speakers): by itself one
    # speaker with hours of audio, or many with a sentence each, would be all that is heard.
    source_weights: dict[str, float] = field(
        default_factory=lambda: {
            "rhasspy_kathleen_en": 0.3,  # room noise in what would be the target
            "aishell1_sample_zh": 0.5,  # its room noise lies but 24 dB below the speech
            "picovoice_speech_to_intent": 4.0,  # some 50 speakers under one label
            # What is taken for speech, or is as tonal: few recordings, which count for many.
            "donateacry": 4.0,
            "scratch_media": 2.0,
            "freedoom": 2.0,
            "voxelibre": 2.0,
            "opensoundscape": 2.0,
            "lineageos_ringtones": 2.0,
            "arabic_speech_commands_noise": 3.0,
        }
    )


class Mixture(NamedTuple):
    """One example: float32 `[samples]` at 16 kHz, and what it was made of."""

    noisy: np.ndarray
    clean: np.ndarray
    snr_db: float  # inf without noise, -inf without speech
    noise: str  # names of the noises, joined by " + "


class MixtureSet(Dataset):
    """Endless examples by number: `mixtures[i]` is (noisy, clean), torch float32 `[samples]`.

    Levels are as drawn, not normalised: -50 to -5 dBFS.

    Args:
        corpus: speech and noise of one split.
        config: what to make of them.
        seed: another seed, other examples.
        progress: of the one-time simulation of rooms, as progress(done, count).

    Raises:
        UserError: the corpus has no speech or no noise, or a probability makes no sense.
    """

    def __init__(
        self, corpus: Corpus, config: MixtureConfig | None = None, seed: int = 0, progress=None
    ):
        config = config or MixtureConfig()
        for kind in ("speech", "noise"):
            if not getattr(corpus, kind):
                raise UserError(f"There is no {kind} to train on: name a folder with --{kind}.")
        self.corpus, self.config, self.seed = corpus, config, seed
        self.samples = round(config.seconds * SAMPLE_RATE)
        self.rooms: list[Room] = []
        if config.room > 0 or config.noise_room > 0:
            self.rooms = [room_from_response(response) for response in corpus.rirs]
            self.rooms += simulated_rooms(config.simulated_rooms, corpus.cache, progress=progress)
        self._speech = _Draw(corpus.speech, config.source_weights)
        self._noise = _Draw(corpus.noise, config.source_weights)
        self._snr_shares = np.cumsum([share for _, _, share in config.snr_bands])
        kinds = {
            "recorded": config.recorded,
            "babble": config.babble if len(self._speech.groups) > config.babble_voices[0] else 0,
            "coloured": config.coloured,
            "hum": config.hum,
            "clicks": config.clicks,
            "appliance": config.appliance,
        }
        self._noise_kinds = list(kinds)
        self._noise_shares = np.cumsum(list(kinds.values()))
        if self._noise_shares[-1] <= 0 or self._snr_shares[-1] <= 0:
            raise UserError("The shares of noise kinds and of SNR bands must not all be zero.")

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        mixture = self.mix(index)
        return torch.from_numpy(mixture.noisy), torch.from_numpy(mixture.clean)

    def mix(self, index: int) -> Mixture:
        """Example `index` with its description."""
        rng = np.random.default_rng((self.seed, index))
        config = self.config
        draw = rng.random()
        snr_db = self._draw_snr(rng)
        if draw < config.noise_only:
            snr_db = -math.inf
        elif draw < config.noise_only + config.speech_only:
            snr_db = math.inf
        return self.compose(rng, snr_db)

    def compose(
        self,
        rng: np.random.Generator,
        snr_db: float,
        speech_group: tuple[str, str] | None = None,
        noise_group: tuple[str, str] | None = None,
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
            noise, names = self._noises(rng, speaker, noise_group)
            noise = noise * _gain_to(noise, 10 ** (-snr_db / 10) if speaker else 1.0)
            if rng.random() < config.rumble:
                level = 10 ** (rng.uniform(*config.rumble_db) / 20)
                noise = noise + np.float32(level) * rumble(
                    rng, self.samples, _log_uniform(rng, *config.rumble_hz)
                )
                names.append("rumble")
            if speaker and noise_group is None and rng.random() < config.talker:
                level = 10 ** (rng.uniform(*config.talker_db) / 20)
                noise = noise + np.float32(level) * self._distant_talker(rng, speaker)
                names.append("talker")
        noisy, clean = self._through_device(rng, reverberant + noise, target)
        noisy, clean = self._at_level(rng, noisy, clean)
        if names and rng.random() < config.codec:
            codec = list(CODECS)[rng.integers(len(CODECS))]
            noisy = codec_pass(noisy, codec, int(rng.choice(CODECS[codec][1])))
        return Mixture(noisy, clean, snr_db, " + ".join(names))

    def _draw_snr(self, rng: np.random.Generator) -> float:
        low, high, _ = self.config.snr_bands[_choose(rng, self._snr_shares)]
        return float(rng.uniform(low, high))

    def _speech_and_target(
        self, rng: np.random.Generator, group: tuple[str, str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Speech as it arrives and its target: the same, or in a room its early part."""
        config = self.config
        for _ in range(4):
            dry = self._stretch(rng, self._speech, group, config.speech_speed, config.speech_speeds)
            if active_power(dry) > SILENT_POWER:
                break
        if rng.random() < config.partial_speech:
            _silence_a_part(rng, dry)
        room = self._draw_room(rng, config.room)
        curve = self._draw_equaliser(rng, config.speech_equaliser)
        size = self._transform_length(room)
        if room is None and curve is None:
            reverberant = target = dry
        else:
            spectrum = fft.rfft(dry, size)
            if curve is not None:
                spectrum *= _equaliser(curve, size)
            if room is None:
                reverberant = target = fft.irfft(spectrum, size)[: self.samples]
            else:
                early = spectrum * fft.rfft(room.early, size)
                whole = spectrum * fft.rfft(room.whole, size)
                target = fft.irfft(early, size)[: self.samples]
                reverberant = fft.irfft(whole, size)[: self.samples]
        # Recordings of "clean" speech hold infrasound, on the mean 17 dB below the voice: a target
        # that kept it would teach to keep noise.
        target = without_infrasound(target)
        gain = _gain_to(target, 1.0)
        return reverberant * gain, target * gain

    def _noises(
        self,
        rng: np.random.Generator,
        speaker: tuple[str, str] | None,
        group: tuple[str, str] | None,
    ) -> tuple[np.ndarray, list[str]]:
        """The sum of one to three noises at levels of their own, and their names."""
        config = self.config
        count = 1 + _choose(rng, np.cumsum(config.noises)) if group is None else 1
        total, names = np.zeros(self.samples, np.float32), []
        for number in range(count):
            kind = self._noise_kinds[_choose(rng, self._noise_shares)]
            if group is not None:
                kind = "babble" if group == BABBLE else "recorded"
            noise = None
            if kind == "recorded":
                noise_group = group or self._noise.group(rng)
                noise = self._recorded(rng, noise_group)
                name = "/".join(noise_group)
            elif kind == "babble":
                noise, name = self._babble(rng, speaker), "babble"
            elif kind == "hum":
                noise, name = mains_hum(rng, self.samples), "hum"
            elif kind == "clicks":
                noise, name = clicks(rng, self.samples), "clicks"
            elif kind == "appliance":
                noise, name = appliance(rng, self.samples), "appliance"
            # A quiet stretch of a recording, amplified, would be nothing but its hiss.
            if noise is None or active_power(noise) < SILENT_POWER:
                noise, name = coloured_noise(rng, self.samples), "coloured"
            noise = self._noise_colour(rng, noise)
            level = 0.0 if number == 0 else rng.uniform(*config.further_noise_db)
            total = total + noise * _gain_to(noise, 10 ** (level / 10))
            names.append(name)
        return total, names

    def _recorded(self, rng: np.random.Generator, group: tuple[str, str]) -> np.ndarray:
        config = self.config
        for _ in range(3):
            noise = self._stretch(rng, self._noise, group, config.noise_speed, config.noise_speeds)
            if active_power(noise) >= SILENT_POWER:
                break
        if rng.random() < config.noise_modulation:
            noise = noise * _slow_envelope(rng, self.samples)
        return noise

    def _babble(self, rng: np.random.Generator, speaker: tuple[str, str] | None) -> np.ndarray:
        """Several other speakers at once, none of them the one in front."""
        low, high = self.config.babble_voices
        babble = np.zeros(self.samples, np.float32)
        for _ in range(rng.integers(low, high + 1)):
            group = self._other_speaker(rng, speaker)
            voice = self._fill(rng, self._speech, group, self.samples)
            babble += voice * _gain_to(voice, 10 ** (rng.uniform(-8, 0) / 10))
        return babble

    def _other_speaker(
        self, rng: np.random.Generator, speaker: tuple[str, str] | None
    ) -> tuple[str, str]:
        group = self._speech.group(rng)
        while group == speaker and len(self._speech.groups) > 1:
            group = self._speech.group(rng)
        return group

    def _distant_talker(self, rng: np.random.Generator, speaker: tuple[str, str]) -> np.ndarray:
        """Somebody else across the room, at unit power."""
        voice = self._fill(rng, self._speech, self._other_speaker(rng, speaker), self.samples)
        if active_power(voice) < SILENT_POWER:
            return np.zeros(self.samples, np.float32)
        room = self._draw_room(rng, 1.0)
        size = self._transform_length(room)
        spectrum = fft.rfft(voice, size)
        if room is not None:
            spectrum *= fft.rfft(room.whole, size)
        frequency = np.linspace(0, SAMPLE_RATE / 2, len(spectrum), dtype=np.float32)
        spectrum /= np.sqrt(1 + (frequency / np.float32(_log_uniform(rng, 1500, 6000))) ** 4)
        voice = fft.irfft(spectrum, size)[: self.samples].astype(np.float32)
        return voice * _gain_to(voice, 1.0)

    def _noise_colour(self, rng: np.random.Generator, noise: np.ndarray) -> np.ndarray:
        room = self._draw_room(rng, self.config.noise_room)
        curve = self._draw_equaliser(rng, self.config.noise_equaliser)
        if room is None and curve is None:
            return noise
        size = self._transform_length(room)
        spectrum = fft.rfft(noise, size)
        if curve is not None:
            spectrum *= _equaliser(curve, size)
        if room is not None:
            spectrum *= fft.rfft(room.whole, size)
        return fft.irfft(spectrum, size)[: self.samples]

    def _through_device(
        self, rng: np.random.Generator, noisy: np.ndarray, clean: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """One microphone's colour and band limits, on noisy and clean alike."""
        config = self.config
        curve = self._draw_equaliser(rng, config.microphone_equaliser)
        low_pass = rng.uniform(*config.low_pass_hz) if rng.random() < config.low_pass else None
        high_pass = None
        if rng.random() < config.high_pass:
            high_pass = rng.uniform(*config.high_pass_hz)
        if curve is None and low_pass is None and high_pass is None:
            return noisy, clean
        size = fft.next_fast_len(self.samples + 4 * FRAME, real=True)
        response = np.ones(size // 2 + 1, np.float32)
        if curve is not None:
            response *= _equaliser(curve, size)
        frequency = np.linspace(0, SAMPLE_RATE / 2, size // 2 + 1, dtype=np.float32)
        if low_pass is not None:  # zero phase, 12th and 4th order: no delay between the two
            response /= np.sqrt(1 + (frequency / np.float32(low_pass)) ** 24)
        if high_pass is not None:
            response *= 1 / np.sqrt(1 + (np.float32(high_pass) / (frequency + 1)) ** 8)
        both = fft.irfft(fft.rfft(np.stack([noisy, clean]), size) * response, size)
        return both[0, : self.samples], both[1, : self.samples]

    def _at_level(
        self, rng: np.random.Generator, noisy: np.ndarray, clean: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """A level in dBFS, no overload unless drawn, 16-bit steps; one gain for both."""
        config = self.config
        low, high = config.level_dbfs
        level = float(np.clip(rng.normal(-26.0, 8.0), low, high))
        rms = math.sqrt(float(np.mean(noisy**2))) + 1e-9
        gain = 10 ** (level / 20) / rms
        magnitude = np.abs(noisy)
        ceiling = float(magnitude.max())
        overload = rng.random() < config.clipping
        if overload:
            share = rng.uniform(*config.clipping_share)
            rank = max(1, round(share * self.samples))
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

    def _transform_length(self, room: Room | None) -> int:
        """Room for the tail; two lengths only, whose equaliser tables are then kept."""
        tail = FRAME if room is None else round(LONGEST_SECONDS * SAMPLE_RATE)
        return fft.next_fast_len(self.samples + tail, real=True)

    def _draw_room(self, rng: np.random.Generator, probability: float) -> Room | None:
        if rng.random() >= probability or not self.rooms:
            return None
        return self.rooms[rng.integers(len(self.rooms))]

    def _draw_equaliser(self, rng: np.random.Generator, probability: float) -> np.ndarray | None:
        if rng.random() >= probability:
            return None
        deviation = self.config.equaliser_db
        curve = rng.normal(0, deviation, len(EQUALISER_KNOTS))
        return np.clip(curve, -2 * deviation, 2 * deviation)

    def _stretch(
        self,
        rng: np.random.Generator,
        draw: _Draw,
        group: tuple[str, str],
        probability: float,
        speeds: tuple[float, float],
    ) -> np.ndarray:
        """An example's worth of a group, now and then played at another speed."""
        if rng.random() >= probability:
            return self._fill(rng, draw, group, self.samples)
        length = fft.next_fast_len(round(self.samples * rng.uniform(*speeds)), real=True)
        return _fourier_resampled(self._fill(rng, draw, group, length), self.samples)

    def _fill(
        self, rng: np.random.Generator, draw: _Draw, group: tuple[str, str], length: int
    ) -> np.ndarray:
        """`length` samples of one group: a stretch of one clip, or short ones with pauses."""
        filled = np.zeros(length, np.float32)
        position = 0
        clip = draw.clip(rng, group)
        if clip.frames < length:
            position = int(rng.integers(0, min(length // 4, length - clip.frames) + 1))
        while position < length:
            left = length - position
            offset = int(rng.integers(0, clip.frames - left + 1)) if clip.frames > left else 0
            samples = self.corpus.read(clip, offset, left)
            if position > 0:
                _fade(samples, start=True, end=len(samples) < left)
            filled[position : position + len(samples)] = samples
            position += len(samples) + int(rng.integers(800, 8000))  # pauses of 50 to 500 ms
            clip = draw.clip(rng, group)
        return filled

    def __len__(self) -> int:
        return 2**62  # as good as endless


class _Draw:
    """Clips by source, then group, then clip: no speaker is heard more for having more files."""

    def __init__(self, clips: Sequence[Clip], source_weights: dict[str, float]):
        self._clips: dict[tuple[str, str], list[Clip]] = defaultdict(list)
        by_source: dict[str, dict[tuple[str, str], None]] = defaultdict(dict)
        seconds: dict[str, float] = defaultdict(float)
        for clip in clips:
            key = (clip.source, clip.group)
            self._clips[key].append(clip)
            by_source[clip.source][key] = None
            seconds[clip.source] += clip.seconds
        self.groups = list(self._clips)
        self._sources = [list(groups) for groups in by_source.values()]
        self._shares = np.cumsum(
            [
                math.sqrt(seconds[source] * len(groups)) * source_weights.get(source, 1.0)
                for source, groups in by_source.items()
            ]
        )

    def group(self, rng: np.random.Generator) -> tuple[str, str]:
        groups = self._sources[_choose(rng, self._shares)]
        return groups[rng.integers(len(groups))]

    def clip(self, rng: np.random.Generator, group: tuple[str, str]) -> Clip:
        clips = self._clips[group]
        return clips[rng.integers(len(clips))]


def batches(
    mixtures: MixtureSet,
    batch_size: int,
    start_step: int = 0,
    workers: int = 0,
    *,
    rank: int = 0,
    world_size: int = 1,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Endless batches (noisy, clean), float32 `[batch, samples]` each.

    Batch number n of rank r holds items (n * world_size + r) * batch_size and on, whatever the
    number of workers: started at `start_step` it goes on where a run stopped before that step.
    """

    def indices() -> Iterator[list[int]]:
        step = start_step
        while True:
            first = (step * world_size + rank) * batch_size
            yield list(range(first, first + batch_size))
            step += 1

    loader = DataLoader(
        mixtures,
        batch_sampler=_Batches(indices),
        num_workers=workers,
        prefetch_factor=8 if workers else None,
    )
    return iter(loader)


class _Batches:
    def __init__(self, indices):
        self._indices = indices

    def __iter__(self):
        return self._indices()


# Half of the validation mixtures at the SNRs of the VoiceBank-DEMAND test set, so that validation
# follows what people compare on; the others span what the network must bear.
VALIDATION_SNRS_DB = (2.5, -5.0, 7.5, 0.0, 12.5, 5.0, 17.5, 10.0, 2.5, 15.0, 7.5, 20.0)
VALIDATION_RUMBLE_DB = (-10.0, 0.0)


def validation_mixtures(
    corpus: Corpus,
    count: int,
    seed: int = 0,
    seconds: float = 4.0,
    *,
    babble: bool = True,
    with_rumble: bool = True,
) -> list[Mixture]:
    """A fixed list of mixtures to validate on: dry, one noise each, all speakers and noises.

    Speakers, noise kinds and babble (if wanted, and if there are speakers enough) take turns,
    SNRs run through `VALIDATION_SNRS_DB`. With rumble, a third of the mixtures has low-frequency
    noise beside. The same arguments give the same list.
    """
    config = MixtureConfig(
        seconds=seconds,
        partial_speech=0,
        speech_speed=0,
        noise_speed=0,
        noise_modulation=0,
        rumble_db=VALIDATION_RUMBLE_DB,
        room=0,
        noise_room=0,
        speech_equaliser=0,
        noise_equaliser=0,
        microphone_equaliser=0,
        low_pass=0,
        high_pass=0,
        clipping=0,
        codec=0,
        level_dbfs=(-26.0, -26.0),
    )
    mixtures = MixtureSet(corpus, config, seed)
    rng = np.random.default_rng(seed)
    speakers = sorted(corpus.groups("speech"))
    noises = sorted(corpus.groups("noise"))
    if babble and len(speakers) > config.babble_voices[0]:
        noises += [BABBLE] * max(1, len(noises) // 10)
    rng.shuffle(speakers)
    rng.shuffle(noises)
    fixed = []
    snrs = len(VALIDATION_SNRS_DB)
    for number in range(count):
        # Every third, one further in every round, so that in three rounds each SNR has had it.
        config.rumble = float(with_rumble and (number + number // snrs) % 3 == 2)
        fixed.append(
            mixtures.compose(
                np.random.default_rng((seed, number)),
                VALIDATION_SNRS_DB[number % snrs],
                tuple(speakers[number % len(speakers)]),
                tuple(noises[number % len(noises)]),
            )
        )
    return fixed


def coloured_noise(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Noise with a random slope and shape of its spectrum, steady or swelling, `[samples]`."""
    size = fft.next_fast_len(samples, real=True)
    bins = size // 2 + 1
    spectrum = rng.standard_normal((bins, 2), np.float32).view(np.complex64)[:, 0]
    # Power falls as 1 / f^slope: -0.5 is a hiss, 0 white, 1 pink, 2 a rumble.
    slope = np.float32(rng.uniform(-0.5, 2.0))
    frequency = np.arange(bins, dtype=np.float32) + np.float32(30 * size / SAMPLE_RATE)
    spectrum *= frequency ** (-slope / 2)
    spectrum *= _equaliser(rng.uniform(-10, 10, len(EQUALISER_KNOTS)), size)
    noise = fft.irfft(spectrum, size)[:samples]
    noise *= _gain_to(noise, 1.0)
    if rng.random() < 0.5:
        noise = noise * _slow_envelope(rng, samples)
    return noise


def rumble(rng: np.random.Generator, samples: int, corner_hz: float) -> np.ndarray:
    """Noise of unit power below a corner, steady or swelling, `[samples]`."""
    size = fft.next_fast_len(samples, real=True)
    bins = size // 2 + 1
    frequency = np.linspace(0, SAMPLE_RATE / 2, bins, dtype=np.float32)
    spectrum = rng.standard_normal((bins, 2), np.float32).view(np.complex64)[:, 0]
    # Power falls by 6 to 24 dB an octave above the corner, and again where microphones end.
    order = np.float32(rng.uniform(1.0, 4.0))
    end = np.float32(_log_uniform(rng, 1.0, 20.0))
    spectrum *= frequency / (frequency + end) / np.sqrt(1 + (frequency / corner_hz) ** (2 * order))
    noise = fft.irfft(spectrum, size)[:samples].astype(np.float32)
    if rng.random() < 0.5:
        noise = noise * _slow_envelope(rng, samples)
    return noise * _gain_to(noise, 1.0)


def without_infrasound(speech: np.ndarray) -> np.ndarray:
    """Speech, float32 `[samples]`, as `model.level` takes infrasound from what the network hears.

    By scipy: torch's transforms round differently in a worker, which has one thread, and examples
    are to be the same to the bit wherever they are made.
    """
    # Mirrored at both ends, so that the constant part of a recording makes no step there.
    padded = np.pad(speech, min(REACH, len(speech) - 1), mode="reflect")
    size = fft.next_fast_len(len(padded), real=True)
    spectrum = fft.rfft(padded, size)
    low, high = SPEECH_STARTS_HZ
    bins = math.ceil(high * size / SAMPLE_RATE)
    rise = np.arange(bins, dtype=np.float32) * np.float32(SAMPLE_RATE / size)
    rise = np.clip((rise - low) / (high - low), 0, 1)
    spectrum[:bins] *= np.sin(np.float32(np.pi / 2) * rise) ** 2
    start = (len(padded) - len(speech)) // 2
    return fft.irfft(spectrum, size)[start : start + len(speech)].astype(np.float32, copy=False)


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
    pitch = _log_uniform(rng, 60, 900) * np.exp(
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
    return tone * _gain_to(tone, 1.0) + air * _gain_to(air, 10 ** rng.uniform(-2.0, 1.0))


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


def active_power(samples: np.ndarray) -> float:
    """Mean power of the frames within `ACTIVE_RANGE_DB` of the loudest one."""
    whole = len(samples) // FRAME * FRAME
    frames = samples[:whole].reshape(-1, FRAME)
    power = np.einsum("tn,tn->t", frames, frames) / FRAME
    active = power >= power.max() * 10 ** (-ACTIVE_RANGE_DB / 10)
    return float(power[active].mean())


def _gain_to(samples: np.ndarray, power: float) -> np.float32:
    """Factor that brings the active power of `samples` to `power`."""
    return np.float32(math.sqrt(power / max(active_power(samples), 1e-20)))


def _choose(rng: np.random.Generator, cumulative: np.ndarray) -> int:
    return int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def _silence_a_part(rng: np.random.Generator, samples: np.ndarray) -> None:
    length = len(samples)
    pause = int(rng.uniform(0.25, 0.75) * length)
    start = int(rng.integers(0, length - pause + 1))
    fade = 400
    ramp = np.linspace(1, 0, fade, dtype=np.float32)
    samples[start : start + fade] *= ramp
    samples[start + fade : start + pause - fade] = 0
    samples[start + pause - fade : start + pause] *= ramp[::-1]


def _slow_envelope(rng: np.random.Generator, samples: int) -> np.ndarray:
    """A gain that swells by up to 20 dB, 0.5 to 8 times a second, float32 `[samples]`."""
    knots = max(3, round(samples / SAMPLE_RATE * rng.uniform(0.5, 8.0)) + 1)
    decibels = rng.uniform(-20, 0, knots)
    positions = np.linspace(0, samples - 1, knots)
    return (10 ** (np.interp(np.arange(samples), positions, decibels) / 20)).astype(np.float32)


def _fade(samples: np.ndarray, *, start: bool, end: bool) -> None:
    ramp = np.linspace(0, 1, min(80, len(samples)), dtype=np.float32)  # 5 ms
    if start:
        samples[: len(ramp)] *= ramp
    if end:
        samples[-len(ramp) :] *= ramp[::-1]


def _fourier_resampled(samples: np.ndarray, length: int) -> np.ndarray:
    """Resampled to `length` by cutting or padding the spectrum."""
    spectrum = fft.rfft(samples)
    bins = length // 2 + 1
    if len(spectrum) < bins:
        spectrum = np.pad(spectrum, (0, bins - len(spectrum)))
    return fft.irfft(spectrum[:bins], length) * np.float32(length / len(samples))


@lru_cache(maxsize=8)
def _knot_weights(size: int) -> np.ndarray:
    """Linear interpolation over log frequency from knots to bins, float32 `[bins, knots]`."""
    frequency = np.linspace(0, SAMPLE_RATE / 2, size // 2 + 1)
    place = np.interp(
        np.log2(frequency + 60), np.log2(EQUALISER_KNOTS + 60), np.arange(len(EQUALISER_KNOTS))
    )
    weights = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(len(EQUALISER_KNOTS))))
    return weights.astype(np.float32)


def _equaliser(decibels: np.ndarray, size: int) -> np.ndarray:
    """Gain of every bin of a real transform of `size`, from dB at `EQUALISER_KNOTS`."""
    # Zero phase: speech and target, and noisy and clean, stay aligned.
    return np.exp(_knot_weights(size) @ (decibels * (math.log(10) / 20)).astype(np.float32))
