"""FRCRN speech enhancement: noisy speech in, the same speech without the noise out.

>>> from frcrn_app import Denoiser, load_audio, save_audio
>>> denoiser = Denoiser()
>>> save_audio("cleaned.wav", denoiser(load_audio("noisy.wav")))

The public names are imported when first used, so that `frcrn --help` does not wait for torch.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

from frcrn_app.version import __version__

if TYPE_CHECKING:
    from frcrn_app.audio import Audio, load_audio, save_audio
    from frcrn_app.evaluation import evaluate_pairs
    from frcrn_app.inference import Denoiser, LiveDenoiser

# onnxruntime reports to its maker unless this is set before it is imported; every import of ours
# comes after this one.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = [
    "Audio",
    "Denoiser",
    "LiveDenoiser",
    "__version__",
    "evaluate_pairs",
    "load_audio",
    "save_audio",
]

_ROOMS = {
    "Audio": "audio",
    "load_audio": "audio",
    "save_audio": "audio",
    "Denoiser": "inference",
    "LiveDenoiser": "inference",
    "evaluate_pairs": "evaluation",
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
    except ModuleNotFoundError as error:
        if _ROOMS[name] != "evaluation":
            raise
        from frcrn_app.i18n import text

        sentence = text("fault.extra_missing", "en", name=name, extra="eval")
        raise ModuleNotFoundError(sentence, name=error.name) from error


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
