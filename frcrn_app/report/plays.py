"""What a reader can listen to inside the report: a few telling files, as Opus in data addresses."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from frcrn_app.audio import Audio, load_audio, resample, to_mono
from frcrn_app.errors import UserError
from frcrn_app.evaluation import NOISY, Evaluation, Row, load_scored
from frcrn_app.metrics import METRICS, SAMPLE_RATE
from frcrn_app.report.colours import system_colours
from frcrn_app.report.numbers import signed, tone
from frcrn_app.report.verdict import headline_metrics
from frcrn_app.report.words import Words

MAX_SECONDS = 30.0  # of a file; the middle of a longer one
_BITS_PER_SECOND = 46_000  # of Opus: wide-band speech without a trace of it
CLEAN = "clean"  # no system is called so

Cleaner = Callable[[Audio], Audio]


@dataclass
class Choice:
    """A file worth listening to, and for which systems it is what ("best", "median", "worst")."""

    row: Row
    told: list[tuple[str, str]] = field(default_factory=list)  # (system, what)


def choices(evaluation: Evaluation) -> list[Choice]:
    """For each system the files with the largest, the smallest and the median gain in the first
    headline metric; a file that is several of them is there once."""
    metric = METRICS[headline_metrics(evaluation.metrics)[0]]
    chosen: dict[int, Choice] = {}
    for what, share in (("best", 1.0), ("worst", 0.0), ("median", 0.5)):
        for system in evaluation.systems:
            if system == NOISY:
                continue
            gains = evaluation.gains(system, metric.key)
            known = np.flatnonzero(np.isfinite(gains))
            if not known.size:
                continue
            order = known[np.argsort(gains[known] if metric.higher_is_better else -gains[known])]
            place = int(order[round(share * (order.size - 1))])
            choice = chosen.setdefault(place, Choice(evaluation.rows[place]))
            if all(name != system for name, _ in choice.told):
                choice.told.append((system, what))
    return list(chosen.values())


def plays(
    evaluation: Evaluation, words: Words, max_bytes: int, cleaner: Cleaner | None = None
) -> dict:
    """Cards with the audio of the chosen files, as many as fit.

    Args:
        evaluation: its files must still be there; one that is not is passed over.
        words: of the language.
        max_bytes: of all data addresses together.
        cleaner: makes again what our own network made, where it was not kept.
    """
    cards, left_out = [], 0
    for choice in choices(evaluation):
        try:
            card = _card(evaluation, choice, words, cleaner)
        except (UserError, OSError):
            continue
        size = sum(len(version["address"]) for version in card["versions"])
        if size > max_bytes:
            left_out += 1
            continue
        max_bytes -= size
        cards.append(card)
    metric = METRICS[headline_metrics(evaluation.metrics)[0]]
    return {"cards": cards, "left_out": left_out, "metric": metric.title}


def _card(evaluation: Evaluation, choice: Choice, words: Words, cleaner: Cleaner | None) -> dict:
    row = choice.row
    metric = METRICS[headline_metrics(evaluation.metrics)[0]]
    colours = system_colours(evaluation.systems)
    sounds = {NOISY: load_scored(row.pair.noisy)}
    for system, _ in choice.told:
        sounds[system] = _made_by(system, evaluation, row, cleaner)
    if row.pair.clean is not None:
        sounds[CLEAN] = load_scored(row.pair.clean)
    length = min(samples.size for samples in sounds.values())
    wanted = min(length, round(MAX_SECONDS * SAMPLE_RATE))
    start = (length - wanted) // 2
    cut = {name: samples[start : start + wanted] for name, samples in sounds.items()}
    # One gain for all versions: what is louder in one of them stays so.
    loudest = max(1.0, *(float(np.abs(samples).max()) for samples in cut.values()))
    told = []
    for system, what in choice.told:
        gain = row.sounds[system].scores[metric.key] - row.sounds[NOISY].scores[metric.key]
        told.append(
            {
                "system": system,
                "what": words(f"listen_{what}"),
                "gain": signed(gain, metric),
                "tone": tone(gain, metric),
            }
        )
    several = len(choice.told) > 1
    names = {NOISY: words("version_noisy"), CLEAN: words("version_clean")}
    return {
        "name": row.name,
        "told": told,
        "seconds": wanted / SAMPLE_RATE,
        "cut": words("listen_cut", seconds=f"{MAX_SECONDS:.0f}") if wanted < length else "",
        "versions": [
            {
                "name": names.get(name, name if several else words("version_enhanced")),
                "colour": colours.get(name, "var(--ink)"),
                "address": opus_address(samples / loudest),
            }
            for name, samples in cut.items()
        ],
    }


def _made_by(system: str, evaluation: Evaluation, row: Row, cleaner: Cleaner | None) -> np.ndarray:
    """What a system made of a file, [samples] as scored; OSError where it is gone."""
    path: Path | None = row.pair.systems.get(system)
    if system == evaluation.own_system:
        path = row.enhanced
        if (path is None or not path.is_file()) and cleaner is not None:
            enhanced = cleaner(load_audio(row.pair.noisy))
            return resample(to_mono(enhanced).samples, enhanced.sample_rate, SAMPLE_RATE)[0]
    if path is None:
        raise FileNotFoundError(system)
    return load_scored(path)


def opus_address(samples: np.ndarray) -> str:
    """Audio [samples] at 16 kHz as a data address that browsers play; always the same for it."""
    import av

    file = io.BytesIO()
    # Without bitexact, each stream gets a random number.
    with av.open(file, "w", format="ogg", container_options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = _BITS_PER_SECOND
        stream.options = {"compression_level": "5"}  # of 10: three times as fast, and as good
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[None], np.float32), format="flt", layout="mono"
        )
        frame.sample_rate = SAMPLE_RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return f"data:audio/ogg;base64,{base64.b64encode(file.getvalue()).decode()}"
