"""Which weights exist, the layouts they come in, fetching and verifying, loading and saving."""

from frcrn_app.weights.checkpoints import (
    EMBEDDED,
    EMBEDDED_FOLDER,
    LoadedWeights,
    WeightsEntry,
    fetch_weights,
    file_sha256,
    list_weights,
    load_weights,
    save_weights,
    weights_folder,
)
from frcrn_app.weights.hub import OFFICIAL

__all__ = [
    "EMBEDDED",
    "EMBEDDED_FOLDER",
    "OFFICIAL",
    "LoadedWeights",
    "WeightsEntry",
    "fetch_weights",
    "file_sha256",
    "list_weights",
    "load_weights",
    "save_weights",
    "weights_folder",
]
