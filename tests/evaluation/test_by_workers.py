"""Evaluations by workers of this machine."""

import shutil
from functools import partial

import numpy as np
import pytest
import torch

from frcrn_app.batch import DenoiserSettings
from frcrn_app.cli import main as cli
from frcrn_app.evaluation import evaluate_pairs
from frcrn_app.model import FRCRN
from frcrn_app.weights import save_weights
from frcrn_app.workers import ProcessCrew
from networks import SMALL, with_statistics
from sets import pairs_of


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> DenoiserSettings:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    return DenoiserSettings(str(save_weights(path, with_statistics(FRCRN(SMALL)))), "cpu")


def test_two_workers_give_the_rows_of_one_process_and_their_journal_serves_both(
    small_set, settings, tmp_path
):
    root = tmp_path / "set"
    shutil.copytree(small_set, root)
    (root / "noisy" / "english_fan.wav").write_bytes(b"no sound")
    pairs, denoiser = pairs_of(root), settings.denoiser()
    options = {"denoiser": denoiser, "metrics": ["stoi", "si_sdr"]}
    plain = evaluate_pairs(pairs, **options)
    steps = []
    spread = evaluate_pairs(
        pairs,
        **options,
        crew=partial(ProcessCrew, size=2, threads=1),
        denoiser_of=settings.denoiser,
        journal=tmp_path / "journal.jsonl",
        enhanced_folder=tmp_path / "enhanced",
        progress=lambda *step: steps.append(step),
    )
    assert [row.problems for row in spread.rows] == [row.problems for row in plain.rows]
    assert sum(bool(row.problems) for row in spread.rows) == 1
    for system in plain.systems:
        for metric in plain.metrics:
            np.testing.assert_allclose(
                spread.values(system, metric), plain.values(system, metric), rtol=1e-4
            )
    assert spread.settings["workers"] == 2
    assert steps[-1] == (6, 6)
    assert len(list((tmp_path / "enhanced").iterdir())) == 2
    again = evaluate_pairs(pairs, **options, journal=tmp_path / "journal.jsonl", resume=True)
    assert again.resumed == 8  # all but what could not be cleaned


def test_the_command_takes_workers(small_set, settings, capsys):
    options = ["--noisy", str(small_set / "noisy"), "--clean", str(small_set / "clean")]
    network = ["--weights", settings.weights, "--metrics", "si_sdr", "--workers", "1"]
    assert cli.main(["evaluate", *options, *network]) == 0
    assert "3 of 3 pairs" in capsys.readouterr().out
