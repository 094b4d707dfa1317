"""Runs quickstart.ipynb and keeps its outputs in it: python examples/run_quickstart.py

Players are kept as their text alone: GitHub shows no others, and audio would fill the file.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "examples" / "quickstart.ipynb"


def executed(project: Path) -> nbformat.NotebookNode:
    """The notebook after its run in a folder that it takes for the project's.

    Args:
        project: an empty folder; what the notebook writes is found there.
    """
    for name in ("frcrn_app", "examples", "weights"):
        (project / name).symlink_to(ROOT / name)
    (project / "notebooks").mkdir()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(
        notebook,
        timeout=600,
        startup_timeout=300,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(project / "notebooks")}},
    ).execute()
    return notebook


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        notebook = executed(Path(folder))
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("text/html", None)
    notebook.metadata.language_info = {"name": "python"}  # of any version
    nbformat.write(notebook, NOTEBOOK)
    return 0


if __name__ == "__main__":
    sys.exit(main())
