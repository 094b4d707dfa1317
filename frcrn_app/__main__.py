"""python -m frcrn_app COMMAND, and the console script `frcrn`."""

import sys

from frcrn_app.cli.main import main
from frcrn_app.memory import keep_freed_memory
from frcrn_app.threads import leave_cores_to_others


def run() -> int:
    """Runs this process's command line; returns its exit code."""
    keep_freed_memory()
    leave_cores_to_others()
    return main()


if __name__ == "__main__":
    sys.exit(run())
