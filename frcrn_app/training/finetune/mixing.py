"""Mixtures of a fine-tuning: to train on, and fixed ones to score."""

import math
from dataclasses import replace

from torch import Tensor
from torch.utils.data import Dataset

from frcrn_app.training.corpus import Corpus
from frcrn_app.training.finetune.config import FineTuneConfig
from frcrn_app.training.finetune.corpora import FineTuneCorpora
from frcrn_app.training.mixtures import (
    Mixture,
    MixtureConfig,
    MixtureSet,
    validation_mixtures,
)


def training_sets(
    corpora: FineTuneCorpora, config: FineTuneConfig
) -> tuple[MixtureSet, MixtureSet]:
    """Mixtures with one's own noise and with general noise, dry and without codecs."""
    shared = MixtureConfig(
        seconds=config.seconds,
        noise_only=0.06,
        room=0,
        noise_room=0,
        codec=0,
        clipping=0,
        low_pass=0,
        noise_speeds=(0.93, 1.07),  # other than that it would be another noise
    )
    own = replace(
        shared,
        noises=(0.8, 0.2),
        recorded=1.0,
        babble=0,
        coloured=0,
        hum=0,
        clicks=0,
        appliance=0,
        talker=0,
        rumble=0,
        noise_equaliser=0.25,
    )
    general = shared if corpora.general else replace(shared, recorded=0.0)
    other = corpora.general or corpora.own  # with a share of zero none of it is drawn
    return (
        MixtureSet(corpora.speech.joined(corpora.own), own, config.seed),
        MixtureSet(corpora.speech.joined(other), general, config.seed + 1),
    )


class Alternating(Dataset):
    """Two sets of mixtures in one, the first with a given share."""

    def __init__(self, first: MixtureSet, second: MixtureSet, share: float):
        self._sets = first, second
        self._share = share

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        # The first takes the next item whenever its count would fall behind its share.
        of_first = math.floor((index + 1) * self._share) > math.floor(index * self._share)
        return self._sets[0 if of_first else 1][index]


def scored_mixtures(
    corpora: FineTuneCorpora, config: FineTuneConfig, seed: int
) -> dict[str, list[Mixture]]:
    """Fixed mixtures with held-out speech, of held-out own noise and of general noise."""

    def fixed(noise: Corpus) -> list[Mixture]:
        corpus = corpora.speech_valid.joined(noise)
        return validation_mixtures(
            corpus,
            config.scored,
            seed,
            config.scored_seconds,
            babble=False,
            with_rumble=False,
        )

    return {"own": fixed(corpora.own_valid), "general": fixed(corpora.general_valid)}
