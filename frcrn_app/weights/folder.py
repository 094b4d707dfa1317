"""Where weights lie: those that come with the project, and those that are fetched."""

import os
from pathlib import Path

from frcrn_app.resources import data_folder, is_installed

EMBEDDED = "frcrn-small"  # the weights that come with the project
EMBEDDED_FOLDER = data_folder("weights")
CHECKSUMS = "SHA256SUMS"  # beside the embedded weights, as `sha256sum` writes and checks it


def weights_folder() -> Path:
    """Where fetched weights are kept.

    FRCRN_WEIGHTS_DIR; else a checkout's own weights/, where it can be written; else the user's
    cache, because what lies in an installed package belongs to the installer.
    """
    folder = os.environ.get("FRCRN_WEIGHTS_DIR")
    if folder:
        return Path(folder).expanduser()
    if not is_installed() and os.access(EMBEDDED_FOLDER, os.W_OK):
        return EMBEDDED_FOLDER
    from platformdirs import user_cache_path

    return user_cache_path("frcrn_app", appauthor=False) / "weights"


def known_checksums() -> dict[str, str]:
    """File name to SHA-256 of the embedded weights."""
    try:
        lines = (EMBEDDED_FOLDER / CHECKSUMS).read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split(maxsplit=1) for line in lines if line.strip())
    return {name.lstrip("*"): digest for digest, name in pairs}
