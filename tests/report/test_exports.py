"""The summary table for papers and pages."""

import re

import numpy as np
import pytest

from frcrn_app.evaluation import NOISY, summarise
from frcrn_app.report import latex_text, markdown_text


@pytest.fixture(scope="module")
def small(make_evaluation):
    base = np.linspace(-2, 2, 30)
    return make_evaluation(
        {
            NOISY: {"si_sdr": base - 1},
            "a_b|c $50%": {"si_sdr": base + 5 + 0.1 * np.cos(np.arange(30))},
        }
    )


def test_markdown_is_one_table_of_the_same_means(small):
    summary = summarise(small)
    lines = markdown_text(small, summary).splitlines()
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if line.startswith("|")]
    assert len(rows) == 4
    assert {len(row) for row in rows} == {2}
    mean, gain = summary.score("a_b|c $50%", "si_sdr").score.mean, 6.0
    assert rows[3][1].strip() == f"**{mean:.2f} (+{gain:.2f})**"
    assert rows[2][1].strip() == "−1.00"
    assert rows[3][0].strip() == r"a\_b\|c \$50%"
    assert "30 files" in lines[-1]


def test_latex_escapes_what_latex_would_run(small):
    text = latex_text(small, summarise(small))
    assert r"a\_b\textbar{}c \$50\%" in text
    assert r"\textbf{" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(body) == 3
    assert {len(re.findall(r"(?<!\\)&", line)) for line in body} == {1}
    assert "-1.00" in text.replace("$-$", "-")
    assert "−" not in text


@pytest.mark.parametrize(
    ("name", "markdown", "latex"),
    [
        ("**bold**", r"\*\*bold\*\*", r"{*}{*}bold{*}{*}"),
        ("[ours]", r"\[ours\]", r"{[}ours]"),
        ("a &lt; ~b~", r"a \&lt; \~b\~", r"a \&lt; \textasciitilde{}b\textasciitilde{}"),
        ("---", "---", "---"),
    ],
)
def test_a_name_is_no_markup_and_no_option_of_a_row(make_evaluation, name, markdown, latex):
    evaluation = make_evaluation({NOISY: {"stoi": [0.5]}, name: {"stoi": [0.6]}})
    summary = summarise(evaluation)
    assert f"\n| {markdown} | 0.6000" in markdown_text(evaluation, summary)
    assert f"\n{latex} & 0.6000" in latex_text(evaluation, summary)
    assert "\n| 含噪 | 0.5000 |" in markdown_text(evaluation, summary, "zh")
