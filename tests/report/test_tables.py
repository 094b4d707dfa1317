"""CSV and JSON say the same numbers, and what a spreadsheet opens runs no formula."""

import csv
import io
import json
import math
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaluations import EVIL, KEYS
from frcrn_app.evaluation import NOISY, Evaluation, summarise
from frcrn_app.report import as_json, csv_text, json_text, write_reports


def read_csv(evaluation: Evaluation) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text(evaluation))))


def test_csv_json_and_rows_agree(evaluation, summary):
    lines = read_csv(evaluation)
    files = json.loads(json_text(evaluation, summary))["files"]
    assert len(lines) == len(files) == 40
    assert lines[3]["name"] == EVIL
    for line, file, row in zip(lines, files, evaluation.rows, strict=True):
        assert line["name"] == file["name"] == row.name
        for system in evaluation.systems:
            for key in KEYS:
                value = row.sounds[system].scores[key]
                if math.isnan(value):
                    assert line[f"{system}.{key}"] == ""
                    assert file["scores"][system][key] is None
                    continue
                assert float(line[f"{system}.{key}"]) == file["scores"][system][key]
                assert file["scores"][system][key] == pytest.approx(value, abs=1e-6)
                if system != NOISY:
                    gain = value - row.sounds[NOISY].scores[key]
                    assert float(line[f"{system}.{key}.gain"]) == pytest.approx(gain, abs=1e-6)


def test_the_means_of_the_json_are_those_of_the_csv(evaluation, summary):
    lines = read_csv(evaluation)
    for score in json.loads(json_text(evaluation, summary))["summary"]:
        column = [line[f"{score['system']}.{score['metric']}"] for line in lines]
        values = [float(cell) for cell in column if cell]
        assert score["n"] == len(values)
        assert score["files"] == 40
        assert score["mean"] == pytest.approx(np.mean(values), abs=2e-6)
        assert score["median"] == pytest.approx(np.median(values), abs=2e-6)
        low, high = score["interval"]
        assert low < score["mean"] < high


def test_a_spreadsheet_runs_nothing_and_pandas_reads_the_same_numbers(make_evaluation, tmp_path):
    scores = {
        NOISY: {"si_sdr": np.array([-3.25, 1.5])},
        "=cmd": {"si_sdr": np.array([-1.0, 2.0])},
    }
    evaluation = make_evaluation(scores)
    dangerous = ["=HYPERLINK(1)", "@SUM(1)"]
    for row, name in zip(evaluation.rows, dangerous, strict=True):
        row.pair = replace(row.pair, name=name)
    path = tmp_path / "r.csv"
    write_reports(evaluation, summarise(evaluation), csv=path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # Excel takes it for UTF-8 by that
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    for cell in cells:
        is_number = cell.replace(".", "").replace("-", "").isdigit()
        assert is_number or not cell.startswith(("=", "+", "-", "@")), cell
    frame = pd.read_csv(path)
    assert list(frame["name"]) == [f"'{name}" for name in dangerous]
    assert list(frame["noisy.si_sdr"]) == [-3.25, 1.5]
    assert list(frame["'=cmd.si_sdr.gain"]) == [2.25, 0.5]


def test_json_says_with_what_it_was_made(evaluation, summary):
    content = json.loads(json_text(evaluation, summary))
    assert {"frcrn_app", "python", "pesq", "pystoi", "speechmos"} <= content["versions"].keys()
    assert content["weights"]["sha256"] == "ab" * 32
    assert content["settings"]["seed"] == content["settings"]["summary_seed"] == 0
    assert content["machine"]["cores"] == os.cpu_count()
    assert content["metrics"]["lsd"]["direction"] == "lower is better"
    assert content["cancelled"] is True
    assert "NaN" not in json_text(evaluation, summary)


def test_json_repeats(evaluation, summary):
    assert as_json(evaluation, summarise(evaluation)) == as_json(evaluation, summary)


def test_the_csv_has_the_clusters_that_statistics_count(make_evaluation):
    evaluation = make_evaluation({NOISY: {"stoi": [0.5, 0.6]}})
    assert "cluster" not in csv_text(evaluation)
    first = evaluation.rows[0]
    evaluation.rows[0] = replace(first, pair=replace(first.pair, cluster="p1"))
    head, line, other = csv_text(evaluation).splitlines()
    assert head.startswith("name,group,cluster,duration_s")
    assert line.split(",")[2] == "p1"
    assert other.split(",")[2] == ""
