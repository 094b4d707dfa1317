"""The summary table for papers and pages: Markdown and LaTeX (booktabs)."""

from __future__ import annotations

import re

from frcrn_app.evaluation import Evaluation, Score, Summary
from frcrn_app.metrics import METRICS
from frcrn_app.report.numbers import number, signed, with_unit
from frcrn_app.report.verdict import leaders
from frcrn_app.report.words import Words

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "−": "$-$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
}


def markdown_text(evaluation: Evaluation, summary: Summary, language: str = "en") -> str:
    """Systems down, metrics across: means, with gains in brackets; GitHub's table syntax."""
    words = Words(language)
    head = [words("system"), *_titles(evaluation)]
    lines = [head, ["---", *["---:"] * len(evaluation.metrics)]]
    for system in evaluation.systems:
        cells = [
            f"**{text}**" if bold else text for text, bold in _cells(evaluation, summary, system)
        ]
        lines.append([system, *cells])
    rows = [f"| {' | '.join(map(_markdown, line))} |" for line in lines]
    return "\n".join([*rows, "", _markdown(_caption(evaluation, words)), ""])


def latex_text(evaluation: Evaluation, summary: Summary, language: str = "en") -> str:
    """The same table as LaTeX; needs the package booktabs, and for Chinese a CJK one."""
    words = Words(language)
    lines = []
    for system in evaluation.systems:
        cells = [
            rf"\textbf{{{_latex(text)}}}" if bold else _latex(text)
            for text, bold in _cells(evaluation, summary, system)
        ]
        lines.append(" & ".join([_latex(system), *cells]) + r" \\")
    head = " & ".join(_latex(title) for title in [words("system"), *_titles(evaluation)])
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_latex(_caption(evaluation, words))}}}",
            rf"\begin{{tabular}}{{l{'r' * len(evaluation.metrics)}}}",
            r"\toprule",
            rf"{head} \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _titles(evaluation: Evaluation) -> list[str]:
    metrics = [METRICS[key] for key in evaluation.metrics]
    return [f"{with_unit(m)} {'↑' if m.higher_is_better else '↓'}" for m in metrics]


def _cells(evaluation: Evaluation, summary: Summary, system: str) -> list[tuple[str, bool]]:
    """Text of a system's cells, and whether the mean is to be bold."""
    return [
        (_cell(summary.score(system, key)), system in leaders(evaluation, summary, key))
        for key in evaluation.metrics
    ]


def _cell(score: Score) -> str:
    metric = METRICS[score.metric]
    text = number(score.score.mean, metric)
    if score.gain is not None and score.gain.n:
        text += f" ({signed(score.gain.mean, metric)})"
    return text


def _caption(evaluation: Evaluation, words: Words) -> str:
    counted = words("files_counted", count=len(evaluation.rows))
    return words("table_caption", files=counted)


def _markdown(text: str) -> str:
    """Text in a cell; asterisks around a bold mean stay."""
    if re.fullmatch(r"-+:?|\*\*[^*]+\*\*", text):
        return text
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))
