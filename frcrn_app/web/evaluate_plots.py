"""The interactive pictures of an evaluation; the report draws its own, without a script."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from frcrn_app.evaluation import NOISY, Evaluation, Summary
from frcrn_app.evaluation.summary import SNR_BIN
from frcrn_app.metrics import METRICS
from frcrn_app.report.fragments import group_label, group_mean, system_colours, with_unit
from frcrn_app.report.texts import WORDS as REPORT_WORDS

if TYPE_CHECKING:
    import plotly.graph_objects as go

Words = Mapping[str, str]

# Readable on light and on dark paper.
_TEXT = "#768885"
_GRID = "rgba(118, 136, 133, 0.22)"
_FONT = "IBM Plex Sans, PingFang SC, Microsoft YaHei, Noto Sans CJK SC, system-ui, sans-serif"
_SYMBOLS = ("circle", "square", "triangle-up", "diamond", "cross", "star")


def distribution_figure(evaluation: Evaluation, metric: str) -> go.Figure:
    """Every file a dot, the middle half a box, by system."""
    import plotly.graph_objects as go

    colours = system_colours(evaluation.systems)
    figure = go.Figure()
    for system in evaluation.systems:
        values = evaluation.values(system, metric)
        known = np.isfinite(values)
        figure.add_box(
            x=values[known],
            name=system,
            boxpoints="all",
            jitter=0.6,
            pointpos=0,
            marker={"color": colours[system], "size": 6, "opacity": 0.55},
            line={"color": colours[system], "width": 1.5},
            fillcolor="rgba(0,0,0,0)",
            text=[row.name for row, kept in zip(evaluation.rows, known, strict=True) if kept],
            hovertemplate="%{text}<br>%{x:.4g}<extra></extra>",
        )
    figure.update_yaxes(autorange="reversed")
    return _styled(figure, x=with_unit(METRICS[metric]), height=90 + 74 * len(evaluation.systems))


def gain_figure(evaluation: Evaluation, metric: str, words: Words) -> go.Figure:
    """Gains over the noisy sound against the input SNR, a dot a file, a line of 5 dB bin means."""
    import plotly.graph_objects as go

    colours = system_colours(evaluation.systems)
    snr = np.array([row.input_snr for row in evaluation.rows])
    names = np.array([row.name for row in evaluation.rows], dtype=object)
    figure = go.Figure()
    for place, system in enumerate(s for s in evaluation.systems if s != NOISY):
        gains = evaluation.gains(system, metric)
        known = np.isfinite(gains) & np.isfinite(snr)
        symbol = _SYMBOLS[place % len(_SYMBOLS)]
        figure.add_scatter(
            x=snr[known],
            y=gains[known],
            mode="markers",
            name=system,
            legendgroup=system,
            showlegend=False,
            marker={"color": colours[system], "size": 7, "opacity": 0.5, "symbol": symbol},
            text=names[known],
            hovertemplate="%{text}<br>%{x:.1f} dB: %{y:+.4g}<extra></extra>",
        )
        bins = np.floor(snr[known] / SNR_BIN)
        inside = [bins == b for b in np.unique(bins)]
        figure.add_scatter(
            x=[snr[known][mask].mean() for mask in inside],
            y=[gains[known][mask].mean() for mask in inside],
            mode="lines+markers",
            name=system,
            legendgroup=system,
            line={"color": colours[system], "width": 2},
            marker={"color": colours[system], "size": 10, "symbol": symbol},
            hovertemplate="%{x:.1f} dB: %{y:+.4g}<extra></extra>",
        )
    figure.add_hline(y=0, line={"color": _TEXT, "width": 1})
    gain = words["gain_axis"].format(metric=with_unit(METRICS[metric]))
    return _styled(figure, x=words["snr_axis"], y=gain, height=340)


def group_figure(
    evaluation: Evaluation, summary: Summary, grouping: str, metric: str, language: str
) -> go.Figure:
    """Means of the groups as bars, with their 95 % intervals."""
    import plotly.graph_objects as go

    colours = system_colours(evaluation.systems)
    groups = summary.groups.get(grouping, ())
    labels = [group_label(grouping, group, REPORT_WORDS[language]) for group in groups]
    figure = go.Figure()
    for system in evaluation.systems:
        means = [group_mean(group, system, metric) for group in groups]
        figure.add_bar(
            x=[mean for mean, _, _ in means],
            y=labels,
            name=system,
            orientation="h",
            marker={"color": colours[system]},
            error_x={
                "array": [_or_nothing(high - mean) for mean, _, high in means],
                "arrayminus": [_or_nothing(mean - low) for mean, low, _ in means],
                "color": _TEXT,
                "thickness": 1,
                "width": 3,
            },
            hovertemplate="%{y}<br>%{x:.4g}<extra></extra>",
        )
    figure.update_layout(barmode="group", bargap=0.25)
    figure.update_yaxes(autorange="reversed", type="category")
    height = 100 + len(groups) * (22 * len(evaluation.systems) + 14)
    return _styled(figure, x=with_unit(METRICS[metric]), height=height)


def _or_nothing(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _styled(figure: go.Figure, *, x: str, y: str = "", height: int) -> go.Figure:
    several = len({trace.name for trace in figure.data}) > 1 and figure.data[0].type != "box"
    figure.update_layout(
        template="none",
        height=height,
        font={"family": _FONT, "size": 13, "color": _TEXT},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 8, "r": 12, "t": 34 if several else 10, "b": 8},
        showlegend=several,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "xanchor": "left"},
        hoverlabel={"font": {"family": _FONT}},
        dragmode=False,
    )
    axis = {"gridcolor": _GRID, "zeroline": False, "automargin": True, "fixedrange": True}
    title = {"standoff": 8, "font": {"size": 13}}
    figure.update_xaxes(title=title | {"text": x}, **axis)
    figure.update_yaxes(title=title | {"text": y} if y else None, **axis)
    return figure
