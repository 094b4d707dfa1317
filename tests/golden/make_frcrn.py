"""Makes frcrn.npz: outputs of the reference network for seeded weights and input.

    python tests/golden/make_frcrn.py

Needs the reference, which `benchmarks/reference.py` installs into a folder of its own. Weights and
input follow from seeds by numpy's Philox generator, so that the file holds outputs alone.
"""

import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
WAVEFORM = 4  # position of the final waveform in what ModelScope's network returns
sys.path[:0] = [str(HERE.parent.parent), str(HERE)]

from seeded import LENGTHS, seeded_state, waveform  # noqa: E402

from benchmarks.reference import Reference, install  # noqa: E402
from frcrn_app.model import FRCRN  # noqa: E402


def main() -> None:
    reference = Reference(install()).network()
    reference.load_state_dict(seeded_state(FRCRN()), strict=False)
    outputs = {}
    for length in LENGTHS:
        with torch.no_grad():
            enhanced = reference(waveform(length))[WAVEFORM]
        outputs[str(length)] = enhanced.reshape(-1)[:length].numpy().astype(np.float32)
    np.savez_compressed(HERE / "frcrn.npz", **outputs)


if __name__ == "__main__":
    main()
