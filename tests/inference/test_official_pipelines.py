"""With the weights of an official file, Denoiser gives what the published pipelines give.

The golden outputs come from `clearvoice` and `modelscope` themselves (golden/make_pipelines.py);
`benchmarks/parity.py` repeats the comparison from scratch, up to 120 s.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from frcrn_app import Denoiser
from frcrn_app.audio import Audio
from frcrn_app.inference import EDGE
from frcrn_app.model import FRCRN, normalisation_gain
from golden.seeded import seeded_state
from official_layouts import optimizer_state, reference_layout
from paths import GOLDEN

PIPELINES_GOLDEN = GOLDEN / "pipelines.npz"
HOP = 320  # samples
TOLERANCE = 1e-3  # of full scale


@pytest.fixture(scope="module")
def layouts(tmp_path_factory) -> dict[str, Path]:
    """The same full-size weights as either hub stores them."""
    model = FRCRN()
    model.load_state_dict(seeded_state(model))
    stored = reference_layout(model)
    folder = tmp_path_factory.mktemp("official")
    paths = {
        "clearvoice": folder / "last_best_checkpoint.pt",
        "modelscope": folder / "pytorch_model.bin",
    }
    torch.save({"model": stored, "optimizer": optimizer_state()}, paths["clearvoice"])
    torch.save(stored, paths["modelscope"])
    return paths


@pytest.fixture(scope="module", params=["clearvoice", "modelscope"])
def pipeline(request, layouts) -> tuple[str, Denoiser]:
    name = request.param
    return name, Denoiser(weights=str(layouts[name]), device="cpu", precision="float32")


def outputs(pipeline: tuple[str, Denoiser], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Ours, at the level of the pipeline's output, and the pipeline's own, in full scales."""
    name, denoiser = pipeline
    with np.load(PIPELINES_GOLDEN) as golden:
        noisy = np.float32(golden["noisy"][:length] / 32768)[None]
        theirs = golden[f"{name} {length}"]
    ours = denoiser(Audio(noisy, 16_000)).samples[0]
    assert len(ours) == length
    if name == "modelscope":  # leaves the level at -25 dBFS, and 16-bit integers
        theirs = theirs / 32768
        ours = ours * normalisation_gain(torch.from_numpy(noisy)).item()
    return ours, theirs


def test_whole_hops_give_the_same_sound(pipeline):
    ours, theirs = outputs(pipeline, 40_000)
    assert np.abs(theirs).max() > 0.05, "the golden output must not be silence"
    # The pipelines click at both ends; Denoiser fades these samples.
    heard = slice(EDGE, -EDGE)
    np.testing.assert_allclose(ours[heard], theirs[heard], rtol=0, atol=TOLERANCE)


def test_what_is_left_over_of_a_hop_changes_the_last_hop_alone(pipeline):
    ours, theirs = outputs(pipeline, 28_000)
    # The pipelines drop the last 160 samples, and make the hop before them of one frame.
    assert len(theirs) == 27_840
    heard = slice(EDGE, len(theirs) - HOP)
    np.testing.assert_allclose(ours[heard], theirs[heard], rtol=0, atol=TOLERANCE)
