"""Small networks with statistics of their own, and a weights folder for each test."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from frcrn_app.files import sha256_of
from frcrn_app.model import FRCRN
from frcrn_app.weights import OFFICIAL, weights_folder
from networks import SMALL, with_statistics
from official_layouts import reference_layout


@pytest.fixture(autouse=True)
def _own_weights_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FRCRN_WEIGHTS_DIR", str(tmp_path / "weights"))


@pytest.fixture(scope="session")
def network() -> FRCRN:
    torch.manual_seed(0)
    return with_statistics(FRCRN(SMALL)).eval()


@pytest.fixture(scope="session")
def noisy() -> torch.Tensor:
    return 0.05 * torch.randn(1, 8000, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "checkpoint.pt"


@pytest.fixture
def install_official(network, monkeypatch) -> Callable[[str], Path]:
    """Puts a network where an official file would be, as if the hub published it."""

    def install(name: str) -> Path:
        path = OFFICIAL[name].path_in(weights_folder())
        path.parent.mkdir(parents=True)
        torch.save({"model": reference_layout(network)}, path)
        published = replace(OFFICIAL[name], size=path.stat().st_size, sha256=sha256_of(path))
        monkeypatch.setitem(OFFICIAL, name, published)
        return path

    return install
