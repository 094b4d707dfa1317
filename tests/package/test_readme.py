"""The figures of the READMEs are the same in both languages, and those of the model card."""

import re

import pytest

from paths import ROOT

READMES = ("README.md", "README.zh-CN.md")


def rows(path: str) -> list[tuple[str, list[float]]]:
    """Name and figures of every line of a table that has some, in order."""
    found = []
    for line in (ROOT / path).read_text(encoding="utf-8").splitlines():
        figures = [float(figure) for figure in re.findall(r"\d+\.\d+", line)]
        if line.startswith("|") and figures:
            found.append((line.split("|")[1].strip(), figures))
    return found


def test_both_languages_have_the_same_figures():
    english, chinese = ([figures for _, figures in rows(path)] for path in READMES)
    assert len(english) >= 8
    assert english == chinese


@pytest.mark.parametrize("weights", ["frcrn-small", "frcrn-live"])
def test_scores_are_those_of_the_model_card(weights):
    """PESQ-WB and STOI to 2 and 3 digits, SI-SDR to 1."""
    (said,) = [figures for name, figures in rows("README.md") if name.startswith(weights)]
    card = next(figures for name, figures in rows("weights/MODEL_CARD.md") if name == weights)
    for mine, measured, digits in zip(said, card[:3], (2, 3, 1), strict=True):
        assert mine == pytest.approx(measured, abs=0.5001 * 10**-digits)
