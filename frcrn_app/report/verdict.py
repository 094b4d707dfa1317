"""What an evaluation says, before any table: who leads, by how much, how sure, on what.

A system's rank is one more than the number of systems that are significantly better than it, so
systems that nothing separates share a rank (the usual ranking of shared tasks, such as WMT's).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from frcrn_app.evaluation import NOISY, Comparison, Evaluation, Score, Summary
from frcrn_app.i18n import keys
from frcrn_app.metrics import METRICS
from frcrn_app.report.numbers import number, plain, signed, tone
from frcrn_app.report.words import Words, listed

# The few that a reader looks at first, in this order, where they were scored.
HEADLINE_METRICS = ("pesq_wb", "stoi", "si_sdr", "dnsmos_ovrl")


@dataclass(frozen=True)
class Place:
    """One system in the ranking."""

    rank: int | None  # None without a score
    system: str
    score: Score


def headline_metrics(metrics: Sequence[str]) -> list[str]:
    """Up to four of the metrics that were scored, the best known first."""
    first = [key for key in HEADLINE_METRICS if key in metrics]
    return (first + [key for key in metrics if key not in first])[:4]


def ranking(evaluation: Evaluation, summary: Summary, metric: str) -> list[Place]:
    """All systems by rank in a metric, then by mean."""
    sign = -1 if METRICS[metric].higher_is_better else 1
    beaten = dict.fromkeys(evaluation.systems, 0)
    for comparison in comparisons_in(summary, metric):
        if comparison.better is not None:
            beaten[_other(comparison, comparison.better)] += 1
    places = []
    for system in evaluation.systems:
        score = summary.score(system, metric)
        places.append(Place(beaten[system] + 1 if score.score.n else None, system, score))
    unscored = len(places) + 1
    return sorted(places, key=lambda p: (p.rank or unscored, sign * p.score.score.mean))


def leaders(evaluation: Evaluation, summary: Summary, metric: str) -> set[str]:
    """Systems that none is significantly better than, and that beat at least one so."""
    winners = {c.better for c in comparisons_in(summary, metric) if c.better is not None}
    first = {p.system for p in ranking(evaluation, summary, metric) if p.rank == 1}
    return winners & first


def has_tests(summary: Summary, metric: str) -> bool:
    """Whether any two systems could be compared."""
    return any(c.verdict != "too_few" for c in comparisons_in(summary, metric))


def files_needed(summary: Summary) -> int:
    """The fewest files, or clusters of them, with which a comparison can be significant."""
    return max((c.files_needed for c in summary.comparisons), default=0)


def opening(evaluation: Evaluation, summary: Summary, words: Words) -> list[str]:
    """Three sentences, fewer where nothing was compared."""
    metric = headline_metrics(evaluation.metrics)[0]
    scored = [p for p in ranking(evaluation, summary, metric) if p.rank is not None]
    if not scored:
        return [words("opening.nothing")]
    noisy = next((p.score for p in scored if p.system == NOISY), None)
    systems = [place for place in scored if place.system != NOISY]
    on_what = _on_what(evaluation, metric, words)
    if not systems or noisy is None:
        return [*_alone(scored[0], words), on_what]
    systems.sort(key=lambda place: _order(place, summary))
    return [_who(systems, noisy, summary, words), _how_sure(systems, summary, words), on_what]


def start_of(score: Score, noisy: Score) -> float:
    """The noisy recordings' mean on a system's own files, should it lack some."""
    if score.gain is not None and score.gain.n == score.score.n:
        return score.score.mean - score.gain.mean
    return noisy.score.mean


def plain_name(metric: str, words: Words) -> str:
    """A metric in the words of a reader who has never met it; its title where there are none."""
    key = f"plain.{metric}"
    if f"report.{key}" in keys(words.language):
        return words(key)
    return words("plain.other", metric=METRICS[metric].title)


def _shown(place: Place, summary: Summary) -> int:
    """0 for a system that is shown to improve on the noisy recordings, 2 for too few files."""
    against = comparison_of(summary, place.system, NOISY, place.score.metric)
    return 2 if against.verdict == "too_few" else int(against.better != place.system)


def _order(place: Place, summary: Summary) -> tuple[int, int, float]:
    """By what is shown, by rank, by the gain on the files that a system has (maybe easy ones)."""
    sign = -1 if METRICS[place.score.metric].higher_is_better else 1
    gain = place.score.gain
    behind = math.inf if gain is None or not gain.n else sign * gain.mean
    return _shown(place, summary), place.rank or 0, behind


def _tied(systems: Sequence[Place], summary: Summary) -> list[Place]:
    """The first of some systems, and those beside it that improve on the noisy recordings too."""
    alike = [place for place in systems if place.rank == systems[0].rank]
    return [place for place in alike if _shown(place, summary) == 0]


def _who(systems: Sequence[Place], noisy: Score, summary: Summary, words: Words) -> str:
    best, metric = systems[0], METRICS[systems[0].score.metric]
    reached, start = best.score.score, start_of(best.score, noisy)
    fields = {
        "system": best.system,
        "metric": plain_name(metric.key, words),
        "noisy": number(start, metric),
        "value": number(reached.mean, metric),
    }
    against = comparison_of(summary, best.system, NOISY, metric.key)
    if against.verdict == "too_few":
        ahead = tone(reached.mean - start, metric) == "better"
        return words("opening.too_few" if ahead else "opening.too_few_behind", **fields)
    if against.better == NOISY:
        return words("opening.noisy_best", **fields)
    if against.better is None:
        return words("opening.undecided_all" if len(systems) > 1 else "opening.undecided", **fields)
    tied = _tied(systems, summary)
    if len(tied) > 1:
        fields["systems"] = listed([place.system for place in tied], words)
        if len({number(start_of(place.score, noisy), metric) for place in tied}) > 1:
            return words("opening.tied_uneven", **fields)  # they have different files
        values = [number(place.score.score.mean, metric) for place in tied]
        return words("opening.tied", **fields, values=listed(values, words))
    if any(place.rank == best.rank for place in systems[1:]):
        return words("opening.improves", **fields)
    key = "opening.best" if metric.higher_is_better else "opening.best_lower"
    return words(key, **fields)


def _how_sure(systems: Sequence[Place], summary: Summary, words: Words) -> str:
    best, metric = systems[0], METRICS[systems[0].score.metric]
    against = comparison_of(summary, best.system, NOISY, metric.key)
    if against.verdict == "too_few":
        if summary.clusters is not None:
            needed = {"count": summary.clusters, "needed": against.files_needed}
            return words("opening.unsure_few_clusters", **needed)
        needed = {"count": against.difference.n, "needed": against.files_needed}
        return words("opening.unsure_few", **needed)
    sign = 1 if against.system == best.system else -1
    low, high = sorted((sign * against.difference.low, sign * against.difference.high))
    fields = {"low": signed(low, metric), "high": signed(high, metric)}
    fields |= {"p": _probability(against.p_corrected)}
    if against.better is None:
        if low == high == 0:
            return words("opening.same")
        if low <= 0 <= high:
            return words("opening.unsure", **fields)
        # Few files or outliers: the interval and the test do not agree, and both are shown below.
        tests = sum(math.isfinite(comparison.p) for comparison in summary.comparisons)
        return words("opening.unsure_corrected", count=tests, **fields)
    if low <= 0 <= high:
        return words("opening.sure_wide", **fields)
    if against.better == NOISY:
        return words("opening.sure_worse", **fields)
    return _sure(systems, against, summary, words, fields)


def _sure(
    systems: Sequence[Place],
    against: Comparison,
    summary: Summary,
    words: Words,
    fields: dict[str, str],
) -> str:
    """That the best system improves on the noisy recordings, and what it is ahead of."""
    best, metric = systems[0], METRICS[systems[0].score.metric]
    wins = against.win_rate if against.system == best.system else 1 - against.win_rate
    fields |= {"system": best.system, "wins": f"{100 * wins:.0f}"}
    if len(_tied(systems, summary)) > 1:
        return words("opening.sure_tied", **fields)
    if len(systems) > 1 and systems[1].rank != best.rank:
        second = systems[1]
        lead = comparison_of(summary, best.system, second.system, metric.key)
        if lead.better == best.system:
            ahead = abs(lead.difference.mean)
            fields |= {"second": second.system, "lead": number(ahead, metric)}
            return words("opening.sure_ahead", **fields)
    return words("opening.sure", **fields)


def _probability(p: float) -> str:
    return "< 0.001" if p < 1e-3 else f"= {p:.3f}"


def _alone(best: Place, words: Words) -> list[str]:
    metric = METRICS[best.score.metric]
    key = "opening.alone" if best.system == NOISY else "opening.reference_free"
    name = plain_name(metric.key, words)
    value = number(best.score.score.mean, metric)
    return [words(key, system=words.system(best.system), metric=name, value=value)]


def _on_what(evaluation: Evaluation, metric: str, words: Words) -> str:
    """Which recordings have a score in a metric."""
    values = np.array([evaluation.values(system, metric) for system in evaluation.systems])
    places = np.flatnonzero(np.isfinite(values).any(axis=0))
    rows = [evaluation.rows[place] for place in places]
    seconds = float(np.nansum([row.duration for row in rows]))
    if seconds < 90:
        time = words("seconds", seconds=f"{seconds:.0f}")
    else:
        time = words("minutes", minutes=f"{seconds / 60:.0f}")
    snr = np.array([row.input_snr for row in rows])
    snr = snr[np.isfinite(snr)]
    span = ""
    if snr.size:
        low, high = plain(float(snr.min()), 0), plain(float(snr.max()), 0)
        span = words("opening.snr" if low != high else "opening.snr_one", low=low, high=high)
    key = "opening.on_pairs" if METRICS[metric].needs_clean else "opening.on_alone"
    return words(key, count=len(rows), time=time, snr=span)


def comparisons_in(summary: Summary, metric: str) -> list[Comparison]:
    """All comparisons in a metric."""
    return [c for c in summary.comparisons if c.metric == metric]


def comparison_of(summary: Summary, first: str, second: str, metric: str) -> Comparison:
    """The comparison of two systems, whichever stands first in it."""
    return next(
        c for c in comparisons_in(summary, metric) if {c.system, c.baseline} == {first, second}
    )


def _other(comparison: Comparison, system: str) -> str:
    return comparison.baseline if system == comparison.system else comparison.system
