"""Which weights live sessions use, told without torch, for which no start should wait."""

from __future__ import annotations

from pathlib import Path

from frcrn_app.resources import data_folder

EMBEDDED = "frcrn-live"  # those that come with the project


def live_weights(wish: str) -> str | None:
    """A name or path for `LiveNetwork`; None where there are no such weights.

    Args:
        wish: "auto" for the embedded ones, else a path.
    """
    if wish != "auto":
        return wish
    return EMBEDDED if Path(data_folder("weights"), f"{EMBEDDED}.safetensors").is_file() else None
