"""Pictures of scores as SVG, drawn by matplotlib: the same ones in the report and on the page.

SVG is a few kilobytes, needs no script, prints sharply, and takes its colours from the CSS of the
page it stands in, so that it follows dark mode. Text stays text: any script is drawn in the
reader's own fonts, and a dot tells its file's name when it is pointed at.

Three kinds: how each system's scores are distributed, what a system gains at which input SNR, and
the means of groups.
"""

from __future__ import annotations

import functools
import math
import threading
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from frcrn_app.report.colours import COLOURS, INK, LINE, MUTED
from frcrn_app.report.svg import svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 520  # of every picture, in CSS pixels
MAX_DOTS = 500  # a system; of more files every so many-th is drawn, boxes and lines know them all
_PIXELS_PER_INCH = 72  # of matplotlib's SVG
_DOT_SPREAD = 0.5  # of a band's height, over which dots are spread
_SYMBOLS = ("o", "s", "^", "D", "P", "*")
_LONGEST_NAME = 20  # characters of a label

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text, not outlines
    "text.parse_math": False,  # a name may hold dollar signs
    "grid.color": LINE,
    "grid.linewidth": 1.0,
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "axes.labelsize": 11,
    "axes.labelcolor": MUTED,
    "axes.axisbelow": True,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.major.pad": 6,
    "ytick.major.pad": 8,
    "legend.frameon": False,
    "legend.fontsize": 12,
    "legend.labelcolor": MUTED,
    "legend.borderpad": 0.2,
    "legend.handlelength": 1.4,
    "legend.columnspacing": 1.4,
}
_one_at_a_time = threading.Lock()  # matplotlib's settings are those of the whole process


def _styled(draw: Callable[..., str]) -> Callable[..., str]:
    """A drawing function that runs with `_STYLE`, one at a time."""

    @functools.wraps(draw)
    def styled(*args, **kwargs) -> str:
        import matplotlib

        with _one_at_a_time, matplotlib.rc_context(_STYLE):
            return draw(*args, **kwargs)

    return styled


@_styled
def distribution_chart(
    columns: Mapping[str, np.ndarray], title: str, names: Sequence[str] | None = None
) -> str:
    """A band for each system: a dot a file, the middle half as a box, the median as a line.

    Args:
        columns: scores [files] by system, the noisy recording first; NaN is left out.
        title: with the unit.
        names: of the files.
    """
    if not any(np.isfinite(values).any() for values in columns.values()):
        return ""
    figure, axes = _figure(52 * len(columns) + 62, left=_label_width(columns), top=34)
    tips = {}
    for place, values in enumerate(columns.values()):
        colour = COLOURS[place % len(COLOURS)][0]
        known = np.flatnonzero(np.isfinite(values))
        if not known.size:
            continue
        dots = _thinned(known)
        heights = place + _spread(dots.size) * _DOT_SPREAD
        _dots(axes, values[dots], heights, colour, "o", f"dots-{place}")
        tips[f"dots-{place}"] = _tips(names, dots, values)
        low, median, high = np.percentile(values[known], [25, 50, 75])
        axes.barh(place, high - low, 0.34, low, fill=False, edgecolor=colour, linewidth=1.5)
        axes.vlines(median, place - 0.23, place + 0.23, color=colour, linewidth=3)
    _named_bands(axes, list(columns))
    _title(axes, title)
    return svg(figure, f"{title}: {', '.join(columns)}", tips)


@_styled
def gain_chart(
    input_snr: np.ndarray,
    gains: Mapping[str, np.ndarray],
    bin_width: float,
    *,
    title: str,
    axis: str,
    note: str,
    names: Sequence[str] | None = None,
) -> str:
    """Gain over the noisy recording against the input SNR: a dot a file, a line of bin means.

    Args:
        input_snr: [files], dB.
        gains: [files] by system, without the noisy recording; NaN is left out.
        bin_width: dB; each mean tells how many files it rests on.
        title: with the unit.
        axis: title of the horizontal axis.
        note: what the lines and their numbers are.
        names: of the files.
    """
    known = {name: np.isfinite(values) & np.isfinite(input_snr) for name, values in gains.items()}
    if not any(mask.any() for mask in known.values()):
        return ""
    legend = _legend_height(gains)
    figure, axes = _figure(312 + legend, left=48, top=36 + legend, bottom=58)
    axes.axhline(0, color=MUTED, linewidth=1)
    tips = {}
    counts: dict[float, tuple[float, int]] = {}
    for place, (name, values) in enumerate(gains.items()):
        colour, symbol = COLOURS[(place + 1) % len(COLOURS)][0], _SYMBOLS[place % len(_SYMBOLS)]
        mask = known[name]
        dots = _thinned(np.flatnonzero(mask))
        _dots(axes, input_snr[dots], values[dots], colour, symbol, f"dots-{place}")
        tips[f"dots-{place}"] = _tips(names, dots, values)
        bins = np.floor(input_snr[mask] / bin_width)
        inside = [bins == b for b in np.unique(bins)]
        x = [float(input_snr[mask][part].mean()) for part in inside]
        y = [float(values[mask][part].mean()) for part in inside]
        axes.plot(x, y, color=colour, marker=symbol, markersize=7, linewidth=2, label=_short(name))
        for b, part, at in zip(np.unique(bins), inside, x, strict=True):
            counts.setdefault(float(b), (at, int(part.sum())))
    for at, count in counts.values():
        axes.annotate(
            f"n = {count}", (at, 0), xycoords=("data", "axes fraction"), xytext=(0, 4),
            textcoords="offset pixels", ha="center", fontsize=10, color=MUTED,
        )  # fmt: skip
    axes.margins(y=0.14)
    axes.set_xlabel(f"{axis} · {note}" if len(axis) + len(note) < 90 else axis)
    axes.grid(axis="y")
    _title(axes, title, pad=12 + legend)
    _legend(axes)
    return svg(figure, f"{title} / {axis}: {', '.join(gains)}", tips)


