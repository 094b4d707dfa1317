"""How the files of a batch are cleaned: once for all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from frcrn_app.audio import check_loudness
from frcrn_app.errors import AudioError
from frcrn_app.web.denoise.downloads import check_format, check_strength
from frcrn_app.web.denoise.work import check_band


@dataclass(frozen=True)
class Settings:
    """Settings that have been checked.

    Args:
        strength: 0 (untouched) to 1.
        weights: a name that the page offers, or "auto".
        band: one of `denoise.work.BANDS`.
        format: one of `denoise.downloads.DOWNLOADS`; what is no film is written as it came.
        loudness: LUFS; None: each recording keeps its own.

    Raises:
        AudioError: one of them cannot be.
    """

    strength: float = 1.0
    weights: str = "auto"
    band: str = "full"
    format: str = "same"
    loudness: float | None = None

    def __post_init__(self) -> None:
        check_strength(self.strength)
        check_band(self.band)
        check_format(self.format)
        check_loudness(self.loudness)

    def shown(self) -> dict:
        """As plain values."""
        return asdict(self)


def loudness_of(words: str | float | None) -> float | None:
    """The loudness that someone typed or chose, such as "-16 LUFS"; None for nothing.

    Raises:
        AudioError: it is no number.
    """
    text = str("" if words is None else words).upper().replace("−", "-")
    text = text.removesuffix("LUFS").strip()
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise AudioError("batchtab.loudness", text=str(words)[:40]) from None
