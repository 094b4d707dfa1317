"""The parts of a report as HTML: tables and figures, in the words of a language.

The page puts them together; the demo shows the same ones. Classes are styled by `STYLE` of `page`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from frcrn_app.evaluation import NOISY, Evaluation, Summary
from frcrn_app.evaluation.summary import (
    ALPHA,
    MIN_FILES,
    MIN_TEST_FILES,
    RESAMPLES,
    Group,
    Mean,
    Score,
)
from frcrn_app.i18n.chinese import sentences_in
from frcrn_app.metrics import METRICS, Metric
from frcrn_app.report import charts
from frcrn_app.report.texts import Words

FILES_IN_TABLE = 1000  # more rows make a page heavy; the CSV has them all

# The few that a reader looks at first, in this order, where they were scored.
HEADLINE_METRICS = ("pesq_wb", "stoi", "si_sdr", "dnsmos_ovrl")


def headline_metrics(metrics: Sequence[str]) -> list[str]:
    """Up to four of the metrics that were scored, the best known first."""
    first = [key for key in HEADLINE_METRICS if key in metrics]
    return (first + [key for key in metrics if key not in first])[:4]


def system_colours(systems: Sequence[str]) -> dict[str, str]:
    """A colour for each system, the noisy sound's first."""
    return {name: charts.COLOURS[i % len(charts.COLOURS)] for i, name in enumerate(systems)}


def group_label(grouping: str, group: Group, words: Words) -> str:
    """What a group is called in a language: its range, or its own name."""
    if grouping == "group":
        return group.label
    a, b = (f"{edge:g}".replace("-", "−") for edge in (group.low, group.high))
    if grouping == "input_snr":
        return words["between_db"].format(a=a, b=b)
    if group.low == 0:
        return words["under_s"].format(b=b)
    return words["over_s" if math.isinf(group.high) else "between_s"].format(a=a, b=b)


def method(evaluation: Evaluation, summary: Summary, words: Words) -> str:
    """What was measured and how, in one paragraph of plain text."""
    rows = evaluation.rows
    minutes = float(np.nansum([row.duration for row in rows])) / 60
    snr = np.array([row.input_snr for row in rows])
    snr = snr[np.isfinite(snr)]
    with_clean = any(row.pair.clean is not None for row in rows)
    measured = ""
    if snr.size:
        measured = words["method_snr"].format(
            low=_plain(snr.min(), 1), high=_plain(snr.max(), 1), median=_plain(np.median(snr), 1)
        )
    sentences = [
        words["method_pairs" if with_clean else "method_alone"].format(
            n=len(rows),
            minutes=f"{minutes:.1f}",
            snr=measured,
            metrics=words["list"].join(METRICS[key].title for key in evaluation.metrics),
        )
    ]
    weights = evaluation.provenance["weights"]
    if weights is not None:
        factor = evaluation.real_time_factor()
        took = words["method_took"].format(factor=f"{factor:.3g}") if math.isfinite(factor) else ""
        sentences.append(
            words["method_own"].format(
                system=evaluation.own_system,
                strength=f"{evaluation.settings['strength']:g}",
                precision=weights["precision"],
                device=weights["device"],
                took=took,
            )
        )
    others = [s for s in evaluation.systems if s not in (NOISY, evaluation.own_system)]
    if others:
        sentences.append(words["method_others"].format(systems=words["list"].join(others)))
    if with_clean:
        aligned = "method_aligned" if evaluation.settings["align"] else "method_not_aligned"
        sentences.append(words[aligned])
    sentences.append(words["method_statistics"].format(seed=summary.seed))
    return words["join"].join(sentences)


def warnings(evaluation: Evaluation, words: Words) -> str:
    """What a reader must know before the figures; empty if there is nothing."""
    notes = []
    if evaluation.cancelled:
        notes.append(words["stopped"].format(n=len(evaluation.rows), total=evaluation.total))
    bad = sum(bool(row.problems) for row in evaluation.rows)
    if bad:
        notes.append(words["lacking"].format(n=bad, files=len(evaluation.rows)))
    if evaluation.unpaired:
        notes.append(words["unpaired_count"].format(n=len(evaluation.unpaired)))
    return "".join(f'<p class="warning">{escape(note)}</p>' for note in notes)


