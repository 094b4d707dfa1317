"""Fixed mixtures to validate on and to compare systems with."""

import numpy as np

from frcrn_app.training.corpus import Corpus
from frcrn_app.training.mixtures.config import Mixture, MixtureConfig
from frcrn_app.training.mixtures.mixture_set import MixtureSet
from frcrn_app.training.mixtures.noises import BABBLE

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
                speakers[number % len(speakers)],
                noises[number % len(noises)],
            )
        )
    return fixed
