"""What all tests share: the shipped examples, analytic sounds, and files made of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from paths import EXAMPLES, ROOT

from frcrn_app.audio import Audio, load_audio

ALONE = ("browser", "load")  # rooms that start a whole demo and look at what it does to the machine


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tells pytest-xdist what one process tests in turn: a file, for its fixtures; those rooms."""
    for item in items:
        place = item.path.relative_to(ROOT / "tests")
        group = "demo" if place.parts[0] in ALONE else str(place)
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(group))


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
    from networks import SMALL, with_statistics

    from frcrn_app.model import FRCRN
    from frcrn_app.weights import save_weights

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
