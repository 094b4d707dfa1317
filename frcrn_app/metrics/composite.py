"""The composite scores CSIG, CBAK and COVL, and the segmental SNR that one of them rests on.

Hu & Loizou, "Evaluation of Objective Quality Measures for Speech Enhancement", IEEE TASLP 16(1),
2008: predictions of the three ratings of ITU-T P.835 from PESQ, the log-likelihood ratio of linear
predictors, the weighted slope distance of Klatt (1982), and the segmental SNR. As in the papers
that report them on wide-band speech, the PESQ in them is PESQ-WB (P.862.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import MetricError
from frcrn_app.metrics.checks import checked_pair
from frcrn_app.metrics.reference import pesq_score

_FRAME = 480  # samples (30 ms)
_HOP = 120  # samples: frames overlap by three quarters
_BLOCK = 8192  # frames at once
_FFT = 1024
_TINY = 1e-10
_KEPT = 0.95  # share of the frames, the best ones, that LLR and WSS are averaged over
_SEG_SNR_RANGE = (-10.0, 35.0)  # dB, of a frame
_LPC_ORDER = 16

# Klatt's 25 critical bands: centres and widths in Hz.
_CENTRES = np.array(
    [50, 120, 190, 260, 330, 400, 470, 540, 617.372, 703.378, 798.717, 904.128, 1020.38, 1148.30,
     1288.72, 1442.54, 1610.70, 1794.16, 1993.93, 2211.08, 2446.71, 2701.97, 2978.04, 3276.17,
     3597.63]
)  # fmt: skip
_WIDTHS = np.array(
    [70, 70, 70, 70, 70, 70, 70, 77.3724, 86.0056, 95.3398, 105.411, 116.256, 127.914, 140.423,
     153.823, 168.154, 183.457, 199.776, 217.153, 235.631, 255.255, 276.072, 298.126, 321.465,
     346.136]
)  # fmt: skip
_GLOBAL_PEAK, _LOCAL_PEAK = 20.0, 1.0  # Klatt's Kmax and Klocmax


class Composite(NamedTuple):
    """Predicted ratings from 1 to 5: speech distortion, background, overall."""

    csig: float
    cbak: float
    covl: float


def composite_scores(
    clean: np.ndarray, degraded: np.ndarray, pesq_wb: float | None = None
) -> Composite:
    """CSIG, CBAK and COVL of [samples] at 16 kHz; `pesq_wb` is computed unless it is given.

    Raises MetricError where PESQ is not defined or the recordings are shorter than two frames.
    """
    clean, degraded = checked_pair(clean, degraded)
    pesq = pesq_score(clean, degraded) if pesq_wb is None else pesq_wb
    llr = _mean_of_best(_by_frame("CSIG", _log_likelihood_ratio, clean, degraded))
    wss = _mean_of_best(_by_frame("CSIG", _weighted_slope_distance, clean, degraded))
    snr = segmental_snr(clean, degraded)
    ratings = (
        3.093 - 1.029 * llr + 0.603 * pesq - 0.009 * wss,
        1.634 + 0.478 * pesq - 0.007 * wss + 0.063 * snr,
        1.594 + 0.805 * pesq - 0.512 * llr - 0.007 * wss,
    )
    return Composite(*(min(max(float(rating), 1.0), 5.0) for rating in ratings))


def segmental_snr(clean: np.ndarray, degraded: np.ndarray) -> float:
    """Mean SNR in dB over frames of 30 ms, each limited to -10 to 35 dB (Hansen & Pellom 1998).

    A change of level counts as noise. Raises MetricError for recordings shorter than two frames.
    """
    clean, degraded = checked_pair(clean, degraded)
    return float(_by_frame("SegSNR", _limited_snr, clean, degraded).mean())


def _limited_snr(clean: np.ndarray, degraded: np.ndarray) -> np.ndarray:
    """SNR in dB of frames [frames, 480], within its range: [frames]."""
    power = np.square(clean).sum(axis=1), np.square(clean - degraded).sum(axis=1)
    ratio = 10 * np.log10(power[0] / (power[1] + _TINY) + _TINY)
    return np.clip(ratio, *_SEG_SNR_RANGE)


def _by_frame(
    metric: str,
    distance: Callable[[np.ndarray, np.ndarray], np.ndarray],
    clean: np.ndarray,
    degraded: np.ndarray,
) -> np.ndarray:
    """A distance of windowed frames; the last whole one is left out, as in the published code.

    Args:
        metric: whose error it is if there are too few.
        distance: of frames [frames, 480], called for some of them at a time: those of an hour
            would fill the memory.
        clean, degraded: [samples]
    """
    count = int(clean.size / _HOP - _FRAME / _HOP)
    if count < 1:
        seconds = (_FRAME + _HOP) / SAMPLE_RATE
        raise MetricError("metrics.too_short", metric=metric, seconds=seconds)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, _FRAME + 1) / (_FRAME + 1))
    every = [
        np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[: count * _HOP : _HOP]
        for samples in (clean, degraded)
    ]
    blocks = [slice(start, start + _BLOCK) for start in range(0, count, _BLOCK)]
    return np.concatenate(
        [distance(*(frames[block] * window for frames in every)) for block in blocks]
    )


def _mean_of_best(distances: np.ndarray) -> float:
    return float(np.sort(distances)[: round(_KEPT * distances.size)].mean())


def _log_likelihood_ratio(clean: np.ndarray, degraded: np.ndarray) -> np.ndarray:
    """How much worse the degraded frames' predictors fit the clean frames: [frames].

    0 for frames of digital silence, where the published code compares the rounding of its own 1e-16
    and comes to 20.
    """
    correlation = _autocorrelation(clean)  # [frames, 17]
    lags = np.abs(np.subtract.outer(np.arange(_LPC_ORDER + 1), np.arange(_LPC_ORDER + 1)))
    matrix = correlation[:, lags]  # [frames, 17, 17]
    errors = [
        np.einsum("fi,fij,fj->f", predictor, matrix, predictor)
        for predictor in (_predictor(_autocorrelation(degraded)), _predictor(correlation))
    ]
    return np.log(np.maximum(errors[0], _TINY**2) / np.maximum(errors[1], _TINY**2))


def _autocorrelation(frames: np.ndarray) -> np.ndarray:
    """[frames, 480] to [frames, 17], by the FFT, of frames that are never quite zero."""
    spectrum = np.fft.rfft(frames + np.finfo(float).eps, 2 * _FRAME)
    return np.fft.irfft(np.abs(spectrum) ** 2)[:, : _LPC_ORDER + 1]


def _predictor(correlation: np.ndarray) -> np.ndarray:
    """Levinson and Durbin's recursion: autocorrelations [frames, 17] to filters [frames, 17]."""
    filters = np.zeros_like(correlation)
    filters[:, 0] = 1.0
    error = correlation[:, 0].copy()
    for order in range(1, _LPC_ORDER + 1):
        match = np.einsum("fi,fi->f", filters[:, :order], correlation[:, order:0:-1])
        reflection = -match / np.maximum(error, np.finfo(float).tiny)
        filters[:, 1 : order + 1] += reflection[:, None] * filters[:, order - 1 :: -1][:, :order]
        error *= 1 - reflection**2
    return filters


