"""Scores of an enhanced recording, with or without its clean reference."""

from frcrn_app.metrics.scores import (
    DEFAULT_SEED,
    METRICS,
    SAMPLE_RATE,
    Metric,
    dnsmos,
    input_snr,
    metric_keys,
    package_versions,
    pesq_score,
    rms_dbfs,
    score,
    si_sdr,
    stoi_score,
)

__all__ = [
    "DEFAULT_SEED",
    "METRICS",
    "SAMPLE_RATE",
    "Metric",
    "dnsmos",
    "input_snr",
    "metric_keys",
    "package_versions",
    "pesq_score",
    "rms_dbfs",
    "score",
    "si_sdr",
    "stoi_score",
]
