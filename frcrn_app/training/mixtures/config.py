"""What mixtures are made of: shares, levels and ranges."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np


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
