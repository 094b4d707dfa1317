"""A result as values of the components that show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from frcrn_app.evaluation import NOISY
from frcrn_app.metrics import METRICS
from frcrn_app.report import (
    Words,
    distribution_picture,
    gain_picture,
    group_picture,
    headline_metrics,
    part,
)
from frcrn_app.web.evaluate import status
from frcrn_app.web.evaluate.job import EvaluationJob, Result
from frcrn_app.web.evaluate.result_layout import ResultCards
from frcrn_app.web.evaluate.table import score_table
from frcrn_app.web.listen import Shelf, panel_value

Update = dict[Any, Any]  # of components


@dataclass(frozen=True)
class View:
    """What of a result is looked at; None where nothing has been chosen yet."""

    language: str
    metric: str | None = None
    grouping: str | None = None
    system: str | None = None

    def of(self, result: Result) -> View:
        """The same, with what the result has in place of what it has not."""
        evaluation, groups = result.evaluation, result.summary.groups
        others = [system for system in evaluation.systems if system != NOISY]
        usual = evaluation.own_system or (others[0] if others else NOISY)
        known = self.metric in evaluation.metrics
        return View(
            language=self.language,
            metric=self.metric if known else headline_metrics(evaluation.metrics)[0],
            grouping=self.grouping if self.grouping in groups else next(iter(groups), None),
            system=self.system if self.system in evaluation.systems else usual,
        )


def cleared(cards: ResultCards) -> Update:
    """No result."""
    return {
        cards.downloads: gr.update(visible=False),
        cards.results: gr.update(visible=False),
        cards.overview: "",
        cards.row: None,
        cards.listening: None,
    }


def shown(cards: ResultCards, job: EvaluationJob, view: View) -> Update:
    """All of a result but its files."""
    result = job.outcome()
    evaluation, summary = result.evaluation, result.summary
    view, words = view.of(result), Words(view.language)
    metrics = list(dict.fromkeys([*headline_metrics(evaluation.metrics), *evaluation.metrics]))
    others = [system for system in evaluation.systems if system != NOISY]

    def parts(*names: str) -> str:
        return "".join(part(name, evaluation, summary, view.language) for name in names)

    return {
        cards.status: status.done(result, view.language),
        cards.downloads: gr.update(visible=True),
        cards.results: gr.update(visible=True),
        cards.overview: parts("opening", "caveats", "tiles", "ranking", "summary", "problems"),
        cards.metric: gr.update(
            choices=[(METRICS[key].title, key) for key in metrics], value=view.metric
        ),
        cards.grouping: gr.update(
            choices=[(words(f"by_{name}"), name) for name in summary.groups],
            value=view.grouping,
            visible=bool(summary.groups),
        ),
        cards.system: gr.update(
            choices=[(words.system(name), name) for name in (*others, NOISY)],
            value=view.system,
            visible=bool(others),
        ),
        cards.row: None,
        cards.listening: panel_value(job),
        cards.more["side_by_side"]: parts("comparison"),
        cards.more["what_metrics_are"]: parts("metrics"),
        cards.more["how_measured"]: parts("method", "provenance"),
        **table(cards, result, view),
        **pictures(cards, result, view),
    }


def files(cards: ResultCards, job: EvaluationJob, language: str, listening: Shelf) -> Update:
    """The reports to be downloaded, with what listeners have said by now.

    The page with its audio takes a moment to write.
    """
    paths = job.write_reports(language, listening.listened(job.listening))
    return {
        cards.files[kind]: gr.update(value=str(path), interactive=True)
        for kind, path in paths.items()
    }


def table(cards: ResultCards, result: Result, view: View) -> Update:
    """The scores of a system, file by file."""
    system = view.of(result).system
    assert system is not None
    styler, types = score_table(result.evaluation, system, view.language)
    return {cards.table: gr.update(value=styler, datatype=types)}


def pictures(cards: ResultCards, result: Result, view: View) -> Update:
    """The pictures of a metric and a grouping."""
    evaluation, summary, view = result.evaluation, result.summary, view.of(result)
    words, metric = Words(view.language), view.metric
    assert metric is not None
    gain = gain_picture(evaluation, words, metric)
    update = {
        cards.distribution: distribution_picture(evaluation, words, metric),
        cards.gain: gain,
        cards.gain_card: gr.update(visible=bool(gain)),
        cards.group_card: gr.update(visible=view.grouping is not None),
    }
    if view.grouping is not None:
        update[cards.group] = group_picture(evaluation, summary, words, view.grouping, metric)
        update[cards.group_numbers] = part(
            "group",
            evaluation,
            summary,
            view.language,
            grouping=view.grouping,
            metrics=[metric],
        )
    return update
