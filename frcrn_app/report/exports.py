"""The summary table for papers and pages: Markdown and LaTeX (booktabs)."""

from __future__ import annotations

import re

from frcrn_app.evaluation import Evaluation, Score, Summary
from frcrn_app.listening import Listened
from frcrn_app.metrics import METRICS
from frcrn_app.report.heard import heard_mean
from frcrn_app.report.numbers import number, plain, signed, with_unit
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
    "|": r"\textbar{}",
    # After the end of a row these would be options of it.
    "*": "{*}",
    "[": "{[}",
    "−": "$-$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
}


def markdown_text(
    evaluation: Evaluation,
    summary: Summary,
    language: str = "en",
    listened: Listened | None = None,
) -> str:
    """Systems down, metrics across: means, with gains in brackets; GitHub's table syntax."""
    words = Words(language)
    head = [words("system"), *_titles(evaluation, listened, words)]
    lines = [[_markdown(title) for title in head], ["---", *["---:"] * (len(head) - 1)]]
    for system in evaluation.systems:
        cells = [
            f"**{_markdown(text)}**" if bold else _markdown(text)
            for text, bold in _cells(evaluation, summary, system, listened)
        ]
        lines.append([_markdown(words.system(system)), *cells])
    rows = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([*rows, "", _markdown(_caption(evaluation, words)), ""])


def latex_text(
    evaluation: Evaluation,
    summary: Summary,
    language: str = "en",
    listened: Listened | None = None,
) -> str:
    """The same table as LaTeX; needs the package booktabs, and for Chinese a CJK one."""
    words = Words(language)
    titles = _titles(evaluation, listened, words)
    lines = []
    for system in evaluation.systems:
        cells = [
            rf"\textbf{{{_latex(text)}}}" if bold else _latex(text)
            for text, bold in _cells(evaluation, summary, system, listened)
        ]
        lines.append(" & ".join([_latex(words.system(system)), *cells]) + r" \\")
    head = " & ".join(_latex(title) for title in [words("system"), *titles])
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_latex(_caption(evaluation, words))}}}",
            rf"\begin{{tabular}}{{l{'r' * len(titles)}}}",
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


def _titles(evaluation: Evaluation, listened: Listened | None, words: Words) -> list[str]:
    metrics = [METRICS[key] for key in evaluation.metrics]
    titles = [f"{with_unit(m)} {'↑' if m.higher_is_better else '↓'}" for m in metrics]
    return titles + ([f"{words(f'heard.column_{listened.method}')} ↑"] if listened else [])


def _cells(
    evaluation: Evaluation, summary: Summary, system: str, listened: Listened | None
) -> list[tuple[str, bool]]:
    """Text of a system's cells, and whether the mean is to be bold."""
    cells = [
        (_cell(summary.score(system, key)), system in leaders(evaluation, summary, key))
        for key in evaluation.metrics
    ]
    return cells + ([(plain(heard_mean(listened, system), 0), False)] if listened else [])


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
    return re.sub(r"([\\`*_\[\]<>|#&$~])", r"\\\1", " ".join(text.split()))


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))
