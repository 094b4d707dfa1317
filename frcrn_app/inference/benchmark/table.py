"""The benchmark's figures as Markdown."""

from collections.abc import Callable


def as_markdown(measured: dict) -> str:
    """The figures as a table, with what they were measured on above it."""
    settings, machine = measured["settings"], measured["machine"]
    place = machine["processor"] if machine["device"] == "cpu" else machine["device"]
    audio = f"{settings['batch']} x {settings['seconds']:g} s of audio"
    header = (
        f"{place}, {machine['threads']} threads, torch {machine['torch']}; weights "
        f"{settings['weights']}: {settings['channels']} channels, {settings['unets']} U-Net(s); "
        f"{audio} a call, median of {settings['repeats']} warm calls."
    )
    columns = {
        "": lambda r: r["name"],
        "precision": lambda r: r["precision"],
        "real-time factor": lambda r: f"{r['real_time_factor']:.4f}",
        "times the reference": lambda r: f"{r['times_reference']:.1f}",
        "load s": lambda r: f"{r['load']:.1f}",
        "first call s": lambda r: f"{r['first']:.2f}",
        "warm call s": lambda r: f"{r['warm']:.3f}",
        "processor s": lambda r: f"{r['processor_seconds']:.3f}",
        "GFLOP/s": lambda r: f"{r['gflops']:.0f}",
        "of matmul peak": lambda r: f"{100 * r['share_of_peak']:.0f} %",
        "loaded MiB": lambda r: f"{r['memory_loaded']:.0f}",
        "above it MiB": lambda r: f"{r['memory_above']:.0f}",
        "difference": lambda r: f"{r['difference']:.0e}",
    }
    rows = [list(columns), ["---"] * len(columns)]
    for result in measured["results"]:
        rows.append([_formatted(text, result) for text in columns.values()])
    kept = [i for i in range(len(columns)) if any(row[i] for row in rows[2:])]
    table = ["| " + " | ".join(row[i] for i in kept) + " |" for row in rows]
    return "\n".join([header, "", *table]) + "\n"


def _formatted(text: Callable[[dict], str], result: dict) -> str:
    try:
        return text(result)
    except TypeError:  # what could not be measured here is None, which no format takes
        return ""
