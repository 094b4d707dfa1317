"""Word error rate: what a speech recogniser still understands of a recording."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module, util
from typing import Any

import numpy as np

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import MetricError
from frcrn_app.metrics.checks import checked

logger = logging.getLogger(__name__)

RECOGNISERS = ("faster-whisper", "pocketsphinx")  # the first that is installed listens
WHISPER_MODEL = "base"  # knows about a hundred languages; fetched from its hub at first use

# Scripts that put no spaces between words: their error rate is by character.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff]")


def word_error_rate(samples: np.ndarray, text: str, recogniser: str | None = None) -> float:
    """Wrong, missing and added words in percent of the words of `text` (may pass 100).

    Case and punctuation do not count. Chinese, Japanese, Thai and Lao are counted by character.

    Args:
        samples: a recording [samples] at 16 kHz.
        text: what is said in it.
        recogniser: one of RECOGNISERS; by default the first that is installed.

    Raises:
        MetricError: no words in `text`, silence, no recogniser that could know its language, or
            one whose model cannot be had.
    """
    try:
        import jiwer
    except ImportError as error:
        raise MetricError("metrics.package_missing", metric="WER", package="jiwer") from error
    expected = _plain(text)
    if not expected:
        raise MetricError("metrics.no_words")
    samples = checked(samples)
    heard = _plain(_recogniser(recogniser, expected)(samples))
    rate = jiwer.cer if _UNSPACED.search(expected) else jiwer.wer
    return 100 * float(rate(expected, heard))


def _plain(text: str) -> str:
    """Lower case, without punctuation; scripts without spaces lose those that were put in."""
    words = re.sub(r"[^\w\s']|_", " ", text.casefold()).split()
    return ("" if _UNSPACED.search(text) else " ").join(words)


def _recogniser(name: str | None, text: str) -> Callable[[np.ndarray], str]:
    modules = {known: known.replace("-", "_") for known in RECOGNISERS}
    installed = [known for known in RECOGNISERS if util.find_spec(modules[known])]
    if name is None and installed:
        name = installed[0]
    if name not in installed:
        raise MetricError("metrics.no_recogniser", offered=", ".join(RECOGNISERS))
    if name == "faster-whisper":
        return _whisper()
    if not text.isascii():  # its only model is of American English
        raise MetricError("metrics.english_only", recogniser=name)
    return _sphinx()


@lru_cache(maxsize=1)
def _sphinx() -> Callable[[np.ndarray], str]:
    import pocketsphinx

    decoder = pocketsphinx.Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")

    def listen(samples: np.ndarray) -> str:
        decoder.start_utt()
        decoder.process_raw(_pcm16(samples), no_search=False, full_utt=True)
        decoder.end_utt()
        best = decoder.hyp()
        return "" if best is None else best.hypstr

    return listen


def _whisper() -> Callable[[np.ndarray], str]:
    model = _whisper_model()
    if model is None:
        raise MetricError("metrics.whisper_model", model=WHISPER_MODEL)

    def listen(samples: np.ndarray) -> str:
        segments, _ = model.transcribe(samples.astype(np.float32), temperature=0.0)
        return " ".join(segment.text for segment in segments)

    return listen


@lru_cache(maxsize=1)
def _whisper_model() -> Any:
    """The model, None where it is neither here nor can be fetched: asked once, not for each row."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return import_module("faster_whisper").WhisperModel(
            WHISPER_MODEL, device="cpu", compute_type="int8", cpu_threads=1
        )
    except (OSError, HfHubHTTPError) as error:  # no network, no such model, no room for it
        logger.warning("no model for faster-whisper: %s", error)
        return None


def _pcm16(samples: np.ndarray) -> bytes:
    return np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
