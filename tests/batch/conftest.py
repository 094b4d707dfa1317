"""A folder of recordings for many workers, and what one process makes of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from frcrn_app import Denoiser, load_audio
from frcrn_app.batch import DenoiserSettings, FileResult, RunOptions, plan_files, run_plan
from frcrn_app.model import FRCRN
from frcrn_app.weights import save_weights
from networks import SMALL, with_statistics


@dataclass(frozen=True)
class Archive:
    """Recordings, the network, and what one process made of them."""

    recordings: Path
    settings: DenoiserSettings
    results: list[FileResult]
    options = RunOptions(format="wav-float")
    cut_seconds = 5.0  # the longest recording is cut into windows of four seconds

    def plan(self, output):
        return plan_files([self.recordings], output, format=self.options.format)

    def compare(self, output, without: str = "") -> float:
        """The largest difference of a sample; the same files must be there."""
        plain = {
            result.source.name: result.target
            for result in self.results
            if result.status == "cleaned" and result.source.name != without
        }
        assert sorted(path.name for path in output.glob("*.wav")) == sorted(plain)
        worst = 0.0
        for name, path in plain.items():
            expected, got = load_audio(path).samples, load_audio(output / name).samples
            assert got.shape == expected.shape
            worst = max(worst, float(np.abs(got - expected).max()))
        return worst


@pytest.fixture(scope="session")
def archive(tmp_path_factory, noisy_speech) -> Archive:
    """A long recording, five short ones of which three are equally long, and a damaged one."""
    folder = tmp_path_factory.mktemp("archive")
    torch.manual_seed(0)
    weights = save_weights(folder / "small.safetensors", with_statistics(FRCRN(SMALL)))
    recordings = folder / "in"
    recordings.mkdir()
    samples = noisy_speech.samples[0]
    soundfile.write(recordings / "long.wav", np.tile(samples, 2)[: 9 * 16_000], 16_000)
    for name, seconds in (("a", 1.0), ("b", 1.0), ("c", 1.0), ("d", 1.3), ("e", 0.4)):
        start = 8_000 * (ord(name) - ord("a"))
        piece = samples[start : start + int(seconds * 16_000)]
        soundfile.write(recordings / f"{name}.wav", piece, 16_000)
    (recordings / "bad.wav").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    settings = DenoiserSettings(str(weights), "cpu", "float32", window_seconds=4.0)
    plan = plan_files([recordings], folder / "plain", format=Archive.options.format)
    denoiser = Denoiser(str(weights), "cpu", "float32", window_seconds=4.0)
    return Archive(recordings, settings, run_plan(plan, denoiser, Archive.options))
