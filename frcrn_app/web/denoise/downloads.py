"""The cleaned file that a visitor takes away: at the strength and in the format they chose."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from frcrn_app.audio import FORMATS, Audio, Written, film_suffix, save_tracks
from frcrn_app.errors import AudioError
from frcrn_app.isolation import write_film

FILM = "film"  # the cleaned audio beside the picture that it came with
DOWNLOADS = (*FORMATS, FILM)

_ANY_FILM = ".mkv"


def check_strength(strength: float) -> float:
    """The strength, if it is one; raises AudioError for others."""
    if not isinstance(strength, int | float) or not 0 <= strength <= 1:
        raise AudioError("web.strength", strength=strength)
    return float(strength)


def check_format(output_format: str) -> str:
    """The format, if there is such a one; raises AudioError for others."""
    if output_format not in DOWNLOADS:
        raise AudioError("web.format", format=output_format, known=", ".join(DOWNLOADS))
    return output_format


def check_track(track: float) -> int:
    """The number of a track, 0 for all; raises AudioError for what is no number of one."""
    if not isinstance(track, int | float) or not 0 <= track < 1_000 or track != int(track):
        raise AudioError("web.track", track=track)
    return int(track)


def mixed(original: Audio, cleaned: Audio, strength: float) -> Audio:
    """What a Denoiser returns at that strength, from what it returned at full strength."""
    if strength == 1:
        return cleaned
    if strength == 0:
        return cleaned.with_samples(original.samples)
    samples = np.float32(strength) * cleaned.samples
    samples += np.float32(1 - strength) * original.samples
    return cleaned.with_samples(samples)


def save_cleaned(
    source: Path, tracks: Sequence[Audio], output_format: str, folder: Path
) -> Written:
    """Write the download: talk.wav becomes talk_denoised.wav, in the format that was asked for."""
    if output_format == FILM:
        target = folder / f"{source.stem}_denoised{film_suffix(source.suffix) or _ANY_FILM}"
        return write_film(target, source, tracks)
    target = folder / f"{source.stem}_denoised{source.suffix}"
    return save_tracks(target, tracks, format=output_format)
