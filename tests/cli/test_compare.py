"""`frcrn compare`: two reports of the same files, their systems file by file."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from frcrn_app.cli import main as cli
from frcrn_app.errors import MetricError, PairError
from frcrn_app.evaluation import NOISY, Unpaired, provenance, summarise
from frcrn_app.report import read_json, write_reports
from sets import evaluation_of

FILES = 12


def report(path: Path, system: str, gain: float, noisy=None, **columns) -> Path:
    """A JSON report of a system that is better than the noisy files by about so much."""
    draw = np.random.default_rng(1)
    noisy = draw.normal(5, 3, FILES) if noisy is None else noisy
    made = noisy + gain + draw.normal(0, 0.2, len(noisy))
    evaluation = evaluation_of(
        {NOISY: {"si_sdr": list(noisy), "stoi": list(noisy / 20)},
         system: {"si_sdr": list(made), "stoi": list(made / 20)}}, **columns
    )  # fmt: skip
    evaluation.settings = {"align": False, "seed": 0, "workers": 1, "strength": None}
    evaluation.provenance = provenance(None)
    write_reports(evaluation, summarise(evaluation), json=path)
    return path


def test_a_report_comes_back_as_it_was(tmp_path):
    path = report(tmp_path / "a.json", "net", 2.0, cluster={0: "p1", 1: "p1"})
    evaluation = read_json(path)
    assert evaluation.systems == [NOISY, "net"]
    assert [row.cluster for row in evaluation.rows[:3]] == ["p1", "p1", None]
    again = tmp_path / "again.json"
    write_reports(evaluation, summarise(evaluation), json=again)
    before, after = (json.loads(file.read_text()) for file in (path, again))
    assert after["files"] == before["files"]
    assert after["clusters"] == before["clusters"] == FILES - 1
    for one, other in zip(before["summary"], after["summary"], strict=True):
        assert other["interval"] == pytest.approx(one["interval"], abs=1e-5)  # of rounded scores


def test_what_is_wrong_with_a_report_comes_back_too(tmp_path, capsys):
    """Before, a report that was read again lacked scores without a word of why."""
    evaluation = evaluation_of(
        {NOISY: {"stoi": [0.5] * 6}, "net": {"stoi": [0.6] * 5 + [math.nan]}}
    )
    evaluation.settings = {"align": False, "seed": 0, "workers": 1, "strength": None}
    evaluation.provenance, evaluation.total, evaluation.elapsed = provenance(None), 9, 3.5
    evaluation.unpaired = [Unpaired("lost.wav", NOISY, PairError("evaluation.no_partner"))]
    last = evaluation.rows[-1].sounds["net"]
    last.reasons["stoi"] = MetricError("metrics.stoi_short", seconds=0.41)
    evaluation.rows[0].sounds["net"].notes.append(PairError("evaluation.inverted"))
    path = tmp_path / "a.json"
    write_reports(evaluation, summarise(evaluation), json=path)
    again = read_json(path)
    assert [row.problems for row in again.rows] == [row.problems for row in evaluation.rows]
    assert again.rows[0].notes_in("en") == evaluation.rows[0].notes_in("en") != ""
    assert [item.reason.sentence("en") for item in again.unpaired] == ["no file matches it"]
    assert (again.total, again.elapsed) == (9, 3.5)
    other = report(tmp_path / "b.json", "net", 2.0, noisy=np.full(6, 10.0))
    both = tmp_path / "both.html"
    assert cli.main(["compare", str(path), str(other), f"--html={both}"]) == 0
    page = both.read_text()
    assert "at least 0.41 s" in page
    assert "0.0 s</td>" not in page.rpartition("<table")[2]  # of no run of its own


def test_the_better_report_is_named(tmp_path, capsys):
    old = report(tmp_path / "old.json", "net", 2.0)
    new = report(tmp_path / "new.json", "net", 3.0)
    outputs = [f"--{kind}={tmp_path / f'both.{kind}'}" for kind in ("json", "html", "csv")]
    assert cli.main(["compare", str(old), str(new), *outputs]) == 0
    printed = capsys.readouterr().out
    [line] = [line for line in printed.splitlines() if "net (new) - net (old)" in line][:1]
    assert "+1.0" in line
    assert "net (new) is better" in line
    both = json.loads((tmp_path / "both.json").read_text())
    assert both["systems"] == [NOISY, "net (old)", "net (new)"]
    assert len(both["files"]) == FILES


def test_what_rounds_to_zero_is_no_loss(tmp_path, capsys):
    old, new = (report(tmp_path / f"{n}.json", n, g) for n, g in (("a", 2.0), ("b", 1.9999)))
    assert cli.main(["compare", str(old), str(new)]) == 0
    printed = capsys.readouterr().out
    assert "+0.00 [+0.00, +0.00]" in printed
    assert "-0.00" not in printed


def test_few_files_are_called_too_few(tmp_path, capsys):
    noisy = np.arange(5.0)
    old, new = (report(tmp_path / f"{n}.json", f"net{n}", n, noisy) for n in (1, 2))
    assert cli.main(["compare", str(old), str(new)]) == 0
    printed = capsys.readouterr().out
    assert "too few files: at least 8 files are needed" in printed
    assert "no difference" not in printed


def test_reports_of_other_files_are_refused(tmp_path, capsys):
    old = report(tmp_path / "old.json", "net", 2.0)
    other = report(tmp_path / "other.json", "net", 2.0, np.arange(12.0))
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "broken.json").write_text('{"format": 1, "files": [{}]}')
    for second, told in (
        (other, "is not the same file"),
        (old, "named twice"),
        (tmp_path / "list.json", "not a JSON report"),
        (tmp_path / "broken.json", "not a JSON report"),
        (tmp_path / "absent.json", "cannot be read"),
    ):
        assert cli.main(["compare", str(old), str(second)]) == 2
        assert told in capsys.readouterr().err


@pytest.mark.parametrize("count", [8, 12])
def test_files_of_one_report_alone_are_named(tmp_path, capsys, count):
    noisy = np.random.default_rng(1).normal(5, 3, FILES)
    old = report(tmp_path / "old.json", "a", 2.0, noisy[:count])
    new = report(tmp_path / "new.json", "b", 3.0, noisy)
    assert cli.main(["compare", str(old), str(new)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("only in this report") == FILES - count
    assert f"n {count}" in printed
