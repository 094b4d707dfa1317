"""What all tests share: the shipped examples, analytic sounds, and files made of them."""

import gc
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from frcrn_app.audio import Audio, load_audio
from paths import EXAMPLES

# What one process tests in turn, of which there are several at once: rooms that start a whole demo
# and look at what it does to the machine, and files that share what takes long to make. All else is
# by file, for its fixtures.
IN_TURN = {
    "tests/browser/": "demo",
    "tests/load/": "demo",
    "tests/inference/test_export.py": "export",
    "tests/inference/test_runtimes.py": "export",
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than processors, as tests wait for browsers and processes a third of the time."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """pytest-xdist's own groups by mark are none with the nodes of pytest 9.2."""
    from xdist.scheduler import LoadScopeScheduling

    class ByRoom(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            return next((IN_TURN[start] for start in IN_TURN if file.startswith(start)), file)

    return ByRoom(config, log)


def pytest_collection_finish() -> None:
    """Looks for garbage need not go through torch, Gradio and all tests again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def torch_threads() -> int:
    """Before any test."""
    import torch

    return torch.get_num_threads()


@pytest.fixture(autouse=True)
def _threads_as_before(torch_threads):
    """What runs in a process of its own elsewhere, and in a test's here, leaves it with one."""
    import torch

    yield
    torch.set_num_threads(torch_threads)


@pytest.fixture(scope="session")
def example_clips() -> list[Path]:
    """The unlabelled noisy clips."""
    return sorted(path for path in (EXAMPLES / "noisy").iterdir() if path.is_file())


@pytest.fixture(scope="session")
def example_pairs() -> list[tuple[Path, Path]]:
    """The labelled pairs, (noisy, clean)."""
    return [
        (EXAMPLES / "pairs" / "noisy" / clean.name, clean)
        for clean in sorted((EXAMPLES / "pairs" / "clean").iterdir())
    ]


@pytest.fixture(scope="session")
def speech(example_pairs) -> Audio:
    """Seven seconds of clean speech, 16 kHz mono."""
    return load_audio(example_pairs[0][1])


@pytest.fixture(scope="session")
def noisy_speech(example_pairs) -> Audio:
    """The noisy version of `speech`, sample for sample."""
    return load_audio(example_pairs[0][0])


@pytest.fixture(scope="session")
def make_tone() -> Callable[..., Audio]:
    """A function that makes sines, one a channel and an octave apart."""

    def tone(
        seconds: float = 1.0,
        sample_rate: int = 16_000,
        *,
        frequency: float = 440.0,
        channels: int = 1,
        amplitude: float = 0.5,
    ) -> Audio:
        time = np.arange(round(seconds * sample_rate)) / sample_rate
        frequencies = frequency * 2.0 ** np.arange(channels)[:, None]
        return Audio(amplitude * np.sin(2 * np.pi * frequencies * time), sample_rate)

    return tone


@pytest.fixture(scope="session")
def small_weights(tmp_path_factory) -> Path:
    """A network of eight channels that was never trained, for tests of all that is around one."""
    import torch

    from frcrn_app.model import FRCRN
    from frcrn_app.weights import save_weights
    from networks import SMALL, with_statistics

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_weights(path, with_statistics(FRCRN(SMALL)).eval())
    return path


@pytest.fixture(scope="module")
def demo():
    """The whole page for sounds of up to 20 s, served from this process; with its engine."""
    from frcrn_app.web.app import build_app, close, launch
    from frcrn_app.web.options import WebOptions

    options = WebOptions(max_seconds=20, allow_fetch=False)
    app = build_app(options)
    app.address = launch(app, options).rstrip("/")
    yield app
    assert close(app)


@pytest.fixture
def tmp_audio(tmp_path) -> Callable[..., Path]:
    """A function that writes a sound into the test's folder by soundfile alone."""

    def write(
        name: str, audio: Audio, *, subtype: str | None = None, format: str | None = None
    ) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, audio.samples.T, audio.sample_rate, subtype, format=format)
        return path

    return write
