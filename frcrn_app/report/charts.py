"""Pictures of scores as SVG text: no library, no script, sharp in print.

Three kinds: how each system's scores are distributed, what a system gains at which input SNR, and
the means of groups. Coordinates are in pixels of a view box of fixed width; text is real text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

# The noisy sound first, then systems; apart in hue and in lightness, also for colour-blind eyes.
COLOURS = ("#c8761a", "#0b7d77", "#4c5fa8", "#a3437a", "#6d7a1e", "#7a5a48", "#2f86b5", "#586866")
INK = "#14211f"
MUTED = "#586866"
LINE = "#dde4e1"

WIDTH = 520
_LEFT, _RIGHT = 52, 12
_DOT_SPREAD = 0.5  # of a band's height, over which dots are spread
MAX_DOTS = 500  # a system; of more files every so many-th is drawn, boxes and lines know them all
_SYMBOLS = ("circle", "square", "triangle", "diamond")


def distribution_chart(
    columns: Mapping[str, np.ndarray], title: str, colours: Mapping[str, str]
) -> str:
    """A band for each system: a dot a file, the middle half as a box, the median as a line.

    Args:
        columns: scores [files] by system; NaN is left out.
    """
    known = {name: values[np.isfinite(values)] for name, values in columns.items()}
    everything = np.concatenate([*known.values(), np.array([])])
    if not everything.size:
        return ""
    band, top = 52, 30
    height = top + band * len(known) + 26
    ticks = nice_ticks(everything.min(), everything.max(), 6)
    x = _scale(ticks[0], ticks[-1], 130, WIDTH - _RIGHT)
    parts = [_text(0, 14, title, weight=600)]
    parts += _vertical_grid(ticks, x, top, top + band * len(known))
    for place, (name, values) in enumerate(known.items()):
        middle = top + band * (place + 0.5)
        colour = colours[name]
        parts.append(_text(122, middle + 4, _short(name, 18), anchor="end", fill=INK))
        if not values.size:
            continue
        dots = _thinned(values)
        offsets = _spread(dots.size) * band * _DOT_SPREAD
        parts += [
            f'<circle cx="{x(value):.1f}" cy="{middle + offset:.1f}" r="2.4" fill="{colour}" '
            'fill-opacity="0.45"/>'
            for value, offset in zip(dots, offsets, strict=True)
        ]
        low, median, high = np.percentile(values, [25, 50, 75])
        parts.append(
            f'<rect x="{x(low):.1f}" y="{middle - 9:.1f}" width="{max(x(high) - x(low), 1):.1f}" '
            f'height="18" rx="3" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        )
        parts.append(
            f'<line x1="{x(median):.1f}" x2="{x(median):.1f}" y1="{middle - 12:.1f}" '
            f'y2="{middle + 12:.1f}" stroke="{colour}" stroke-width="3"/>'
        )
    return _svg(parts, height, f"{title}: {', '.join(known)}")


def gain_chart(
    input_snr: np.ndarray,
    gains: Mapping[str, np.ndarray],
    title: str,
    axis: str,
    colours: Mapping[str, str],
) -> str:
    """Gain over the noisy sound against the input SNR (dB): a dot a file, a line of bin means.

    Args:
        input_snr: [files], dB.
        gains: [files] by system; NaN is left out.
    """
    known = {}
    for name, values in gains.items():
        kept = np.isfinite(values) & np.isfinite(input_snr)
        if kept.any():
            known[name] = (input_snr[kept], values[kept])
    if not known:
        return ""
    height, top, bottom = 300, 48, 252
    snrs = np.concatenate([snr for snr, _ in known.values()])
    values = np.concatenate([gain for _, gain in known.values()])
    x_ticks = nice_ticks(snrs.min(), snrs.max(), 7)
    y_ticks = nice_ticks(min(values.min(), 0.0), max(values.max(), 0.0), 6)
    x = _scale(x_ticks[0], x_ticks[-1], _LEFT, WIDTH - _RIGHT)
    y = _scale(y_ticks[0], y_ticks[-1], bottom, top)
    parts = [_text(0, 14, title, weight=600)]
    parts += _legend(list(known), colours)
    parts += _horizontal_grid(y_ticks, y)
    parts += [
        _text(x(tick), bottom + 16, _number(tick), anchor="middle", size=11) for tick in x_ticks
    ]
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    parts.append(_text(middle, bottom + 36, axis, anchor="middle", size=11))
    for place, (name, (snr, gain)) in enumerate(known.items()):
        colour, symbol = colours[name], _SYMBOLS[place % len(_SYMBOLS)]
        parts += [
            _marker(symbol, x(a), y(b), 2.6, colour, 0.5)
            for a, b in zip(_thinned(snr), _thinned(gain), strict=True)
        ]
        bins = np.floor(snr / 5)
        line = [(x(snr[bins == b].mean()), y(gain[bins == b].mean())) for b in np.unique(bins)]
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in line)
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        parts += [_marker(symbol, a, b, 4.5, colour, 1.0) for a, b in line]
    return _svg(parts, height, f"{title} / {axis}: {', '.join(known)}")


def group_chart(
    labels: Sequence[str],
    means: Mapping[str, Sequence[tuple[float, float, float]]],
    title: str,
    colours: Mapping[str, str],
) -> str:
    """Bars of group means, one a system, with their intervals as whiskers.

    Args:
        labels: of the groups.
        means: by system, (mean, low, high) for each group; NaN leaves a bar or whisker out.
    """
    flat = [value for bars in means.values() for bar in bars for value in bar]
    finite = [value for value in flat if math.isfinite(value)]
    if not finite:
        return ""
    bar = 15
    band = bar * len(means) + 16
    top = 48
    height = top + band * len(labels) + 26
    ticks = nice_ticks(min(*finite, 0.0), max(*finite, 0.0), 6)
    x = _scale(ticks[0], ticks[-1], 130, WIDTH - _RIGHT)
    parts = [_text(0, 14, title, weight=600)]
    parts += _legend(list(means), colours)
    parts += _vertical_grid(ticks, x, top, top + band * len(labels))
    for place, label in enumerate(labels):
        start = top + band * place + 8
        parts.append(
            _text(122, start + bar * len(means) / 2 + 4, _short(label, 18), anchor="end", fill=INK)
        )
        for row, (name, bars) in enumerate(means.items()):
            mean, low, high = bars[place]
            if not math.isfinite(mean):
                continue
            y = start + bar * row
            left, right = sorted((x(0.0), x(mean)))
            parts.append(
                f'<rect x="{left:.1f}" y="{y + 1.5:.1f}" width="{max(right - left, 1):.1f}" '
                f'height="{bar - 3}" rx="2" fill="{colours[name]}"/>'
            )
            if math.isfinite(low) and math.isfinite(high):
                middle = y + bar / 2
                parts.append(
                    f'<path d="M{x(low):.1f} {middle}H{x(high):.1f}M{x(low):.1f} {middle - 3}v6'
                    f'M{x(high):.1f} {middle - 3}v6" stroke="{INK}" stroke-width="1" fill="none"/>'
                )
    return _svg(parts, height, f"{title}: {', '.join(means)}")


def nice_ticks(low: float, high: float, count: int) -> list[float]:
    """About `count` round numbers that enclose a range."""
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / max(count - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * place, 10) for place in range(first, last + 1)]


def _scale(low: float, high: float, start: float, stop: float):
    return lambda value: start + (value - low) / (high - low) * (stop - start)


def _thinned(values: np.ndarray) -> np.ndarray:
    return values[:: math.ceil(values.size / MAX_DOTS)]


def _spread(count: int) -> np.ndarray:
    """Even but unordered offsets in [-0.5, 0.5], always the same: multiples of the golden ratio."""
    return (np.arange(count) * 0.6180339887498949) % 1.0 - 0.5


def _marker(symbol: str, x: float, y: float, r: float, colour: str, opacity: float) -> str:
    style = f'fill="{colour}" fill-opacity="{opacity:g}"'
    if symbol == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" {style}/>'
    shapes = {
        "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
        "triangle": ((0, -1.2), (1.1, 0.9), (-1.1, 0.9)),
        "diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
    }
    points = " ".join(f"{x + r * a:.1f},{y + r * b:.1f}" for a, b in shapes[symbol])
    return f'<polygon points="{points}" {style}/>'


def _vertical_grid(ticks: Sequence[float], x, top: float, bottom: float) -> list[str]:
    parts = []
    for tick in ticks:
        at = x(tick)
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{top}" y2="{bottom}" stroke="{LINE}"/>'
        )
        parts.append(_text(at, bottom + 16, _number(tick), anchor="middle", size=11))
    return parts


def _horizontal_grid(ticks: Sequence[float], y) -> list[str]:
    parts = []
    for tick in ticks:
        at = y(tick)
        colour = MUTED if tick == 0 else LINE
        parts.append(
            f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}" '
            f'stroke="{colour}"/>'
        )
        parts.append(_text(_LEFT - 8, at + 4, _number(tick), anchor="end", size=11))
    return parts


def _legend(names: Sequence[str], colours: Mapping[str, str]) -> list[str]:
    parts, at = [], 0.0
    for place, name in enumerate(names):
        parts.append(_marker(_SYMBOLS[place % len(_SYMBOLS)], at + 6, 29, 4.5, colours[name], 1.0))
        shown = _short(name, 26)
        parts.append(_text(at + 16, 33, shown, size=12))
        at += 30 + 7.2 * len(shown)
    return parts


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    size: int = 13,
    fill: str = MUTED,
    weight: int = 400,
) -> str:
    fill = INK if weight > 400 else fill
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{fill}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _svg(parts: Sequence[str], height: float, label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )
