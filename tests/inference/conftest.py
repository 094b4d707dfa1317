"""Networks that are exported once, for that takes a minute each."""

from pathlib import Path

import pytest

from frcrn_app.cli.main import main
from frcrn_app.model import FRCRN
from frcrn_app.weights import save_weights
from golden.seeded import seeded_network


def export(folder: Path, model: FRCRN) -> Path:
    """The file that the command makes of a network."""
    weights = save_weights(folder / "seeded.safetensors", model, half=False)
    path = folder / "new" / "seeded.onnx"
    assert main(["export", "--weights", str(weights), "--out", str(path)]) == 0
    return path


@pytest.fixture(scope="session")
def both_ways(tmp_path_factory) -> tuple[FRCRN, Path]:
    """A network that takes whole recordings, attention 2 s around a frame; its exported file."""
    model = seeded_network(8, 1, 3, context=8, attention=100)
    return model, export(tmp_path_factory.mktemp("export"), model)


@pytest.fixture(scope="session")
def causal(tmp_path_factory) -> tuple[FRCRN, Path]:
    """A causal network and its exported file."""
    model = seeded_network(8, 1, 2, causal=True, lookahead=1)
    return model, export(tmp_path_factory.mktemp("export"), model)
