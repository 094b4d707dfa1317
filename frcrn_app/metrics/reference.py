"""Scores of a recording against its clean reference: PESQ, STOI, SI-SDR, log-spectral distance."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import MetricError
from frcrn_app.metrics.checks import checked_pair, finite

DEFAULT_SEED = 0

_MIN_PESQ_SECONDS = 0.25  # pesq refuses less
# P.862.3 advises against longer recordings in one PESQ run, and the pesq package's tables of 50
# utterances overflow silently, or crash the process, on long ones.
_MAX_PESQ_SECONDS = 30.0
# 30 frames of 12.8 ms and a window, and one that pystoi leaves out; less has no intermediate
# intelligibility.
_MIN_STOI_SECONDS = 0.41
_MAX_STOI_SECONDS = 600.0  # at once; pystoi's segments take 1 MB a second
_MAX_SI_SDR = 100.0  # dB; beyond it only rounding is left of the error, or of the reference

_LSD_WINDOW = 512  # samples (32 ms)
_LSD_HOP = 256  # samples (16 ms)
_LSD_BLOCK = 4096  # frames at once, so that an hour takes no more memory than a minute
_LSD_RANGE = 1e-8  # power floor relative to the reference's highest bin: 80 dB


def pesq_score(clean: np.ndarray, degraded: np.ndarray, *, wide_band: bool = True) -> float:
    """PESQ as MOS-LQO (ITU-T P.862.2, or P.862.1 with wide_band=False) of [samples] at 16 kHz.

    Recordings longer than 30 s are scored in equal pieces of up to 30 s and averaged over the
    pieces that hold speech. Raises MetricError for silence, for less than 0.25 s and where PESQ
    finds no speech.
    """
    clean, degraded = checked_pair(clean, degraded)
    if clean.size < _MIN_PESQ_SECONDS * SAMPLE_RATE:
        raise MetricError("metrics.pesq_short", seconds=_MIN_PESQ_SECONDS)

    def of_piece(clean: np.ndarray, degraded: np.ndarray) -> float:
        return _pesq(clean, degraded, wide_band)

    return _mean_of_pieces(of_piece, clean, degraded, _MAX_PESQ_SECONDS)


def _mean_of_pieces(
    of_piece: Callable[[np.ndarray, np.ndarray], float],
    clean: np.ndarray,
    degraded: np.ndarray,
    longest: float,
) -> float:
    """A score averaged over equal pieces of up to so many seconds, those without sound left out."""
    count = math.ceil(clean.size / (longest * SAMPLE_RATE))
    if count == 1:
        return of_piece(clean, degraded)
    scores, reason = [], None
    for part in zip(np.array_split(clean, count), np.array_split(degraded, count), strict=True):
        try:
            scores.append(of_piece(*checked_pair(*part)))
        except MetricError as error:
            reason = error
    if reason is not None and not scores:
        raise reason
    return sum(scores) / len(scores)


def _pesq(clean: np.ndarray, degraded: np.ndarray, wide_band: bool) -> float:
    import pesq

    try:
        score = pesq.pesq(SAMPLE_RATE, clean, degraded, "wb" if wide_band else "nb")
    except pesq.NoUtterancesError as error:
        raise MetricError("metrics.pesq_no_speech") from error
    except (pesq.PesqError, ValueError) as error:
        raise MetricError("metrics.pesq_failed", reason=str(error)) from error
    return finite(score, "PESQ")


def stoi_score(
    clean: np.ndarray,
    degraded: np.ndarray,
    *,
    extended: bool = False,
    seed: int = DEFAULT_SEED,
) -> float:
    """STOI (Taal et al. 2011) or extended STOI (Jensen & Taal 2016) of [samples] at 16 kHz.

    pystoi's extended STOI dithers with numpy's global generator: it is seeded here, and put back.
    Recordings longer than ten minutes are scored in equal pieces of up to ten, and averaged over
    the pieces that hold sound. Raises MetricError for silence and for less than 30 frames (0.41 s)
    that are not silent.
    """

    def of_piece(clean: np.ndarray, degraded: np.ndarray) -> float:
        return _stoi(clean, degraded, extended, seed)

    return _mean_of_pieces(of_piece, *checked_pair(clean, degraded), _MAX_STOI_SECONDS)


def _stoi(clean: np.ndarray, degraded: np.ndarray, extended: bool, seed: int) -> float:
    import pystoi

    too_short = MetricError("metrics.stoi_short", seconds=_MIN_STOI_SECONDS)
    if clean.size < _MIN_STOI_SECONDS * SAMPLE_RATE:
        raise too_short
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        with warnings.catch_warnings():
            # Its warning of too few frames comes with the sentinel 1e-5: take it as the refusal.
            warnings.simplefilter("error", RuntimeWarning)
            score = pystoi.stoi(clean, degraded, SAMPLE_RATE, extended=extended)
    except RuntimeWarning as error:
        raise too_short from error
    finally:
        np.random.set_state(state)
    return finite(float(score), "STOI")


def si_sdr(clean: np.ndarray, degraded: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio in dB of [samples], on signals made zero-mean.

    Le Roux et al. 2019, "SDR - half-baked or well done?"; with the means removed, as here, it is
    the SI-SNR of Luo & Mesgarani 2018. Raises MetricError where only rounding is left to measure:
    for equal recordings, and for recordings that share nothing (beyond +-100 dB).
    """
    clean, degraded = checked_pair(clean, degraded)
    clean = clean - clean.mean()
    degraded = degraded - degraded.mean()
    energy = float(clean @ clean)
    if energy == 0:
        raise MetricError("metrics.constant")
    target = (clean @ degraded) / energy * clean
    distortion = degraded - target
    target_energy, distortion_energy = float(target @ target), float(distortion @ distortion)
    bound = 10 ** (_MAX_SI_SDR / 10)
    if target_energy > bound * distortion_energy:
        raise MetricError("metrics.equal")
    if distortion_energy > bound * target_energy:
        raise MetricError("metrics.unrelated")
    return 10 * math.log10(target_energy / distortion_energy)