@_styled
def group_chart(
    labels: Sequence[str],
    means: Mapping[str, Sequence[tuple[float, float, float]]],
    title: str,
) -> str:
    """Bars of group means, one a system, with their intervals as whiskers.

    Args:
        labels: of the groups, with their number of files.
        means: by system, the noisy recording first, (mean, low, high) for each group; NaN leaves
            a bar or a whisker out.
        title: with the unit.
    """
    everything = np.array([means[name] for name in means], dtype=float)
    if not np.isfinite(everything[..., 0]).any():
        return ""
    bar = 0.78 / len(means)
    legend = _legend_height(means)
    height = len(labels) * (15 * len(means) + 16) + 70 + legend
    figure, axes = _figure(height, left=_label_width(labels), top=36 + legend)
    places = np.arange(len(labels))
    for row, name in enumerate(means):
        mean, low, high = everything[row].T
        at = places + (row - (len(means) - 1) / 2) * bar
        colour = COLOURS[row % len(COLOURS)][0]
        axes.barh(at, np.nan_to_num(mean), bar * 0.84, color=colour, label=_short(name))
        axes.hlines(at, low, high, color=INK, linewidth=1)
        axes.plot(low, at, "|", high, at, "|", color=INK, markersize=5, markeredgewidth=1)
    _named_bands(axes, labels)
    _title(axes, title, pad=12 + legend)
    _legend(axes)
    return svg(figure, f"{title}: {', '.join(means)}", {})


def _figure(height: float, *, left: float, top: float, bottom: float = 28) -> tuple[Figure, Axes]:
    """An empty picture and its axes; margins in pixels."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(WIDTH / _PIXELS_PER_INCH, height / _PIXELS_PER_INCH), facecolor="none")
    axes = figure.add_axes(
        (left / WIDTH, bottom / height, 1 - (left + 12) / WIDTH, 1 - (top + bottom) / height),
        facecolor="none",
    )
    axes.spines[:].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    return figure, axes


def _title(axes: Axes, title: str, *, pad: float = 10) -> None:
    """A title at the picture's left edge."""
    axes.set_title(title, loc="left", x=-axes.bbox.x0 / axes.bbox.width, pad=pad)


def _named_bands(axes: Axes, names: Sequence[str]) -> None:
    """A name at each of the places 0, 1, ... from the top, and vertical lines at the ticks."""
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), [_short(name) for name in names], fontsize=12, color=INK)
    axes.grid(axis="x")


def _dots(axes: Axes, x: np.ndarray, y: np.ndarray, colour: str, symbol: str, gid: str) -> None:
    axes.plot(
        x, y, symbol, gid=gid, color=colour, alpha=0.45, markersize=5, markeredgewidth=0,
    )  # fmt: skip


def _legend(axes: Axes) -> None:
    names = axes.get_legend_handles_labels()[1]
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-axes.bbox.x0 / axes.bbox.width, 1.0),
        ncols=_legend_columns(names),
    )


def _legend_columns(names: Iterable[str]) -> int:
    return 3 if max(len(_short(name)) for name in names) < 16 else 2


def _legend_height(names: Collection[str]) -> float:
    """Pixels of a legend of those names."""
    return 18.0 * math.ceil(len(names) / _legend_columns(names))


def _thinned(places: np.ndarray) -> np.ndarray:
    return places[:: math.ceil(places.size / MAX_DOTS)]


def _spread(count: int) -> np.ndarray:
    """Even but unordered offsets in [-0.5, 0.5], always the same: multiples of the golden ratio."""
    return (np.arange(count) * 0.6180339887498949) % 1.0 - 0.5


def _tips(names: Sequence[str] | None, places: np.ndarray, values: np.ndarray) -> list[str]:
    return [f"{names[place]}: {values[place]:.4g}" for place in places] if names else []


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _label_width(labels: Sequence[str] | Mapping[str, object]) -> float:
    """Pixels that the longest label takes at 12 px; matplotlib has no Chinese font to measure."""
    wide = ("W", "F")
    widths = [
        sum(12.0 if unicodedata.east_asian_width(c) in wide else 6.9 for c in _short(label))
        for label in labels
    ]
    return max(60.0, *widths) + 12
