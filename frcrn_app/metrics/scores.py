"""Objective scores of speech enhancement on arrays: a function a score, a table of what each is.

Everything here is scored at 16 kHz, mono: a float array [samples]. A score that is not defined for
a sound raises `MetricError` with the reason; no sentinel value ever leaves this module.

`score` is the whole of it in one call: many scores of one sound, NaN and a reason where one is not
defined. The other functions are the single scores.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata, util
from pathlib import Path

import numpy as np

from frcrn_app.errors import MetricError

SAMPLE_RATE = 16_000  # Hz, the only rate that is scored
SILENCE_DBFS = -90.0  # below this rms (half a 16-bit step is -96) a sound counts as silent
MIN_PESQ_SECONDS = 0.25  # pesq refuses less
# P.862.3 advises against longer sounds in one PESQ run, and the pesq package's tables of 50
# utterances overflow silently, or crash the process, on long recordings.
MAX_PESQ_SECONDS = 30.0
MIN_STOI_SECONDS = (
    0.4  # 30 frames of 12.8 ms and a window; less has no intermediate intelligibility
)
MAX_SI_SDR = 100.0  # dB; beyond it only rounding is left of the error, or nothing of the reference
DEFAULT_SEED = 0

_LSD_WINDOW = 512  # samples (32 ms)
_LSD_HOP = 256  # samples (16 ms)
_LSD_RANGE = 1e-8  # power floor relative to the reference's highest bin: 80 dB

_DNSMOS_SECONDS = 9.01  # the length the DNSMOS networks were trained on
_DNSMOS_SAMPLES = int(_DNSMOS_SECONDS * SAMPLE_RATE)
_DNSMOS_FFT = 321
_DNSMOS_HOP = 160
_DNSMOS_MELS = 120
# Polynomials that map the raw network outputs to the P.835 scale; from speechmos (Microsoft, MIT).
_DNSMOS_SCALE = {
    "SIG": (-0.08397278, 1.22083953, 0.0052439),
    "BAK": (-0.13166888, 1.60915514, -0.39604546),
    "OVRL": (-0.06766283, 1.11546468, 0.04602535),
}


@dataclass(frozen=True)
class Metric:
    """What a score is: its key in tables, and what a reader must know to read it."""

    key: str
    title: str
    unit: str  # "" for a score without one
    higher_is_better: bool
    low: float  # end of the scale, -inf where there is none
    high: float
    needs_clean: bool  # False: scored on the sound alone
    decimals: int  # that carry meaning in a table
    source: str  # where it is defined, and what computes it here

    @property
    def direction(self) -> str:
        return "higher is better" if self.higher_is_better else "lower is better"


METRICS: dict[str, Metric] = {
    metric.key: metric
    for metric in (
        Metric(
            "pesq_wb",
            "PESQ-WB",
            "",
            True,
            1.0,
            4.64,
            True,
            3,
            "ITU-T P.862.2, wide-band MOS-LQO; package pesq",
        ),
        Metric(
            "pesq_nb",
            "PESQ-NB",
            "",
            True,
            1.0,
            4.55,
            True,
            3,
            "ITU-T P.862 mapped by P.862.1, narrow-band MOS-LQO; package pesq",
        ),
        Metric(
            "stoi",
            "STOI",
            "",
            True,
            0.0,
            1.0,
            True,
            4,
            "Taal et al. 2011, short-time objective intelligibility, slightly below 0 for mere "
            "noise; package pystoi",
        ),
        Metric(
            "estoi",
            "ESTOI",
            "",
            True,
            0.0,
            1.0,
            True,
            4,
            "Jensen & Taal 2016, extended STOI, seeded; package pystoi",
        ),
        Metric(
            "si_sdr",
            "SI-SDR (SI-SNR)",
            "dB",
            True,
            -math.inf,
            math.inf,
            True,
            2,
            "Le Roux et al. 2019 on signals made zero-mean, which is the SI-SNR of "
            "Luo & Mesgarani 2018: one number, two names; its gain is the SI-SNRi",
        ),
        Metric(
            "lsd",
            "LSD",
            "dB",
            False,
            0.0,
            math.inf,
            True,
            2,
            "Gray & Markel 1976, log-spectral distance, 32 ms Hann frames, 80 dB range; "
            "a change of level counts",
        ),
        Metric(
            "dnsmos_sig",
            "DNSMOS SIG",
            "",
            True,
            1.0,
            5.0,
            False,
            3,
            "Reddy et al. 2022, DNSMOS P.835, speech quality; models of package speechmos",
        ),
        Metric(
            "dnsmos_bak",
            "DNSMOS BAK",
            "",
            True,
            1.0,
            5.0,
            False,
            3,
            "Reddy et al. 2022, DNSMOS P.835, background quality; models of package speechmos",
        ),
        Metric(
            "dnsmos_ovrl",
            "DNSMOS OVRL",
            "",
            True,
            1.0,
            5.0,
            False,
            3,
            "Reddy et al. 2022, DNSMOS P.835, overall quality; models of package speechmos",
        ),
        Metric(
            "dnsmos_p808",
            "DNSMOS P.808",
            "",
            True,
            1.0,
            5.0,
            False,
            3,
            "Reddy et al. 2021, DNSMOS P.808, overall quality; models of package speechmos",
        ),
    )
}
PACKAGES = ("pesq", "pystoi", "speechmos", "onnxruntime", "numpy", "scipy")


def metric_keys(names: Iterable[str] | None) -> list[str]:
    """The metrics asked for, in the order of the table; all of them for None, "all" or nothing.

    Takes keys ("pesq_wb"), titles ("PESQ-WB"), the groups "pesq" and "dnsmos", and "si_snr" for
    "si_sdr", in any case. Raises MetricError for a name that is none of these.
    """
    wanted: set[str] = set()
    for name in names or ("all",):
        plain = name.strip().lower().replace("-", "_").replace(" ", "_").replace(".", "")
        found = {
            key
            for key in METRICS
            if plain in (key, "all")
            or (plain == "si_snr" and key == "si_sdr")
            or (plain == "pesq" and key.startswith("pesq"))
            or (plain == "dnsmos" and key.startswith("dnsmos"))
        }
        if not found:
            raise MetricError(
                f"There is no metric called {name!r}; choose from {', '.join(METRICS)}."
            )
        wanted |= found
    return [key for key in METRICS if key in wanted]


def package_versions() -> dict[str, str]:
    """Versions of the packages that the scores depend on."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


