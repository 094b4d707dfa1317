"""The training loop: resumable to the bit, one process or several, best weights by validation."""

from frcrn_app.training.trainer.config import NEW_NETWORK, TrainConfig
from frcrn_app.training.trainer.files import BEST_FILE, LAST_FILE, LOG_FILE, STATE_FILE
from frcrn_app.training.trainer.loop import Trainer
from frcrn_app.training.trainer.state import network_of_state

__all__ = [
    "BEST_FILE",
    "LAST_FILE",
    "LOG_FILE",
    "NEW_NETWORK",
    "STATE_FILE",
    "TrainConfig",
    "Trainer",
    "network_of_state",
]
