"""python -m frcrn_app COMMAND, and the console script `frcrn`."""

import signal
import sys

from frcrn_app.cli.exits import EXIT_INTERRUPTED, EXIT_TERMINATED

TRAINING = {"train", "finetune", "mix"}  # whose processes share a signal as they agreed


def run() -> int:
    """Runs this process's command line; returns its exit code."""
    try:
        from frcrn_app.cli.main import main
        from frcrn_app.memory import keep_freed_memory
        from frcrn_app.threads import leave_cores_to_others

        if not TRAINING & {*sys.argv[1:2]}:
            # A container's first process has no way of ending unless it brings one.
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))
        keep_freed_memory()
        leave_cores_to_others()
        return main()
    except KeyboardInterrupt:  # before there was a command
        print("stopped", file=sys.stderr)
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(run())
