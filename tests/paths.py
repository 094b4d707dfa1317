"""Folders that tests read from."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
GOLDEN = ROOT / "tests" / "golden"
PACKAGE = ROOT / "frcrn_app"
