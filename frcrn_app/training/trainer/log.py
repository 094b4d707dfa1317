"""The log of a run, a row for every validation, and its curve."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from frcrn_app.files import atomic_path

COLUMNS = (
    *("step", "loss", "gradient_norm", "rate", "audio_per_second", "hours_heard", "hours"),
    *("skipped", "pesq", "stoi", "si_sdr", "score", "loss_weights"),
)
CURVES = {
    "loss": "Loss",
    "pesq": "PESQ-WB (validation)",
    "stoi": "STOI (validation)",
    "si_sdr": "SI-SDR, dB (validation)",
}


def add_row(log: Path, numbers: Mapping[str, Any]) -> None:
    """Adds a row to a CSV log; rows of the same or later steps, of a run that was killed, go."""
    rows: list[dict[str, Any]] = []
    if log.exists():
        with log.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if int(row["step"]) < numbers["step"]]
    rows.append({name: _short(numbers.get(name, "")) for name in COLUMNS})
    with atomic_path(log) as draft, draft.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def draw_curve(log: Path, picture: Path) -> None:
    """Draws the log's loss and validation scores over the hours of audio, as a PNG."""
    from matplotlib.figure import Figure

    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    figure = Figure(figsize=(9, 5), layout="constrained")
    for ax, (name, title) in zip(figure.subplots(2, 2).flat, CURVES.items(), strict=True):
        points = [(float(row["hours_heard"]), float(row[name])) for row in rows if row[name]]
        if points:
            ax.plot(*zip(*points, strict=True), marker=".", color="#2f6f73")
        ax.set_title(title, fontsize=10)
        ax.set_xlabel("hours of audio", fontsize=9)
        ax.grid(alpha=0.3)
    with atomic_path(picture) as draft:
        figure.savefig(draft, dpi=110)


def _short(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value
