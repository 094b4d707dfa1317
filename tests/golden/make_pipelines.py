"""Makes pipelines.npz: outputs of both published pipelines for seeded weights and input.

    python tests/golden/make_pipelines.py

Needs the reference, which `benchmarks/reference.py` installs into a folder of its own. Input and
outputs are stored for the longest length and for a shorter piece of the same sound.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE)]

from seeded import seeded_state, waveform  # noqa: E402

from benchmarks.reference import (  # noqa: E402
    Reference,
    install,
    save_clearvoice,
    save_modelscope,
)
from frcrn_app.model import FRCRN  # noqa: E402

LENGTHS = (28_000, 40_000)  # samples to which the pipelines append no zeros


def main() -> None:
    reference = Reference(install())
    network = reference.network()
    network.load_state_dict(seeded_state(FRCRN()), strict=False)
    # As 16-bit wav stores it, and 6 dB below the level that the network hears.
    noisy = np.round(0.5 * waveform(max(LENGTHS))[0].numpy() * 32768).astype(np.int16)
    outputs = {"noisy": noisy}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_clearvoice(network.state_dict(), folder)
        save_modelscope(network.state_dict(), folder)
        clearvoice = reference.clearvoice_pipeline(folder)
        modelscope = reference.modelscope_pipeline(folder)
        for length in LENGTHS:
            piece = noisy[:length] / 32768
            outputs[f"clearvoice {length}"] = clearvoice(piece).reshape(-1).astype(np.float32)
            outputs[f"modelscope {length}"] = modelscope(piece)  # int16
    np.savez_compressed(HERE / "pipelines.npz", **outputs)


if __name__ == "__main__":
    main()
