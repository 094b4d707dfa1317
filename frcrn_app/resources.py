"""Where the data that travels with the package lies: embedded weights and examples."""

from importlib.resources import files
from pathlib import Path

_PACKAGE = Path(str(files("frcrn_app")))
_INSTALLED = _PACKAGE / "data"  # where the wheel puts the checkout's weights/ and examples/


def is_installed() -> bool:
    """Whether this is an installed package, which no one but the installer should write to."""
    return _INSTALLED.is_dir()


def data_folder(name: str) -> Path:
    """The folder "weights" or "examples": inside an installed package, else the checkout's."""
    return _INSTALLED / name if is_installed() else _PACKAGE.with_name(name)
