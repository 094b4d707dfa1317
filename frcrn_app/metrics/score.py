"""Many scores of one recording in one call."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from frcrn_app.errors import MetricError
from frcrn_app.metrics.composite import Composite, composite_scores, segmental_snr
from frcrn_app.metrics.distillmos import distillmos_score
from frcrn_app.metrics.dnsmos import dnsmos
from frcrn_app.metrics.reference import (
    DEFAULT_SEED,
    log_spectral_distance,
    pesq_score,
    si_sdr,
    stoi_score,
)
from frcrn_app.metrics.table import METRICS, metric_keys
from frcrn_app.metrics.words import word_error_rate


@dataclass
class _Take:
    """A recording to be scored; what several scores rest on is computed once."""

    clean: np.ndarray
    degraded: np.ndarray
    text: str
    seed: int

    @cached_property
    def pesq_wb(self) -> float:
        return pesq_score(self.clean, self.degraded)

    @cached_property
    def composite(self) -> Composite:
        return composite_scores(self.clean, self.degraded, self.pesq_wb)

    @cached_property
    def dnsmos(self) -> dict[str, float]:
        return dnsmos(self.degraded)


_COMPUTE: dict[str, Callable[[_Take], float]] = {
    "pesq_wb": lambda take: take.pesq_wb,
    "pesq_nb": lambda take: pesq_score(take.clean, take.degraded, wide_band=False),
    "stoi": lambda take: stoi_score(take.clean, take.degraded),
    "estoi": lambda take: stoi_score(take.clean, take.degraded, extended=True, seed=take.seed),
    "si_sdr": lambda take: si_sdr(take.clean, take.degraded),
    "seg_snr": lambda take: segmental_snr(take.clean, take.degraded),
    "lsd": lambda take: log_spectral_distance(take.clean, take.degraded),
    "csig": lambda take: take.composite.csig,
    "cbak": lambda take: take.composite.cbak,
    "covl": lambda take: take.composite.covl,
    "dnsmos_sig": lambda take: take.dnsmos["SIG"],
    "dnsmos_bak": lambda take: take.dnsmos["BAK"],
    "dnsmos_ovrl": lambda take: take.dnsmos["OVRL"],
    "dnsmos_p808": lambda take: take.dnsmos["P808"],
    "distillmos": lambda take: distillmos_score(take.degraded),
    "wer": lambda take: word_error_rate(take.degraded, take.text),
}


def score(
    clean: np.ndarray | None,
    degraded: np.ndarray,
    metrics: Iterable[str] | None = None,
    *,
    text: str | None = None,
    seed: int = DEFAULT_SEED,
) -> tuple[dict[str, float], dict[str, MetricError]]:
    """Scores of one recording [samples] at 16 kHz against its clean one, or without one (None).

    Args:
        clean: the clean recording [samples].
        degraded: the one that is scored, as long as the clean one.
        metrics: keys of METRICS, as `metric_keys` takes them.
        text: what is said, for the word error rate.
        seed: of extended STOI.

    Returns the scores by metric key, NaN where one is not defined, and the reason for each NaN.
    Scores that need a clean recording or a text are NaN without a reason where there is none.
    """
    take = _Take(degraded if clean is None else clean, degraded, text or "", seed)
    scores: dict[str, float] = {}
    reasons: dict[str, MetricError] = {}
    for key in metric_keys(metrics):
        metric = METRICS[key]
        scores[key] = math.nan
        if (metric.needs_clean and clean is None) or (metric.needs_text and not text):
            continue
        try:
            scores[key] = _COMPUTE[key](take)
        except MetricError as error:
            reasons[key] = error
        except Exception as error:  # a package's own fault must not end the other scores
            reasons[key] = MetricError(
                "metrics.failed",
                metric=metric.title,
                reason=f"{type(error).__name__}: {error}"[:300],
            )
    return scores, reasons