# ---- checks ------------------------------------------------------------------------------------


def _checked(samples: np.ndarray, name: str) -> np.ndarray:
    """The sound as float64 [samples], or MetricError where nothing can be scored on it."""
    samples = np.asarray(samples)
    if samples.ndim != 1:
        raise MetricError(f"The {name} sound has {samples.ndim} axes; scores need one, mono.")
    if samples.size == 0:
        raise MetricError(f"The {name} sound is empty.")
    samples = samples.astype(np.float64)
    if not np.isfinite(samples).all():
        raise MetricError(f"The {name} sound holds NaN or infinite samples.")
    if rms_dbfs(samples) < SILENCE_DBFS:
        raise MetricError(f"The {name} sound is silent (below {SILENCE_DBFS:.0f} dBFS).")
    return samples


def _checked_pair(clean: np.ndarray, degraded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    clean = _checked(clean, "clean")
    degraded = _checked(degraded, "scored")
    if clean.size != degraded.size:
        raise MetricError(
            f"The clean sound has {clean.size} samples and the scored one {degraded.size}; "
            "cut both to the same length first."
        )
    return clean, degraded


def rms_dbfs(samples: np.ndarray) -> float:
    """Level of [samples] in dB re full scale; -inf for silence."""
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return 10 * math.log10(power) if power > 0 else -math.inf


def _finite(value: float, title: str) -> float:
    if not math.isfinite(value):
        raise MetricError(f"{title} came out as {value}.")
    return float(value)


# ---- scores against the clean sound ------------------------------------------------------------


def pesq_score(clean: np.ndarray, degraded: np.ndarray, *, wide_band: bool = True) -> float:
    """PESQ as MOS-LQO (ITU-T P.862.2, or P.862.1 with wide_band=False) of [samples] at 16 kHz.

    Sounds longer than 30 s are scored in equal pieces of up to 30 s and averaged over the pieces
    that hold speech. Raises MetricError for silence, for less than 0.25 s and where PESQ finds no
    speech.
    """
    clean, degraded = _checked_pair(clean, degraded)
    if clean.size < MIN_PESQ_SECONDS * SAMPLE_RATE:
        raise MetricError(f"PESQ needs at least {MIN_PESQ_SECONDS} s of sound.")
    pieces = math.ceil(clean.size / (MAX_PESQ_SECONDS * SAMPLE_RATE))
    if pieces == 1:
        return _pesq(clean, degraded, wide_band)
    scores = []
    for part in zip(np.array_split(clean, pieces), np.array_split(degraded, pieces), strict=True):
        try:
            scores.append(_pesq(*_checked_pair(*part), wide_band))
        except MetricError as error:
            reason = error
    if not scores:
        raise reason
    return sum(scores) / len(scores)


def _pesq(clean: np.ndarray, degraded: np.ndarray, wide_band: bool) -> float:
    import pesq

    try:
        score = pesq.pesq(SAMPLE_RATE, clean, degraded, "wb" if wide_band else "nb")
    except pesq.NoUtterancesError as error:
        raise MetricError("PESQ found no speech in the sound.") from error
    except (pesq.PesqError, ValueError) as error:
        raise MetricError(f"PESQ could not score the sound: {error}.") from error
    return _finite(score, "PESQ")


def stoi_score(
    clean: np.ndarray,
    degraded: np.ndarray,
    *,
    extended: bool = False,
    seed: int = DEFAULT_SEED,
) -> float:
    """STOI (Taal et al. 2011) or extended STOI (Jensen & Taal 2016) of [samples] at 16 kHz.

    pystoi's extended STOI dithers with numpy's global generator: it is seeded here, and put back.
    Raises MetricError for silence and for less than 30 frames (0.4 s) that are not silent.
    """
    import pystoi

    clean, degraded = _checked_pair(clean, degraded)
    too_short = MetricError("STOI needs at least 0.4 s of sound that is not silent.")
    if clean.size < MIN_STOI_SECONDS * SAMPLE_RATE:
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
    return _finite(score, "STOI")


def si_sdr(clean: np.ndarray, degraded: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio in dB of [samples], on signals made zero-mean.

    Le Roux et al. 2019, "SDR - half-baked or well done?"; with the means removed, as here, it is
    the SI-SNR of Luo & Mesgarani 2018. Raises MetricError where only rounding is left to measure:
    for equal sounds, and for sounds that share nothing (beyond +-100 dB).
    """
    clean, degraded = _checked_pair(clean, degraded)
    clean = clean - clean.mean()
    degraded = degraded - degraded.mean()
    energy = float(clean @ clean)
    if energy == 0:
        raise MetricError("The clean sound is constant; SI-SDR is not defined for it.")
    target = (clean @ degraded) / energy * clean
    distortion = degraded - target
    target_energy, distortion_energy = float(target @ target), float(distortion @ distortion)
    bound = 10 ** (MAX_SI_SDR / 10)
    if target_energy > bound * distortion_energy:
        raise MetricError("The scored sound equals the clean one; SI-SDR is unbounded.")
    if distortion_energy > bound * target_energy:
        raise MetricError("The scored sound holds nothing of the clean one; SI-SDR is unbounded.")
    return 10 * math.log10(target_energy / distortion_energy)


def log_spectral_distance(clean: np.ndarray, degraded: np.ndarray) -> float:
    """Log-spectral distance in dB of [samples] at 16 kHz (Gray & Markel 1976).

    The root of the mean squared difference of log power spectra over frequency, averaged over
    frames of 32 ms. Both spectra are floored 80 dB below the clean sound's highest bin, so digital
    silence does not decide the number. A change of level counts as distance.
    """
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    clean, degraded = _checked_pair(clean, degraded)
    if clean.size < _LSD_WINDOW:
        raise MetricError(f"LSD needs at least {_LSD_WINDOW} samples.")
    transform = ShortTimeFFT(hann(_LSD_WINDOW, sym=False), _LSD_HOP, SAMPLE_RATE)
    first = transform.lower_border_end[1]
    stop = transform.upper_border_begin(clean.size)[1]  # frames that lie wholly in the sound
    powers = [np.abs(transform.stft(x, p0=first, p1=stop)) ** 2 for x in (clean, degraded)]
    floor = _LSD_RANGE * powers[0].max()  # [257, frames]
    clean_db, degraded_db = (10 * np.log10(np.maximum(power, floor)) for power in powers)
    return float(np.sqrt(np.mean((clean_db - degraded_db) ** 2, axis=0)).mean())


def input_snr(clean: np.ndarray, noisy: np.ndarray) -> float:
    """SNR in dB of a noisy sound [samples], measured against its clean one.

    The level of the clean sound inside the noisy one is fitted first, so a plain gain between the
    two is not taken for noise: this is the noisy sound's SI-SDR. NaN where that is not defined.
    """
    try:
        return si_sdr(clean, noisy)
    except MetricError:
        return math.nan


# ---- scores without a clean sound --------------------------------------------------------------


@lru_cache(maxsize=1)
def _dnsmos_sessions():
    """The P.835 and P.808 networks from the speechmos package, on one thread each."""
    import onnxruntime

    # speechmos.dnsmos itself is not imported: it needs librosa, only for a mel spectrogram.
    package = util.find_spec("speechmos")
    if package is None or not package.submodule_search_locations:
        raise MetricError("DNSMOS needs the package speechmos: pip install speechmos.")
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
    edges = hz(np.linspace(0, top, _DNSMOS_MELS + 2))
    bins = np.fft.rfftfreq(_DNSMOS_FFT, 1 / SAMPLE_RATE)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    filters = np.maximum(0, np.minimum(rising, falling))
    return (filters * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def _mel_spectrogram(samples: np.ndarray) -> np.ndarray:
    """Mel power in dB re its maximum, over 40 dB plus 1: [samples] to float32 [frames, 120]."""
    half = _DNSMOS_FFT // 2
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, half), _DNSMOS_FFT)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_DNSMOS_FFT) / _DNSMOS_FFT)
    power = np.abs(np.fft.rfft(frames[::_DNSMOS_HOP] * window, axis=-1)) ** 2  # [frames, 161]
    decibel = 10 * np.log10(np.maximum(power @ _mel_bands().T, 1e-10))
    decibel -= decibel.max()
    return ((np.maximum(decibel, -80.0) + 40) / 40).astype(np.float32)


def dnsmos(samples: np.ndarray) -> dict[str, float]:
    """DNSMOS of a sound [samples] at 16 kHz, without a reference: a MOS from about 1 to 5.

    Returns "SIG" (speech), "BAK" (background), "OVRL" (overall), all P.835 (Reddy et al. 2022), and
    "P808" (overall, P.808; Reddy et al. 2021). Networks and procedure are those of the speechmos
    package: windows of 9.01 s, one a second, averaged; shorter sounds are repeated to that length.
    Samples beyond [-1, 1] are clipped, as playing them would. Raises MetricError for silence.
    """
    samples = np.clip(_checked(samples, "scored"), -1.0, 1.0)
    while samples.size < _DNSMOS_SAMPLES:
        samples = np.concatenate([samples, samples])
    p835, p808 = _dnsmos_sessions()
    scores = []
    # speechmos leaves out a window that would start in the last whole second, and those whose end,
    # (start + 9.01) * 16000 in floating point, comes out a sample short. Kept, so that the numbers
    # are those that others report.
    for start in range(max(1, samples.size // SAMPLE_RATE - 9)):
        stop = int((start + _DNSMOS_SECONDS) * SAMPLE_RATE)
        window = samples[start * SAMPLE_RATE : stop].astype(np.float32)
        if window.size < _DNSMOS_SAMPLES:
            continue
        raw = p835.run(None, {"input_1": window[None]})[0][0]
        mel = _mel_spectrogram(window[:-_DNSMOS_HOP])
        scores.append([*raw, p808.run(None, {"input_1": mel[None]})[0][0, 0]])
    *mos, overall = np.array(scores).T  # [windows] each, in the order of _DNSMOS_SCALE
    result = {
        key: float(np.polyval(polynomial, raw).mean())
        for (key, polynomial), raw in zip(_DNSMOS_SCALE.items(), mos, strict=True)
    }
    result["P808"] = float(overall.mean())
    return result


# ---- many scores at once -----------------------------------------------------------------------


def score(
    clean: np.ndarray | None,
    degraded: np.ndarray,
    metrics: Iterable[str] | None = None,
    *,
    seed: int = DEFAULT_SEED,
) -> tuple[dict[str, float], dict[str, str]]:
    """Scores of one sound [samples] at 16 kHz against its clean one, or without one (None).

    Returns the scores by metric key, NaN where one is not defined, and the reason for each NaN.
    Scores that need a clean sound are NaN without a reason where there is none.
    """
    keys = metric_keys(metrics)
    scores = dict.fromkeys(keys, math.nan)
    reasons: dict[str, str] = {}

    def put(key: str, compute: Callable[[], float]) -> None:
        try:
            scores[key] = compute()
        except MetricError as error:
            reasons[key] = str(error)
        except Exception as error:  # a package's own fault must not end the other scores
            reasons[key] = f"{METRICS[key].title} failed: {type(error).__name__}: {error}"

    against_clean: dict[str, Callable[[], float]] = {
        "pesq_wb": lambda: pesq_score(clean, degraded),
        "pesq_nb": lambda: pesq_score(clean, degraded, wide_band=False),
        "stoi": lambda: stoi_score(clean, degraded),
        "estoi": lambda: stoi_score(clean, degraded, extended=True, seed=seed),
        "si_sdr": lambda: si_sdr(clean, degraded),
        "lsd": lambda: log_spectral_distance(clean, degraded),
    }
    if clean is not None:
        for key in keys:
            if key in against_clean:
                put(key, against_clean[key])

    wanted = [key for key in keys if key.startswith("dnsmos")]
    if wanted:
        mos: dict[str, float] = {}
        try:
            mos = dnsmos(degraded)
        except Exception as error:
            plain = str(error) if isinstance(error, MetricError) else f"DNSMOS failed: {error!r}"
            reasons.update(dict.fromkeys(wanted, plain))
        else:
            scores.update({key: mos[key.removeprefix("dnsmos_").upper()] for key in wanted})
    return scores, reasons