def _weighted_slope_distance(clean: np.ndarray, degraded: np.ndarray) -> np.ndarray:
    """Klatt's distance between spectral slopes, weighted near peaks: [frames]."""
    filters = _critical_bands()
    slopes, weights = [], []
    for frames in (clean, degraded):
        power = np.abs(np.fft.rfft(frames, _FFT)[:, : _FFT // 2]) ** 2
        energy = 10 * np.log10(np.maximum(power @ filters.T, _TINY))  # [frames, 25] dB
        slope = np.diff(energy)  # [frames, 24]
        below = energy[:, :-1]
        top = energy.max(axis=1, keepdims=True)
        peak = _nearest_peak(energy, slope)
        weight = _GLOBAL_PEAK / (_GLOBAL_PEAK + top - below)
        weights.append(weight * _LOCAL_PEAK / (_LOCAL_PEAK + peak - below))
        slopes.append(slope)
    weight = (weights[0] + weights[1]) / 2
    return (weight * (slopes[0] - slopes[1]) ** 2).sum(axis=1) / weight.sum(axis=1)


def _critical_bands() -> np.ndarray:
    """Gaussian filters [25 bands, 512 bins], cut off at -30 dB, of equal area."""
    bins = np.arange(_FFT // 2)
    per_hz = (_FFT // 2) / (SAMPLE_RATE / 2)
    offset = (bins - np.floor(_CENTRES * per_hz)[:, None]) / (_WIDTHS * per_hz)[:, None]
    filters = np.exp(-11 * offset**2 + np.log(_WIDTHS[0] / _WIDTHS)[:, None])
    return np.where(filters > np.exp(-30 / (2 * 2.303)), filters, 0.0)


def _nearest_peak(energy: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Energy of the peak that each band's slope leads to: [frames, 24].

    Uphill it is the band before the slope's end and downhill the one after it, as in the published
    code, whose figures are the ones that papers report.
    """
    bands = slope.shape[1]
    rising = slope > 0
    upward = np.full_like(rising, bands, dtype=np.intp)  # first band from here on that falls
    downward = np.full_like(rising, -1, dtype=np.intp)  # last band up to here that rises
    upward[:, -1] = np.where(rising[:, -1], bands, bands - 1)
    for band in range(bands - 2, -1, -1):
        upward[:, band] = np.where(rising[:, band], upward[:, band + 1], band)
    downward[:, 0] = np.where(rising[:, 0], 0, -1)
    for band in range(1, bands):
        downward[:, band] = np.where(rising[:, band], band, downward[:, band - 1])
    place = np.where(rising, upward - 1, downward + 1)
    return np.take_along_axis(energy, place, axis=1)
