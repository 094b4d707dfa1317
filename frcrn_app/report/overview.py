"""What tiles, ranking and the summary table show: plain values for their templates."""

from __future__ import annotations

import math
from collections.abc import Sequence

from frcrn_app.evaluation import MIN_FILES, NOISY, Evaluation, Score, Summary
from frcrn_app.metrics import METRICS, Metric
from frcrn_app.report import verdict
from frcrn_app.report.colours import system_colours
from frcrn_app.report.numbers import gain_tone, interval, number, signed, with_unit
from frcrn_app.report.words import Words


def tiles(evaluation: Evaluation, summary: Summary, words: Words) -> dict:
    """The best mean of each headline metric, and what it gains over the noisy recording."""
    shown = []
    for key in verdict.headline_metrics(evaluation.metrics):
        metric = METRICS[key]
        scores = [summary.score(system, key) for system in evaluation.systems]
        scored = [score for score in scores if score.score.n]
        most = [score for score in scored if 2 * score.score.n >= score.files]
        best = _best(most or scored, metric)
        if best is None:
            continue
        tile = {"title": with_unit(metric), "mean": number(best.score.mean, metric)}
        tile |= {"system": best.system} | _fewer(best, words)
        if best.gain is not None and best.gain.n:
            noisy = verdict.start_of(best, summary.score(NOISY, key))
            tile["gain"] = signed(best.gain.mean, metric)
            tile["tone"] = gain_tone(best.gain, metric)
            tile["from_noisy"] = words("from_noisy", value=number(noisy, metric))
        shown.append(tile)
    return {"tiles": shown}


def ranking(evaluation: Evaluation, summary: Summary, words: Words) -> dict:
    """Systems by rank, with the headline metrics."""
    keys = verdict.headline_metrics(evaluation.metrics)
    if len(evaluation.systems) < 2:
        return {"rows": []}
    colours = system_colours(evaluation.systems)
    title = METRICS[keys[0]].title
    if verdict.has_tests(summary, keys[0]):
        note = words("ranking_note", metric=title)
    else:
        key = "ranking_too_few" if summary.clusters is None else "ranking_too_few_clusters"
        note = words(key, metric=title, needed=verdict.files_needed(summary))
    rows = [
        {
            "rank": "–" if place.rank is None else place.rank,
            "system": place.system,
            "colour": colours[place.system],
            "cells": [_ranked(summary.score(place.system, key), words) for key in keys],
        }
        for place in verdict.ranking(evaluation, summary, keys[0])
    ]
    return {"rows": rows, "titles": [with_unit(METRICS[key]) for key in keys], "note": note}


def summary_table(evaluation: Evaluation, summary: Summary, words: Words) -> dict:
    """Metrics down, systems across: mean, interval, gain, median."""
    colours = system_colours(evaluation.systems)
    lines = []
    for key in evaluation.metrics:
        metric = METRICS[key]
        bold = verdict.leaders(evaluation, summary, key)
        lines.append(
            {
                "title": metric.title,
                "unit": metric.unit,
                "higher": metric.higher_is_better,
                "cells": [
                    _cell(summary.score(system, key), system in bold, words)
                    for system in evaluation.systems
                ],
            }
        )
    factor = evaluation.real_time_factor()
    factors = [
        f"{factor:.3g}" if system == evaluation.own_system else "" for system in evaluation.systems
    ]
    return {
        "systems": [{"name": name, "colour": colours[name]} for name in evaluation.systems],
        "lines": lines,
        "factors": factors if math.isfinite(factor) else [],
        "note": words("summary_note", min_files=MIN_FILES),
    }


def _ranked(score: Score, words: Words) -> dict:
    metric = METRICS[score.metric]
    cell = {"mean": number(score.score.mean, metric), "gain": "", "tone": ""}
    if score.gain is not None and score.gain.n:
        cell |= {"gain": signed(score.gain.mean, metric), "tone": gain_tone(score.gain, metric)}
    return cell | _fewer(score, words)


def _fewer(score: Score, words: Words) -> dict:
    """On how many files a mean rests, where some lack a score."""
    if score.score.n in (0, score.files):
        return {}
    return {"fewer": words("n_of_n", n=score.score.n, files=score.files)}


def _cell(score: Score, bold: bool, words: Words) -> dict:
    metric, mean = METRICS[score.metric], score.score
    if not mean.n:
        return {}
    cell = {
        "bold": bold,
        "mean": number(mean.mean, metric),
        "interval": interval(mean, metric),
        "details": [f"{words('median')} {number(score.median, metric)}"],
    }
    if score.gain is not None and score.gain.n:
        cell["gain"] = signed(score.gain.mean, metric)
        cell["gain_interval"] = interval(score.gain, metric, is_gain=True)
        cell["tone"] = gain_tone(score.gain, metric)
        cell["details"].append(words("wins", percent=f"{100 * score.win_rate:.0f}"))
    return cell | _fewer(score, words)


def _best(scores: Sequence[Score], metric: Metric) -> Score | None:
    """By the gain on the files that each has, so that few but easy ones do not lead."""
    paired = all(score.gain is None or score.gain.n for score in scores)

    def level(score: Score) -> float:
        if not paired:
            return score.score.mean
        return 0.0 if score.gain is None else score.gain.mean

    choose = max if metric.higher_is_better else min
    return choose(scores, key=level, default=None)
