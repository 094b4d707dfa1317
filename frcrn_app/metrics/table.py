"""What each score is: its key in tables, its scale, where it is defined, what computes it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata, util

from frcrn_app.errors import MetricError
from frcrn_app.i18n import text


@dataclass(frozen=True)
class Metric:
    """What a reader must know to read a score; its source stands in the catalogues."""

    key: str
    title: str
    unit: str = ""  # "" for a score without one
    higher_is_better: bool = True
    low: float = -math.inf  # ends of the scale
    high: float = math.inf
    needs_clean: bool = True  # False: scored on the recording alone
    needs_text: bool = False  # True: scored against the words that are spoken
    decimals: int = 3  # that carry meaning in a table
    package: str = ""  # an optional one that it needs

    @property
    def direction(self) -> str:
        return "higher is better" if self.higher_is_better else "lower is better"

    @property
    def source(self) -> str:
        return self.source_in("en")

    def source_in(self, language: str) -> str:
        """Where it is defined, and what computes it here."""
        return text(f"metrics.source.{self.key}", language)


def _mos(key: str, title: str, high: float = 5.0, **options) -> Metric:
    return Metric(key, title, low=1.0, high=high, **options)


METRICS: dict[str, Metric] = {
    metric.key: metric
    for metric in (
        _mos("pesq_wb", "PESQ-WB", 4.64),
        _mos("pesq_nb", "PESQ-NB", 4.55),
        Metric("stoi", "STOI", low=0.0, high=1.0, decimals=4),
        Metric("estoi", "ESTOI", low=0.0, high=1.0, decimals=4),
        Metric("si_sdr", "SI-SDR (SI-SNR)", "dB", decimals=2),
        Metric("seg_snr", "SegSNR", "dB", low=-10.0, high=35.0, decimals=2),
        Metric("lsd", "LSD", "dB", higher_is_better=False, low=0.0, decimals=2),
        _mos("csig", "CSIG"),
        _mos("cbak", "CBAK"),
        _mos("covl", "COVL"),
        _mos("dnsmos_sig", "DNSMOS SIG", needs_clean=False),
        _mos("dnsmos_bak", "DNSMOS BAK", needs_clean=False),
        _mos("dnsmos_ovrl", "DNSMOS OVRL", needs_clean=False),
        _mos("dnsmos_p808", "DNSMOS P.808", needs_clean=False),
        _mos("distillmos", "DistillMOS", needs_clean=False, package="distillmos"),
        Metric(
            "wer",
            "WER",
            "%",
            higher_is_better=False,
            low=0.0,
            needs_clean=False,
            needs_text=True,
            decimals=1,
            package="jiwer",
        ),
    )
}
_GROUPS = {
    "pesq": ("pesq_wb", "pesq_nb"),
    "dnsmos": ("dnsmos_sig", "dnsmos_bak", "dnsmos_ovrl", "dnsmos_p808"),
    "composite": ("csig", "cbak", "covl", "seg_snr"),
    "si_snr": ("si_sdr",),
}
PACKAGES = (
    "pesq",
    "pystoi",
    "speechmos",
    "onnxruntime",
    "distillmos",
    "jiwer",
    "pocketsphinx",
    "faster-whisper",
    "numpy",
    "scipy",
)


def metric_keys(names: Iterable[str] | None) -> list[str]:
    """The metrics asked for, in the order of the table.

    Takes keys ("pesq_wb"), titles ("PESQ-WB"), the groups "pesq", "dnsmos" and "composite", and
    "si_snr" for "si_sdr", in any case; "all" for everything whose packages are installed. None or
    nothing asks for what needs no optional package. Raises MetricError for a name that is none of
    these.
    """
    names = list(names or ())
    if not names:
        return [key for key, metric in METRICS.items() if not metric.package]
    wanted: set[str] = set()
    for name in names:
        plain = re.sub(r"[-\s]+", "_", name.strip().lower()).replace(".", "")
        if plain == "all":
            found = [key for key, metric in METRICS.items() if is_installed(metric)]
        else:
            found = _GROUPS.get(plain, (plain,) if plain in METRICS else ())
        if not found:
            raise MetricError("metrics.unknown", name=name, offered=", ".join(METRICS))
        wanted.update(found)
    return [key for key in METRICS if key in wanted]


def is_installed(metric: Metric) -> bool:
    """Whether the optional package that a metric needs is there, if it needs one."""
    return not metric.package or util.find_spec(metric.package) is not None


def package_versions() -> dict[str, str]:
    """Versions of the packages that the scores depend on."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions
