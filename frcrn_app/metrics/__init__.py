"""Scores of an enhanced recording on arrays, with or without its clean reference.

Everything is scored at 16 kHz, mono: a float array [samples]. A score that is not defined for a
recording raises `MetricError` with the reason; no sentinel value ever leaves this room. `score`
gives many scores of one recording, NaN and a reason where one is not defined.
"""

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.metrics.composite import Composite, composite_scores, segmental_snr
from frcrn_app.metrics.distillmos import distillmos_score
from frcrn_app.metrics.dnsmos import dnsmos
from frcrn_app.metrics.reference import (
    DEFAULT_SEED,
    input_snr,
    log_spectral_distance,
    pesq_score,
    si_sdr,
    stoi_score,
)
from frcrn_app.metrics.score import score
from frcrn_app.metrics.table import METRICS, Metric, is_installed, metric_keys, package_versions
from frcrn_app.metrics.words import word_error_rate

__all__ = [
    "DEFAULT_SEED",
    "METRICS",
    "SAMPLE_RATE",
    "Composite",
    "Metric",
    "composite_scores",
    "distillmos_score",
    "dnsmos",
    "input_snr",
    "is_installed",
    "log_spectral_distance",
    "metric_keys",
    "package_versions",
    "pesq_score",
    "score",
    "segmental_snr",
    "si_sdr",
    "stoi_score",
    "word_error_rate",
]
