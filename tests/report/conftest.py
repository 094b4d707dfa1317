"""Evaluations to be reported: one with made-up scores and odd names, one of the real examples."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluations import EVIL, KEYS, SETTINGS, WEIGHTS
from frcrn_app.errors import MetricError
from frcrn_app.evaluation import (
    NOISY,
    Evaluation,
    Pair,
    Row,
    SoundScores,
    Summary,
    Unpaired,
    provenance,
    summarise,
)


@pytest.fixture(scope="session")
def make_evaluation() -> Callable[..., Evaluation]:
    """A function that makes evaluations from scores: scores[system][metric] = [files]."""

    def make(scores: dict[str, dict[str, np.ndarray]], **more) -> Evaluation:
        systems = list(scores)
        metrics = list(scores[NOISY])
        count = len(scores[NOISY][metrics[0]])
        rows = [
            Row(
                Pair(f"file_{i:02d}", Path(f"/secret/noisy/{i}.wav"), Path(f"/secret/{i}.wav")),
                {s: SoundScores({m: float(scores[s][m][i]) for m in metrics}) for s in systems},
                duration=4.0,
                input_snr=float(i % 20),
            )
            for i in range(count)
        ]
        usual = {
            "rows": rows, "systems": systems, "metrics": metrics, "unpaired": [], "total": count,
            "cancelled": False, "settings": SETTINGS, "provenance": provenance(None),
        }  # fmt: skip
        return Evaluation(**usual | more)

    return make


@pytest.fixture(scope="session")
def evaluation() -> Evaluation:
    """Two systems on 40 files with real-looking scores, some missing, some names odd."""
    generator = np.random.default_rng(0)
    rows = []
    for number in range(40):
        snr = generator.uniform(-5, 20)
        sounds = {}
        for place, system in enumerate((NOISY, "net", EVIL)):
            scores = {
                "pesq_wb": 1.5 + 0.05 * snr + 0.6 * place + generator.normal(0, 0.2),
                "stoi": min(0.99, 0.8 + 0.005 * snr + 0.03 * place),
                "si_sdr": snr + 5 * place + generator.normal(),
                "lsd": 12 - 2 * place + generator.normal(),
            }
            sounds[system] = SoundScores(scores=scores, elapsed=0.5 if system == "net" else None)
        if number == 7:
            nothing = dict.fromkeys(KEYS, math.nan)
            sounds["net"] = SoundScores(scores=nothing, error=MetricError("metrics.pesq_no_speech"))
        pair = Pair(
            EVIL if number == 3 else f"file_{number:02d}",
            Path("/secret/noisy.wav"),
            Path("/secret/clean.wav"),
            group="ab"[number % 2],
        )
        rows.append(Row(pair, sounds, duration=generator.uniform(1, 12), input_snr=snr))
    return Evaluation(
        rows=rows,
        systems=[NOISY, "net", EVIL],
        metrics=KEYS,
        unpaired=[Unpaired("lonely.wav", "clean", MetricError("metrics.pesq_no_speech"))],
        total=41,
        cancelled=True,
        settings=SETTINGS,
        provenance=provenance(None) | {"weights": WEIGHTS},
        own_system="net",
        elapsed=12.3,
    )


@pytest.fixture(scope="session")
def summary(evaluation) -> Summary:
    return summarise(evaluation)


@pytest.fixture
def real_evaluation(example_pairs) -> Evaluation:
    """The example pairs, and a system whose output is the clean recording itself."""
    rows = [
        Row(
            Pair(noisy.stem, noisy, clean, systems={"oracle": clean}),
            {
                NOISY: SoundScores({"si_sdr": 5.0}),
                "oracle": SoundScores({"si_sdr": 20.0 + number}),
            },
            duration=7.0,
            input_snr=5.0,
        )
        for number, (noisy, clean) in enumerate(example_pairs)
    ]
    return Evaluation(
        rows=rows, systems=[NOISY, "oracle"], metrics=["si_sdr"], unpaired=[], total=len(rows),
        cancelled=False, settings=SETTINGS | {"denoise": False}, provenance=provenance(None),
    )  # fmt: skip
