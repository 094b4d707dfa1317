"""The colours of systems, which pictures, tables and players share, and those of ink and paper."""

from collections.abc import Sequence

# Of the noisy recording first, then of systems, on light and on dark paper; apart in hue and in
# lightness, also for colour-blind eyes.
COLOURS = (
    ("#b3640f", "#e59a4a"),
    ("#0b7d77", "#3dbdae"),
    ("#4c5fa8", "#93a4ea"),
    ("#a3437a", "#dd86b6"),
    ("#6d7a1e", "#b4c257"),
    ("#7a5a48", "#c39a83"),
    ("#2f86b5", "#74bde6"),
    ("#586866", "#9caeab"),
)
INK, MUTED, LINE = "#14211f", "#586866", "#dde4e1"  # what CSS calls --ink, --muted, --line


def system_colours(systems: Sequence[str]) -> dict[str, str]:
    """A CSS colour for each system, the noisy recording's first; see `colour_css`."""
    return {name: f"var(--system-{i % len(COLOURS)})" for i, name in enumerate(systems)}


def colour_css(selector: str, *, dark: bool = False) -> str:
    """A CSS rule that defines the systems' colours for what `selector` selects."""
    colours = "".join(f"--system-{i}:{pair[dark]};" for i, pair in enumerate(COLOURS))
    return f"{selector}{{{colours}}}"