def tiles(evaluation: Evaluation, summary: Summary, words: Words) -> str:
    """The headline metrics in large figures: the best system and where it came from."""
    drawn = []
    for key in headline_metrics(evaluation.metrics):
        metric = METRICS[key]
        systems = [s for s in evaluation.systems if s != NOISY] or [NOISY]
        scores = [summary.score(system, key) for system in systems]
        scores = [score for score in scores if score.score.n]
        if not scores:
            continue
        best = _best(scores, metric) or scores[0]
        change = ""
        if best.gain is not None and best.gain.n:
            noisy = summary.score(NOISY, key).score.mean
            change = (
                f'<span class="{_tone(best.gain.mean, metric)}">{_signed(best.gain.mean, metric)}'
                f"</span> {words['from_noisy'].format(value=_number(noisy, metric))}"
            )
        drawn.append(
            f"<div><p>{escape(with_unit(metric))}</p><b>{_number(best.score.mean, metric)}</b>"
            f"<p>{change}</p><p>{escape(best.system)}</p></div>"
        )
    return f'<div class="tiles">{"".join(drawn)}</div>' if drawn else ""


def summary_note(words: Words) -> str:
    return words["summary_note"].format(min_files=MIN_FILES)


def summary_table(evaluation: Evaluation, summary: Summary, words: Words) -> str:
    """Metrics down, systems across: mean, interval, median, gain."""
    colours = system_colours(evaluation.systems)
    head = f"<th>{words['metric']}</th>" + "".join(
        f'<th class="number"><i style="background:{colours[system]}"></i>{escape(system)}</th>'
        for system in evaluation.systems
    )
    lines = []
    for key in evaluation.metrics:
        metric = METRICS[key]
        scores = [summary.score(system, key) for system in evaluation.systems]
        best = _best(scores, metric)
        cells = "".join(_summary_cell(score, metric, score is best, words) for score in scores)
        arrow, direction = ("↑", "higher") if metric.higher_is_better else ("↓", "lower")
        unit = f" <small>{metric.unit}</small>" if metric.unit else ""
        lines.append(
            f'<tr><th scope="row">{escape(metric.title)} '
            f'<span title="{words[direction]}">{arrow}</span>{unit}</th>{cells}</tr>'
        )
    factor = evaluation.real_time_factor()
    if math.isfinite(factor):
        cells = "".join(
            f'<td class="number">{factor:.3g}</td>' if s == evaluation.own_system else "<td></td>"
            for s in evaluation.systems
        )
        lines.append(
            f'<tr><th scope="row">{words["rtf"]} ↓ <small>{words["rtf_unit"]}</small></th>'
            f"{cells}</tr>"
        )
    return _table(head, lines)


def _summary_cell(score: Score, metric: Metric, best: bool, words: Words) -> str:
    mean = score.score
    if not mean.n:
        return f'<td class="number muted">{words["nothing_scored"]}</td>'
    number = _number(mean.mean, metric)
    number = f"<b>{number}</b>" if best else number
    lines = [f"{number} <small>{_range(mean, metric)}</small>"]
    details = [f"{words['median']} {_number(score.median, metric)}"]
    if score.gain is not None and score.gain.n:
        tone = _tone(score.gain.mean, metric)
        lines.append(
            f'<small><span class="{tone}">{_signed(score.gain.mean, metric)}</span> '
            f"{_range(score.gain, metric, signed=True)}</small>"
        )
        details.append(words["wins"].format(percent=f"{100 * score.win_rate:.0f}"))
    lines.append(f"<small>{' · '.join(details)}</small>")
    if mean.n < score.files:
        counted = words["n_of_n"].format(n=mean.n, files=score.files)
        lines.append(f'<small class="worse">{counted}</small>')
    return f'<td class="number">{"<br>".join(lines)}</td>'