def log_spectral_distance(clean: np.ndarray, degraded: np.ndarray) -> float:
    """Log-spectral distance in dB of [samples] at 16 kHz (Gray & Markel 1976).

    The root of the mean squared difference of log power spectra over frequency, averaged over
    frames of 32 ms. Both spectra are floored 80 dB below the clean recording's highest bin, so
    digital silence does not decide the number. A change of level counts as distance.
    """
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    clean, degraded = checked_pair(clean, degraded)
    if clean.size < _LSD_WINDOW:
        raise MetricError("metrics.too_short", metric="LSD", seconds=_LSD_WINDOW / SAMPLE_RATE)
    transform = ShortTimeFFT(hann(_LSD_WINDOW, sym=False), _LSD_HOP, SAMPLE_RATE)
    first = transform.lower_border_end[1]
    stop = transform.upper_border_begin(clean.size)[1]  # frames that lie wholly in the recording
    blocks = [(p, min(p + _LSD_BLOCK, stop)) for p in range(first, stop, _LSD_BLOCK)]

    def power(samples: np.ndarray, p0: int, p1: int) -> np.ndarray:
        return np.abs(transform.stft(samples, p0=p0, p1=p1)) ** 2  # [257, frames]

    floor = _LSD_RANGE * max(power(clean, *block).max() for block in blocks)
    distances = []
    for block in blocks:
        decibel = [
            10 * np.log10(np.maximum(power(samples, *block), floor))
            for samples in (clean, degraded)
        ]
        distances.append(np.sqrt(np.mean((decibel[0] - decibel[1]) ** 2, axis=0)))
    return float(np.concatenate(distances).mean())


def input_snr(clean: np.ndarray, noisy: np.ndarray) -> float:
    """SNR in dB of a noisy recording [samples], measured against its clean one.

    The level of the clean recording inside the noisy one is fitted first, so a plain gain between
    the two is not taken for noise: this is the noisy recording's SI-SDR. NaN where that is not
    defined.
    """
    try:
        return si_sdr(clean, noisy)
    except MetricError:
        return math.nan
