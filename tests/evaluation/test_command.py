"""`frcrn evaluate`."""

import os
from pathlib import Path

import pytest

from frcrn_app.cli import main as cli
from sets import evaluate, pairs_of

QUICK = ["stoi", "si_sdr"]  # metrics that cost next to nothing


def evaluate_command(root: Path, *options: str) -> int:
    return cli.main(
        ["evaluate", "--clean", str(root / "clean"), "--noisy", str(root / "noisy"),
         "--system", f"other={root / 'other'}", "--no-denoise", "--metrics", "stoi,si_snr",
         "--workers", "1", *options]
    )  # fmt: skip


def test_the_command_prints_and_writes_and_resumes(small_set, tmp_path, capsys):
    outputs = [f"--{kind}={tmp_path / f'r.{kind}'}" for kind in ("csv", "json", "html")]
    assert evaluate_command(small_set, *outputs) == 0
    printed = capsys.readouterr().out
    evaluation = evaluate(pairs_of(small_set), metrics=QUICK)
    mean = evaluation.values("other", "stoi").mean()
    assert f"{mean:.4f}" in printed
    assert "3 of 3 pairs" in printed
    first = (tmp_path / "r.csv").read_text()
    assert evaluate_command(small_set, *outputs, "--resume") == 0
    assert (tmp_path / "r.csv").read_text() == first
    assert '"resumed": 6' in (tmp_path / "r.json").read_text()


def test_the_command_tells_of_bad_files_and_bad_words(own_set, tmp_path, capsys):
    (own_set / "other" / "english_fan.wav").write_bytes(b"no sound")
    assert evaluate_command(own_set, f"--csv={tmp_path / 'r.csv'}") == 1
    assert "english_fan" in capsys.readouterr().err
    assert (tmp_path / "r.csv").exists()
    (tmp_path / "folder.html").mkdir()
    for wrong in (
        ["--metrics", "loudness"],
        ["--system", "nameless"],
        ["--manifest", "x.csv"],
        ["--html", str(tmp_path / "folder.html")],
        ["--json", str(tmp_path / "r.csv" / "r.json")],
    ):
        assert evaluate_command(own_set, *wrong) == 2
        assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Unix only")
def test_a_folder_that_is_a_file_is_told_before_anything_is_scored(small_set, capsys):
    taken = next((small_set / "noisy").iterdir())
    assert evaluate_command(small_set, "--enhanced", str(taken)) == 2
    wanted = f"“{taken}” cannot be written (there is a file of that name already)"
    assert wanted in capsys.readouterr().err


def test_a_pipe_in_a_folder_does_not_hang_a_run(own_set):
    os.mkfifo(own_set / "noisy" / "pipe.wav")
    assert len(pairs_of(own_set).pairs) == 3
