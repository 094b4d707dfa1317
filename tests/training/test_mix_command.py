"""Pairs to evaluate with come from the user's own sound, labelled, and the same again."""

import csv

import numpy as np
import pytest
import soundfile

from frcrn_app.cli import main as cli
from frcrn_app.training.activity import active_power


@pytest.fixture
def mix(speech_folder, noise_folder, cache):
    def run(out, *more):
        sound = ["--speech", str(speech_folder), "--noise", str(noise_folder)]
        length = ["--count", "9", "--seconds", "1.5", "--cache", str(cache), "--rooms", "0"]
        return cli.main(["mix", *sound, *length, "--out", str(out), *more])

    return run


def _pairs(out):
    table = list(csv.DictReader((out / "mixtures.csv").open()))
    for row in table:
        noisy, rate = soundfile.read(out / "noisy" / f"{row['name']}.wav")
        clean, _ = soundfile.read(out / "clean" / f"{row['name']}.wav")
        assert rate == 16_000
        assert noisy.shape == clean.shape == (24_000,)
        yield row, noisy, clean


def test_pairs_are_what_their_table_says(tmp_path, mix):
    assert mix(tmp_path) == 0
    pairs = list(_pairs(tmp_path))
    assert len(pairs) == 9
    assert {path.name for path in tmp_path.iterdir()} == {"noisy", "clean", "mixtures.csv"}
    for row, noisy, clean in pairs:
        snr_db = 10 * np.log10(active_power(clean) / active_power(noisy - clean))
        if "rumble" in row["noise"]:
            assert snr_db < float(row["snr_db"]) + 0.1
        else:
            assert snr_db == pytest.approx(float(row["snr_db"]), abs=0.2)
    assert sum("rumble" in row["noise"] for row, _, _ in pairs) == 3


def test_the_same_command_writes_the_same_pairs(tmp_path, mix):
    mix(tmp_path / "one")
    mix(tmp_path / "two")
    mix(tmp_path / "other", "--seed", "1")
    one, two, other = (list(_pairs(tmp_path / name)) for name in ("one", "two", "other"))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[0][1], other[0][1])


def test_pairs_as_training_hears_them_differ_in_level(tmp_path, mix):
    assert mix(tmp_path, "--as-training", "--split", "all") == 0
    levels = [20 * np.log10(np.std(noisy)) for _, noisy, _ in _pairs(tmp_path)]
    assert max(levels) - min(levels) > 6


def test_refuses_what_it_cannot_mix(tmp_path, mix, speech_folder, capsys):
    assert cli.main(["mix", "--speech", str(speech_folder)]) == cli.EXIT_USER_ERROR
    assert "--noise" in capsys.readouterr().err
    mix(tmp_path)
    assert mix(tmp_path) == cli.EXIT_USER_ERROR  # nothing is written over
    assert "already contains pairs" in capsys.readouterr().err
