"""The benchmark's figures belong together; how large they are is the machine's affair."""

import json

import pytest

from frcrn_app.cli.main import main
from frcrn_app.inference.benchmark import (
    Contestant,
    as_markdown,
    gflop_per_second,
    run_benchmark,
)
from frcrn_app.model import FRCRNConfig
from golden.seeded import training_form


@pytest.fixture(scope="module")
def measured() -> dict:
    return run_benchmark(
        "frcrn-small",
        device="cpu",
        precisions=["float32"],
        seconds=1,
        batch=2,
        repeats=2,
        against=Contestant("training form", "float32", training_form),
    )


def test_figures_follow_from_each_other(measured):
    work = measured["settings"]["gflop_per_second_of_audio"] * 2  # two recordings of a second
    for result in measured["results"]:
        assert result["real_time_factor"] == pytest.approx(result["warm"] / 2)
        assert result["gflops"] == pytest.approx(work / result["warm"])
        assert result["share_of_peak"] == pytest.approx(result["gflops"] / result["peak_gflops"])


def test_what_is_compared_computes_the_same(measured):
    trained, ours = measured["results"]
    assert trained["difference"] == 0
    assert 0 < ours["difference"] < 1e-3
    assert ours["times_reference"] == pytest.approx(trained["warm"] / ours["warm"])


def test_loading_is_part_of_the_figures(measured):
    for result in measured["results"]:
        assert result["load"] > 0
        assert result["first"] > 0


def test_work_is_counted_from_the_layers():
    """The published figure for the released network is 77.4 GFLOP a second, transforms included."""
    assert gflop_per_second(FRCRNConfig()) == pytest.approx(77.4, rel=0.05)
    assert gflop_per_second(FRCRNConfig(32, 1)) < 77.4 / 25


def test_the_table_has_a_row_for_each_result(measured):
    table = [line for line in as_markdown(measured).splitlines() if line.startswith("| ")]
    assert len(table) == 2 + len(measured["results"])
    assert len({line.count("|") for line in table}) == 1
    assert "times the reference" in table[0]


def test_the_command_writes_what_it_prints(tmp_path, capsys):
    markdown, figures = tmp_path / "new" / "b.md", tmp_path / "b.json"
    arguments = ["--weights", "frcrn-small", "--seconds", "0.5", "--repeats", "1"]
    arguments += ["--precision", "float32", "--markdown", str(markdown), "--json", str(figures)]
    assert main(["benchmark", *arguments]) == 0
    assert capsys.readouterr().out == markdown.read_text()
    assert json.loads(figures.read_text())["settings"]["seconds"] == 0.5


def test_a_fault_in_a_measured_process_is_one_sentence(capsys):
    arguments = ["--weights", "frcrn-small", "--seconds", "0.5", "--precision", "bfloat16"]
    assert main(["benchmark", *arguments, "--runtime", "onnxruntime"]) == 2
    assert "float32" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--seconds", "--batch", "--repeats", "--threads"])
def test_a_number_that_cannot_be_is_refused(option, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["benchmark", option, "0"])
    assert option in capsys.readouterr().err
