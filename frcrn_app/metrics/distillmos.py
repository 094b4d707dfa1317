"""DistillMOS: a single rating of a recording, without its clean reference."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
import types
from functools import lru_cache

import numpy as np

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import MetricError
from frcrn_app.metrics.checks import checked, finite

_MOST_SAMPLES = 600 * SAMPLE_RATE


def distillmos_score(samples: np.ndarray) -> float:
    """DistillMOS (Stahl & Gamper 2025) of a recording [samples] at 16 kHz: a MOS from 1 to 5.

    Windows of 7.68 s, at most a second apart, averaged; level does not count. Recordings longer
    than ten minutes are rated in equal pieces, which are averaged. Raises MetricError for silence
    and where the package distillmos is missing.
    """
    import torch

    samples = checked(samples)
    network = _network()
    # It takes all windows of a recording at once.
    pieces = np.array_split(samples.astype(np.float32), -(-samples.size // _MOST_SAMPLES))
    with torch.inference_mode():
        ratings = [float(network(torch.from_numpy(piece)[None])) for piece in pieces]
    return finite(sum(ratings) / len(ratings), "DistillMOS")


@lru_cache(maxsize=1)
def _network():
    # The package imports torchaudio for its command line alone, and that import fails beside a
    # torch without CUDA libraries; an empty module serves.
    absent = "torchaudio" not in sys.modules
    if absent:
        sys.modules["torchaudio"] = types.ModuleType("torchaudio")
    try:
        package = importlib.import_module("distillmos")
    except ImportError as error:
        raise MetricError(
            "metrics.package_missing", metric="DistillMOS", package="distillmos"
        ) from error
    finally:
        if absent:
            del sys.modules["torchaudio"]
    with contextlib.redirect_stdout(io.StringIO()):  # it announces where its weights lie
        return package.ConvTransformerSQAModel().eval()
