"""Any container to float32 `[channels, samples]` and back."""

from frcrn_app.audio.files import (
    AUDIO_SUFFIXES,
    FORMATS,
    Audio,
    load_audio,
    require_sound,
    resample,
    rms_dbfs,
    save_audio,
    to_mono,
)

__all__ = [
    "AUDIO_SUFFIXES",
    "FORMATS",
    "Audio",
    "load_audio",
    "require_sound",
    "resample",
    "rms_dbfs",
    "save_audio",
    "to_mono",
]
