"""Listening tests that several tests are about."""

from pathlib import Path

import soundfile

from evaluations import SETTINGS
from frcrn_app.evaluation import (
    NOISY,
    Evaluation,
    Pair,
    Row,
    SoundScores,
    provenance,
    summarise,
)
from frcrn_app.listening import REFERENCE, Design, ListeningTest, make_stimuli, plan
from frcrn_app.report import write_reports


def oracle_evaluation(pairs: list[tuple[Path, Path]]) -> Evaluation:
    """Pairs with a system whose output is the clean recording; SI-SDR is made up."""
    rows = [
        Row(
            Pair(noisy.stem, noisy, clean, systems={"oracle": clean}),
            {
                NOISY: SoundScores({"si_sdr": 5.0 + number}),
                "oracle": SoundScores({"si_sdr": 20.0 + 3 * (number % 2)}),
            },
            duration=soundfile.info(noisy).duration,
            input_snr=5.0,
        )
        for number, (noisy, clean) in enumerate(pairs)
    ]
    return Evaluation(
        rows=rows, systems=[NOISY, "oracle"], metrics=["si_sdr"], unpaired=[], total=len(rows),
        cancelled=False, settings=SETTINGS | {"denoise": False}, provenance=provenance(None),
    )  # fmt: skip


def sources(evaluation: Evaluation, design: Design, file: int) -> dict[str, Path]:
    """What a file's signals are made of."""
    row = next(row for row in evaluation.rows if row.name == design.files[file])
    files = {REFERENCE: row.pair.clean} if design.method == "mushra" else {}
    return files | {system: evaluation.files(row)[system] for system in design.systems}


def written_test(
    folder: Path, evaluation: Evaluation, method: str, *, whose: str = "", **settings
) -> ListeningTest:
    """A test on disk, as the page leaves it; settings are those of `plan`.

    With `sounds=False` it has neither sounds nor the evaluation, and is made at once.
    """
    sounds = settings.pop("sounds", True)
    shared = settings.pop("shared", True)
    design = plan(evaluation, method, **settings)
    files = len(design.files)
    if not sounds:
        return ListeningTest.create(folder, design, (7.0,) * files, whose=whose, shared=shared)
    (folder / "stimuli").mkdir(parents=True)
    seconds = tuple(
        make_stimuli(sources(evaluation, design, file), ListeningTest.stimuli(folder, file))
        for file in range(files)
    )
    write_reports(evaluation, summarise(evaluation), json=folder / "evaluation.json")
    return ListeningTest.create(folder, design, seconds, whose=whose, shared=shared)
