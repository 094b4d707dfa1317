"""Training on mixtures made on the fly: corpus, mixtures, losses, trainer, fine-tuning."""

from frcrn_app.training.averaging import average_weights
from frcrn_app.training.corpus import Corpus, LeftOut
from frcrn_app.training.finetune import FineTuneConfig, FineTuneCorpora, FineTuned, fine_tune
from frcrn_app.training.losses import LossWeights
from frcrn_app.training.mixtures import Mixture, MixtureConfig, MixtureSet, validation_mixtures
from frcrn_app.training.setup import Recordings, build_trainer
from frcrn_app.training.stopping import stopping_politely
from frcrn_app.training.trainer import (
    BEST_FILE,
    LAST_FILE,
    NEW_NETWORK,
    STATE_FILE,
    TrainConfig,
    Trainer,
    network_of_state,
)

__all__ = [
    "BEST_FILE",
    "LAST_FILE",
    "NEW_NETWORK",
    "STATE_FILE",
    "Corpus",
    "FineTuneConfig",
    "FineTuneCorpora",
    "FineTuned",
    "LeftOut",
    "LossWeights",
    "Mixture",
    "MixtureConfig",
    "MixtureSet",
    "Recordings",
    "TrainConfig",
    "Trainer",
    "average_weights",
    "build_trainer",
    "fine_tune",
    "network_of_state",
    "stopping_politely",
    "validation_mixtures",
]
