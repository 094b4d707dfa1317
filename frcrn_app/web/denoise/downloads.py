"""The cleaned file that a visitor takes away: at the strength and in the format they chose."""

from pathlib import Path

import numpy as np

from frcrn_app.audio import FORMATS, Audio, save_audio
from frcrn_app.errors import AudioError


def check_strength(strength: float) -> float:
    """The strength, if it is one; raises AudioError for others."""
    if not isinstance(strength, int | float) or not 0 <= strength <= 1:
        raise AudioError("web.strength", strength=strength)
    return float(strength)


def check_format(output_format: str) -> str:
    """The format, if there is such a one; raises AudioError for others."""
    if output_format not in FORMATS:
        raise AudioError("web.format", format=output_format, known=", ".join(FORMATS))
    return output_format


def mixed(original: Audio, cleaned: Audio, strength: float) -> Audio:
    """What a Denoiser returns at that strength, from what it returned at full strength."""
    if strength == 1:
        return cleaned
    if strength == 0:
        return cleaned.with_samples(original.samples)
    samples = np.float32(strength) * cleaned.samples
    samples += np.float32(1 - strength) * original.samples
    return cleaned.with_samples(samples)


def save_cleaned(name: str, cleaned: Audio, output_format: str, folder: Path) -> Path:
    """Write the download: talk.wav becomes talk_denoised.wav, in the format that was asked for."""
    original = Path(name)
    target = folder / f"{original.stem}_denoised{original.suffix}"
    return save_audio(target, cleaned, format=output_format)
