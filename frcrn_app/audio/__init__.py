"""Any container to float32 `[channels, samples]` and back."""

from frcrn_app.audio.film import film_suffix, has_picture, save_film
from frcrn_app.audio.find import Found, find_audio
from frcrn_app.audio.formats import AUDIO_SUFFIXES, FORMATS, planned_suffix, with_ending
from frcrn_app.audio.level import gain_to_fit, mix, peak, rms_dbfs, to_mono
from frcrn_app.audio.loudness import (
    LOUDNESS_TARGETS,
    check_loudness,
    loudness,
    to_loudness,
    true_peak,
)
from frcrn_app.audio.promise import Promise
from frcrn_app.audio.read import Track, list_tracks, load_audio, load_tracks, promised_tracks
from frcrn_app.audio.resampling import Resampler, resample
from frcrn_app.audio.types import Audio, Note, Tags, require_samples
from frcrn_app.audio.write import Written, save_audio, save_tracks

__all__ = [
    "AUDIO_SUFFIXES",
    "FORMATS",
    "LOUDNESS_TARGETS",
    "Audio",
    "Found",
    "Note",
    "Promise",
    "Resampler",
    "Tags",
    "Track",
    "Written",
    "check_loudness",
    "film_suffix",
    "find_audio",
    "gain_to_fit",
    "has_picture",
    "list_tracks",
    "load_audio",
    "load_tracks",
    "loudness",
    "mix",
    "peak",
    "planned_suffix",
    "promised_tracks",
    "require_samples",
    "resample",
    "rms_dbfs",
    "save_audio",
    "save_film",
    "save_tracks",
    "to_loudness",
    "to_mono",
    "true_peak",
    "with_ending",
]