def pictures(evaluation: Evaluation, summary: Summary, words: Words) -> str:
    """Distributions of the headline metrics, gains against input SNR, means of groups."""
    colours = system_colours(evaluation.systems)
    snr = np.array([row.input_snr for row in evaluation.rows])
    shown = headline_metrics(evaluation.metrics)
    drawn = []
    for key in shown:
        columns = {system: evaluation.values(system, key) for system in evaluation.systems}
        drawn.append(charts.distribution_chart(columns, with_unit(METRICS[key]), colours))
    for key in (key for key in shown if key in (shown[0], "si_sdr")):
        gains = {s: evaluation.gains(s, key) for s in evaluation.systems if s != NOISY}
        title = words["gain_in"].format(metric=with_unit(METRICS[key]))
        drawn.append(charts.gain_chart(snr, gains, title, words["snr_axis"], colours))
    for grouping in ("group", "input_snr"):
        groups = summary.groups.get(grouping, ())
        if len(groups) < 2:
            continue
        means = {
            system: [group_mean(group, system, shown[0]) for group in groups]
            for system in evaluation.systems
        }
        title = f"{with_unit(METRICS[shown[0]])} · {words[f'by_{grouping}']}"
        labels = [group_label(grouping, group, words) for group in groups]
        drawn.append(charts.group_chart(labels, means, title, colours))
    figures = "".join(f"<figure>{figure}</figure>" for figure in drawn if figure)
    return f'<div class="figures">{figures}</div>' if figures else ""


def group_mean(group: Group, system: str, metric: str) -> tuple[float, float, float]:
    """Mean and interval of a system on a group's files."""
    score = next(s.score for s in group.scores if (s.system, s.metric) == (system, metric))
    return score.mean, score.low, score.high


def comparison_note(summary: Summary, words: Words) -> str:
    tests = sum(not math.isnan(c.p) for c in summary.comparisons)
    return words["comparison_note"].format(
        tests=tests, alpha=f"{ALPHA:g}", min_files=MIN_TEST_FILES
    )


def comparison_table(summary: Summary, words: Words) -> str:
    """Paired differences of all systems, and which of them are significant."""
    lines = []
    for c in summary.comparisons:
        if not c.difference.n:
            continue
        metric = METRICS[c.metric]
        tone = _tone(c.difference.mean, metric) if c.significant else "muted"
        if c.better:
            verdict = words["is_better"].format(system=escape(c.better))
        else:
            verdict = words["too_few" if math.isnan(c.p) else "no_difference"]
        p = "" if math.isnan(c.p_corrected) else f"{c.p_corrected:.4f}"
        lines.append(
            f"<tr><th>{escape(c.system)} − {escape(c.baseline)}</th><td>{escape(metric.title)}</td>"
            f'<td class="number">{c.difference.n}</td>'
            f'<td class="number {tone}">{_signed(c.difference.mean, metric)}</td>'
            f'<td class="number">{_range(c.difference, metric, signed=True)}</td>'
            f'<td class="number">{100 * c.win_rate:.0f} %</td><td class="number">{p}</td>'
            f'<td class="{tone}">{verdict}</td></tr>'
        )
    head = (
        f"<th>{words['systems']}</th><th>{words['metric']}</th>"
        f'<th class="number">{words["files"]}</th><th class="number">{words["difference"]}</th>'
        f'<th class="number">{words["interval"]}</th><th class="number">{words["wins_head"]}</th>'
        f'<th class="number">{words["p_head"]}</th><th>{words["verdict"]}</th>'
    )
    return _table(head, lines) if lines else ""


def group_note(evaluation: Evaluation, words: Words) -> str:
    more = len(evaluation.metrics) > len(headline_metrics(evaluation.metrics))
    return words["group_note"] + (words["join"] + words["rest_in_json"] if more else "")


