"""Which weights exist, the layouts they come in, fetching and verifying, loading and saving."""

from frcrn_app.weights.folder import EMBEDDED, EMBEDDED_FOLDER, weights_folder
from frcrn_app.weights.hub import fetch_weights
from frcrn_app.weights.listing import WeightsEntry, list_weights
from frcrn_app.weights.loading import LoadedWeights, load_weights, save_weights
from frcrn_app.weights.official import OFFICIAL, OfficialFile

__all__ = [
    "EMBEDDED",
    "EMBEDDED_FOLDER",
    "OFFICIAL",
    "LoadedWeights",
    "OfficialFile",
    "WeightsEntry",
    "fetch_weights",
    "list_weights",
    "load_weights",
    "save_weights",
    "weights_folder",
]
