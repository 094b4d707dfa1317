"""A figure of matplotlib's as SVG that takes its colours and fonts from the page it stands in."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from frcrn_app.report.colours import COLOURS, INK, LINE, MUTED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_VARIABLES = {light: f"var(--system-{place})" for place, (light, _) in enumerate(COLOURS)} | {
    INK: "var(--ink)",
    MUTED: "var(--muted)",  # also the eighth system's on light paper
    LINE: "var(--line)",
}


def svg(figure: Figure, label: str, tips: Mapping[str, Sequence[str]]) -> str:
    """The picture as an SVG element as wide as its place, in the colours and fonts of its page.

    Args:
        figure: its groups of dots have ids.
        label: what it shows, for those who do not see it.
        tips: by id of a group, a text for each dot.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    matplotlib.rcParams["svg.hashsalt"] = label  # ids differ from those of the page's other ones
    text = io.StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the reader's browser has fonts
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None})
    root = ElementTree.fromstring(text.getvalue())
    for name in ("metadata", "defs"):
        for child in root.findall(f"{_SVG}{name}"):
            if child.find(f"{_SVG}clipPath") is None:
                root.remove(child)
    for group in root.iter(f"{_SVG}g"):
        if group.get("id") in tips:
            _tip(group, tips[group.attrib["id"]])
        group.attrib.pop("id", None)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        if element.get("style"):
            element.set("style", _css(element.attrib["style"]))
        if _HREF in element.attrib:
            element.set("href", element.attrib.pop(_HREF))
        for name in ("d", "x", "y", "transform"):
            if name in element.attrib:
                element.set(name, _short_numbers(element.attrib[name]))
        if not (element.text or "").strip():
            element.text = None
        element.tail = None
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("tabindex", "0")  # on a phone it is wider than its place: keys scroll it, too
    root.set("aria-label", label)
    return ElementTree.tostring(root, encoding="unicode")


def _tip(group: ElementTree.Element, tips: Sequence[str]) -> None:
    """Gives each dot of a group its text; what they share in style is said once."""
    dots = list(group.iter(f"{_SVG}use"))
    if len(dots) != len(tips):  # dots without names
        return
    group.set("style", dots[0].attrib["style"])
    for dot, tip in zip(dots, tips, strict=True):
        del dot.attrib["style"]
        ElementTree.SubElement(dot, f"{_SVG}title").text = tip


def _css(style: str) -> str:
    """A style without fonts of its own, its colours as CSS variables."""
    style = re.sub(r"#[0-9a-f]{6}\b", lambda match: _VARIABLES.get(match[0], match[0]), style)
    return ";".join(
        part.strip() for part in style.split(";") if not part.strip().startswith("font-family")
    )


def _short_numbers(text: str) -> str:
    return re.sub(r"(\.\d\d)\d+", r"\1", text).replace("\n", "")