def group_table(
    evaluation: Evaluation,
    summary: Summary,
    grouping: str,
    words: Words,
    metrics: Sequence[str] | None = None,
) -> str:
    """Means on each group of files, metric by metric (the headline ones by default)."""
    head = f'<th></th><th class="number">{words["files"]}</th>' + "".join(
        f'<th class="number">{escape(system)}</th>' for system in evaluation.systems
    )
    lines = []
    for key in metrics or headline_metrics(evaluation.metrics):
        metric = METRICS[key]
        lines.append(
            f'<tr class="block"><th colspan="{2 + len(evaluation.systems)}">'
            f"{escape(with_unit(metric))}</th></tr>"
        )
        for group in summary.groups.get(grouping, ()):
            cells = "".join(
                _group_cell(score, metric) for score in group.scores if score.metric == key
            )
            lines.append(
                f"<tr><th>{escape(group_label(grouping, group, words))}</th>"
                f'<td class="number muted">{group.files}</td>{cells}</tr>'
            )
    return _table(head, lines)


def _group_cell(score: Score, metric: Metric) -> str:
    if not score.score.n:
        return '<td class="number muted">–</td>'
    gain = ""
    if score.gain is not None and score.gain.n:
        tone = _tone(score.gain.mean, metric)
        gain = f' <small class="{tone}">{_signed(score.gain.mean, metric)}</small>'
    fewer = score.score.n < score.files
    n = f' <small class="worse">n = {score.score.n}</small>' if fewer else ""
    return (
        f'<td class="number">{_number(score.score.mean, metric)}{gain} '
        f"<small>{_range(score.score, metric)}</small>{n}</td>"
    )


def metric_table(metrics: Sequence[str], words: Words) -> str:
    """Direction, range and source of each metric."""
    lines = []
    for key in metrics:
        metric = METRICS[key]
        direction = words["higher" if metric.higher_is_better else "lower"]
        lines.append(
            f"<tr><th>{escape(metric.title)}</th><td>{direction}</td>"
            f"<td>{metric_range(metric, words)}</td><td>{escape(metric.source)}</td></tr>"
        )
    head = "".join(f"<th>{words[key]}</th>" for key in ("metric", "direction", "range", "source"))
    return _table(head, lines)


def metric_range(metric: Metric, words: Words) -> str:
    unit = f" {metric.unit}" if metric.unit else ""
    if math.isinf(metric.low):
        return words["unbounded"] + (f" ({metric.unit})" if metric.unit else "")
    if math.isinf(metric.high):
        return words["from_up"].format(low=f"{metric.low:g}{unit}")
    return words["from_to"].format(low=f"{metric.low:g}", high=f"{metric.high:g}{unit}")


def file_table(evaluation: Evaluation, words: Words) -> str:
    """The headline scores of each file; those better than the noisy sound's are coloured."""
    shown = headline_metrics(evaluation.metrics)
    head = f'<th>{words["file"]}</th><th class="number">s</th>'
    head += f'<th class="number">{words["snr_head"]}</th>'
    for key in shown:
        for system in evaluation.systems:
            head += (
                f'<th class="number">{escape(METRICS[key].title)}'
                f"<br><small>{escape(system)}</small></th>"
            )
    lines = []
    for row in evaluation.rows[:FILES_IN_TABLE]:
        cells = f'<td class="number">{_plain(row.duration, 1)}</td>'
        cells += f'<td class="number">{_plain(row.input_snr, 1)}</td>'
        for key in shown:
            metric = METRICS[key]
            noisy = row.sounds[NOISY].scores.get(key, math.nan)
            for system in evaluation.systems:
                value = row.sounds[system].scores.get(key, math.nan)
                gain = value - noisy
                tone = "" if system == NOISY or math.isnan(gain) else _tone(gain, metric)
                cells += f'<td class="number {tone}">{_plain(value, metric.decimals)}</td>'
        lines.append(f"<tr><th>{escape(row.name)}</th>{cells}</tr>")
    more = len(evaluation.rows) - FILES_IN_TABLE
    note = f'<p class="note">{words["more_in_csv"].format(n=more)}</p>' if more > 0 else ""
    return _table(head, lines, "files") + note if lines else ""


def problem_tables(evaluation: Evaluation, words: Words) -> str:
    """Files that lack scores and files without a partner, each with the reason."""
    say = sentences_in(words["lang"])
    lines = [
        f"<tr><th>{escape(row.name)}</th><td>{escape(row.problems_in(say))}</td></tr>"
        for row in evaluation.rows
        if row.problems
    ]
    head = f"<th>{words['file']}</th><th>{words['what_is_wrong']}</th>"
    tables = _table(head, lines) if lines else ""
    lines = [
        f"<tr><th>{escape(item.name)}</th>"
        f"<td>{escape(words.get(f'role_{item.role}', item.role))}</td>"  # or a system's name
        f"<td>{escape(say(item.reason))}</td></tr>"
        for item in evaluation.unpaired
    ]
    head = "".join(f"<th>{words[key]}</th>" for key in ("unpaired", "as_role", "why"))
    return tables + (_table(head, lines) if lines else "")


def provenance_table(evaluation: Evaluation, summary: Summary, words: Words) -> str:
    """Versions, settings, weights and machine."""
    facts, settings = evaluation.provenance, evaluation.settings
    machine = facts["machine"]
    comma = words["list"]
    parts = [machine["processor"], words["cores"].format(n=machine["cores"])]
    if "memory_gb" in machine:
        parts.append(f"{machine['memory_gb']:g} GB")
    parts += [machine["system"], machine.get("accelerator", "")]
    took = [f"{evaluation.elapsed:.1f} s"]
    if evaluation.resumed:
        took.append(words["resumed"].format(n=evaluation.resumed))
    lines = {
        words["date"]: facts["date"],
        words["versions"]: comma.join(f"{name} {v}" for name, v in facts["versions"].items()),
        words["settings"]: words["settings_text"].format(
            align=words["on" if settings["align"] else "off"],
            seed=settings["seed"],
            workers=settings["workers"],
            resamples=f"{RESAMPLES:,}",
            summary_seed=summary.seed,
        ),
        words["machine"]: comma.join(part for part in parts if part),
        words["time"]: comma.join(took),
    }
    weights = facts["weights"]
    if weights is not None:
        lines[words["weights"]] = words["weights_text"].format(
            **weights | {"parameters": f"{weights['parameters']:,}"}
        )
        lines["sha256"] = weights["sha256"]
    return _table(
        "", [f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>" for k, v in lines.items()]
    )


def with_unit(metric: Metric) -> str:
    return f"{metric.title}, {metric.unit}" if metric.unit else metric.title


def _table(head: str, lines: Sequence[str], kind: str = "") -> str:
    top = f"<thead><tr>{head}</tr></thead>" if head else ""
    return f'<div class="scroll {kind}"><table>{top}<tbody>{"".join(lines)}</tbody></table></div>'


def _best(scores: Sequence[Score], metric: Metric) -> Score | None:
    known = [score for score in scores if score.score.n]
    if len(known) < 2:
        return None
    choose = max if metric.higher_is_better else min
    return choose(known, key=lambda score: score.score.mean)


def _tone(difference: float, metric: Metric) -> str:
    if difference == 0 or math.isnan(difference):
        return "muted"
    return "better" if (difference > 0) == metric.higher_is_better else "worse"


def _plain(value: float, decimals: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{decimals}f}".replace("-", "−")


def _number(value: float, metric: Metric) -> str:
    return _plain(value, metric.decimals)


def _signed(value: float, metric: Metric) -> str:
    text = f"{value:+.{metric.decimals}f}"
    return (text if float(text) else text[1:]).replace("-", "−")


def _range(mean: Mean, metric: Metric, *, signed: bool = False) -> str:
    if math.isnan(mean.low):
        return ""
    write = _signed if signed else _number
    return f"[{write(mean.low, metric)}, {write(mean.high, metric)}]"
