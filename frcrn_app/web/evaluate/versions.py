"""The versions of one file, to be listened to and looked at: noisy, each system's, clean."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
import numpy as np

from frcrn_app.audio import Audio, gain_to_fit, save_audio
from frcrn_app.evaluation import NOISY, load_scored
from frcrn_app.i18n import text
from frcrn_app.metrics import METRICS, SAMPLE_RATE
from frcrn_app.report import Words, headline_metrics, system_colours
from frcrn_app.web.figures import DYNAMIC_RANGE, save_spectrograms_of

if TYPE_CHECKING:
    from frcrn_app.evaluation import Evaluation, Row

CLEAN = "clean"  # no system is called so


def versions(evaluation: Evaluation, row: Row, folder: Path, language: str) -> dict:
    """What assets/evaluate/listen.js shows of a row: audio as it was scored, and its pictures.

    Args:
        evaluation: that the row belongs to; its files must still be there.
        row: the file.
        folder: for what is made; new.
        language: "en" or "zh".

    Raises:
        AudioError: a file is gone or cannot be read.
    """
    sounds = {name: load_scored(path) for name, path in evaluation.files(row).items()}
    if row.pair.clean is not None:
        sounds[CLEAN] = load_scored(row.pair.clean)
    pictures = save_spectrograms_of(
        {name: samples[None] for name, samples in sounds.items()}, SAMPLE_RATE, folder
    )
    values = []
    gain = np.float32(gain_to_fit(*sounds.values()))  # one for all: loudness is compared, too
    for number, (name, samples) in enumerate(sounds.items()):
        audio = Audio(gain * samples, SAMPLE_RATE)
        path = save_audio(folder / f"{number}.wav", audio, format="wav16")
        scores = row.sounds.get(name)
        values.append(
            {
                "name": (
                    text("evaluate.clean", language)
                    if name == CLEAN
                    else Words(language).system(name)
                ),
                "role": name if name in (CLEAN, NOISY) else "system",
                "colour": system_colours(evaluation.systems).get(name, ""),
                "facts": _facts(evaluation, row, name),
                "problems": scores.problems_in(language) if scores else "",
                "notes": scores.notes_in(language) if scores else "",
                "audio": _served(path),
                "picture": _served(pictures[name]),
            }
        )
    return {
        "name": row.name,
        "seconds": row.duration,
        "top_hz": SAMPLE_RATE / 2,
        "note": text("evaluate.as_scored", language, range=f"{DYNAMIC_RANGE:.0f}"),
        "play": text("evaluate.play", language),
        "pause": text("evaluate.pause", language),
        "sounds": values,
    }


def _facts(evaluation: Evaluation, row: Row, name: str) -> str:
    """The headline scores of a version."""
    scores = row.sounds[name].scores if name in row.sounds else {}
    shown = [
        (METRICS[key], scores.get(key, math.nan)) for key in headline_metrics(evaluation.metrics)
    ]
    return " · ".join(
        f"{metric.title} {value:.{metric.decimals}f}"
        for metric, value in shown
        if math.isfinite(value)
    )


def _served(path: Path) -> dict:
    """A file to be served, as Gradio finds and completes it inside any value."""
    file = gr.FileData(path=str(path), orig_name=path.name, size=path.stat().st_size)
    return json.loads(file.model_dump_json())
