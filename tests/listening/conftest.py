"""Two example pairs, a system that is better on one and worse on the other, and tests of them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from evaluations import SETTINGS

from frcrn_app.evaluation import NOISY, Evaluation, Pair, Row, SoundScores, provenance
from frcrn_app.listening import REFERENCE, Design, ListeningTest, make_stimuli, plan


@pytest.fixture(scope="session")
def evaluation(example_pairs) -> Evaluation:
    """The example pairs with a system whose output is the clean recording; SI-SDR is made up."""
    rows = [
        Row(
            Pair(noisy.stem, noisy, clean, systems={"oracle": clean}),
            {
                NOISY: SoundScores({"si_sdr": 5.0 + number}),
                "oracle": SoundScores({"si_sdr": 20.0 + 3 * (number % 2)}),
            },
            duration=7.0,
        )
        for number, (noisy, clean) in enumerate(example_pairs)
    ]
    return Evaluation(
        rows=rows, systems=[NOISY, "oracle"], metrics=["si_sdr"], unpaired=[], total=len(rows),
        cancelled=False, settings=SETTINGS | {"denoise": False}, provenance=provenance(None),
    )  # fmt: skip


@pytest.fixture(scope="session")
def sources(evaluation) -> Callable[[Design, int], dict[str, Path]]:
    """A function that gives what a file's signals are made of."""

    def of(design: Design, file: int) -> dict[str, Path]:
        row = next(row for row in evaluation.rows if row.name == design.files[file])
        files = {REFERENCE: row.pair.clean} if design.method == "mushra" else {}
        return files | {system: evaluation.files(row)[system] for system in design.systems}

    return of


@pytest.fixture
def make_test(evaluation, sources, tmp_path) -> Callable[..., ListeningTest]:
    """A function that makes a test on disk."""

    def make(method: str, **settings) -> ListeningTest:
        design = plan(evaluation, method, **settings)
        seconds = tuple(
            make_stimuli(sources(design, file), ListeningTest.stimuli(tmp_path, file))
            for file in range(len(design.files))
        )
        return ListeningTest.create(tmp_path, design, seconds)

    return make
