"""Where the data that travels with the package lies: embedded weights and examples."""

from importlib.resources import files
from pathlib import Path

from frcrn_app import __name__ as _PACKAGE


def data_folder(name: str) -> Path:
    """The folder "weights" or "examples": inside an installed package, else the checkout's."""
    package = Path(str(files(_PACKAGE)))
    installed = package / "data" / name
    return installed if installed.is_dir() else package.parent / name
