"""DistillMOS: a single rating of a recording, without its clean reference."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
import types
from functools import lru_cache

import numpy as np

from frcrn_app.errors import MetricError
from frcrn_app.metrics.checks import checked, finite


def distillmos_score(samples: np.ndarray) -> float:
    """DistillMOS (Stahl & Gamper 2025) of a recording [samples] at 16 kHz: a MOS from 1 to 5.

    Windows of 7.68 s, at most a second apart, averaged; level does not count. Raises MetricError
    for silence and where the package distillmos is missing.
    """
    import torch

    samples = checked(samples)
    network = _network()
    with torch.inference_mode():
        rating = network(torch.from_numpy(samples.astype(np.float32))[None])
    return finite(float(rating), "DistillMOS")


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
