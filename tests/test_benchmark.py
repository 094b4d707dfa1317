"""The benchmark's figures belong together; how large they are is the machine's affair."""

import json

import pytest

from frcrn_app.benchmark import as_markdown, gflop_per_second, run_benchmark
from frcrn_app.cli import main
from frcrn_app.model import FRCRNConfig


@pytest.fixture(scope="module")
def measured() -> dict:
    return run_benchmark("frcrn-small", precisions=["float32"], seconds=1, repeats=3)


def test_figures_follow_from_each_other(measured):
    (result,) = measured["results"]
    assert result["real_time_factor"] == pytest.approx(result["median"] / 1)
    work = measured["settings"]["gflop_per_second_of_sound"]
    assert result["gflops"] == pytest.approx(work / result["median"])
    peak = measured["peaks_gflops"]["float32"]
    assert result["share_of_peak"] == pytest.approx(result["gflops"] / peak)


def test_work_is_counted_from_the_layers():
    """The published figure for the released network is 77.4 GFLOP a second."""
    assert gflop_per_second(FRCRNConfig()) == pytest.approx(77.4, rel=0.05)
    assert gflop_per_second(FRCRNConfig(32, 1)) < 77.4 / 25


def test_the_table_has_a_row_for_each_result(measured):
    rows = [line for line in as_markdown(measured).splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + len(measured["results"])


def test_the_command_writes_what_it_prints(tmp_path, capsys):
    markdown, figures = tmp_path / "b.md", tmp_path / "b.json"
    arguments = ["--weights", "frcrn-small", "--seconds", "0.5", "--repeats", "1"]
    arguments += ["--precision", "float32", "--markdown", str(markdown), "--json", str(figures)]
    assert main(["benchmark", *arguments]) == 0
    assert capsys.readouterr().out == markdown.read_text()
    assert json.loads(figures.read_text())["settings"]["seconds"] == 0.5


def test_a_length_that_cannot_be_measured_is_one_sentence(capsys):
    assert main(["benchmark", "--seconds", "0"]) == 2
    assert "--seconds" in capsys.readouterr().err
