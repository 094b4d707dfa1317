"""DNSMOS: what listeners would say of a recording, without its clean reference."""

from __future__ import annotations

import math
from functools import lru_cache
from importlib import util
from pathlib import Path

import numpy as np

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import MetricError
from frcrn_app.metrics.checks import checked

_SECONDS = 9.01  # the length the DNSMOS networks were trained on
_SAMPLES = int(_SECONDS * SAMPLE_RATE)
_FFT = 321
_HOP = 160
_MELS = 120
# Polynomials that map the raw network outputs to the P.835 scale; from speechmos (Microsoft, MIT).
_SCALE = {
    "SIG": (-0.08397278, 1.22083953, 0.0052439),
    "BAK": (-0.13166888, 1.60915514, -0.39604546),
    "OVRL": (-0.06766283, 1.11546468, 0.04602535),
}


def dnsmos(samples: np.ndarray) -> dict[str, float]:
    """DNSMOS of a recording [samples] at 16 kHz, without a reference: a MOS from about 1 to 5.

    Returns "SIG" (speech), "BAK" (background), "OVRL" (overall), all P.835 (Reddy et al. 2022), and
    "P808" (overall, P.808; Reddy et al. 2021). Networks and procedure are those of the speechmos
    package: windows of 9.01 s, one a second, averaged; shorter recordings are repeated to that
    length. Samples beyond [-1, 1] are clipped, as playing them would. Raises MetricError for
    silence.
    """
    samples = np.clip(checked(samples), -1.0, 1.0)
    while samples.size < _SAMPLES:
        samples = np.concatenate([samples, samples])
    p835, p808 = _networks()
    scores = []
    # speechmos leaves out a window that would start in the last whole second, and those whose end,
    # (start + 9.01) * 16000 in floating point, comes out a sample short. Kept, so that the numbers
    # are those that others report.
    for start in range(max(1, samples.size // SAMPLE_RATE - 9)):
        stop = int((start + _SECONDS) * SAMPLE_RATE)
        window = samples[start * SAMPLE_RATE : stop].astype(np.float32)
        if window.size < _SAMPLES:
            continue
        raw = p835.run(None, {"input_1": window[None]})[0][0]
        mel = _mel_spectrogram(window[:-_HOP])
        scores.append([*raw, p808.run(None, {"input_1": mel[None]})[0][0, 0]])
    *mos, overall = np.array(scores).T  # [windows] each, in the order of _SCALE
    result = {
        key: float(np.polyval(polynomial, raw).mean())
        for (key, polynomial), raw in zip(_SCALE.items(), mos, strict=True)
    }
    result["P808"] = float(overall.mean())
    return result


@lru_cache(maxsize=1)
def _networks() -> tuple:
    """The P.835 and P.808 networks from the speechmos package, on one thread each."""
    import onnxruntime

    # speechmos.dnsmos itself is not imported: it needs librosa, only for a mel spectrogram.
    package = util.find_spec("speechmos")
    if package is None or not package.submodule_search_locations:
        raise MetricError("metrics.package_missing", metric="DNSMOS", package="speechmos")
    folder = Path(package.submodule_search_locations[0]) / "dnsmos_models"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return tuple(
        onnxruntime.InferenceSession(
            str(folder / name), sess_options=options, providers=["CPUExecutionProvider"]
        )
        for name in ("sig_bak_ovr.onnx", "model_v8.onnx")
    )


@lru_cache(maxsize=1)
def _mel_bands() -> np.ndarray:
    """Slaney's mel filters, area-normalised: [120 mels, 161 bins] from 0 to 8 kHz."""
    low, per_mel, log_step = 1000.0, 200 / 3, math.log(6.4) / 27

    def hz(mel: np.ndarray) -> np.ndarray:  # linear below 1 kHz, logarithmic above
        knee = low / per_mel
        return np.where(mel < knee, per_mel * mel, low * np.exp(log_step * (mel - knee)))

    top = low / per_mel + math.log(SAMPLE_RATE / 2 / low) / log_step
    edges = hz(np.linspace(0, top, _MELS + 2))
    bins = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    filters = np.maximum(0, np.minimum(rising, falling))
    return (filters * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def _mel_spectrogram(samples: np.ndarray) -> np.ndarray:
    """Mel power in dB re its maximum, over 40 dB plus 1: [samples] to float32 [frames, 120]."""
    half = _FFT // 2
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, half), _FFT)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)
    power = np.abs(np.fft.rfft(frames[::_HOP] * window, axis=-1)) ** 2  # [frames, 161]
    decibel = 10 * np.log10(np.maximum(power @ _mel_bands().T, 1e-10))
    decibel -= decibel.max()
    return ((np.maximum(decibel, -80.0) + 40) / 40).astype(np.float32)
