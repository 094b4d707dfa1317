"""`frcrn COMMAND` or `python -m frcrn_app COMMAND`: finds the command, runs it, words its failures.

Exit codes: 0 done, 1 some files failed, 2 a wrong option or input, 70 a fault of the program,
130 stopped with Ctrl-C, 143 by SIGTERM.
"""

import argparse
import importlib
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from frcrn_app.cli.exits import EXIT_FAULT, EXIT_INTERRUPTED, EXIT_USER_ERROR
from frcrn_app.errors import Cancelled, UserError
from frcrn_app.faults import fault_reference
from frcrn_app.version import __version__

COMMANDS = (
    "denoise",
    "evaluate",
    "compare",
    "listen",
    "train",
    "finetune",
    "mix",
    "weights",
    "benchmark",
    "export",
    "live",
)

# The extras of the package without which these do nothing.
EXTRAS = {
    "evaluate": "eval",
    "compare": "eval",
    "listen": "eval",
    "train": "train",
    "finetune": "train",
    "mix": "train",
}

logger = logging.getLogger(__name__)


def build_parser(names: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """The parser of the given commands; only their modules are imported."""
    program = "frcrn" if Path(sys.argv[0]).stem == "frcrn" else "python -m frcrn_app"
    parser = argparse.ArgumentParser(
        prog=program,
        description="Removes noise from speech recordings with the FRCRN network.",
        epilog=f"{program} COMMAND --help tells about one command. "
        "The demo in the browser is python app.py.",
    )
    parser.add_argument("--version", action="version", version=f"frcrn_app {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in names:
        command = importlib.import_module(f"frcrn_app.cli.{name}")
        subparser = subparsers.add_parser(name, help=command.HELP, description=command.HELP)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line (default: this process's own) and returns its exit code."""
    argv = list(sys.argv[1:] if argv is None else argv)
    named = argv[:1] if argv and argv[0] in COMMANDS else COMMANDS
    args = build_parser(named).parse_args(argv)
    args.words = argv[argv.index(args.command) + 1 :]
    log_path = _configure_logging()
    try:
        code = args.run(args)
        if log_path.exists():
            print(f"the trace of each fault of the program is in {log_path}", file=sys.stderr)
        sys.stdout.flush()  # here, where a reader that has gone is no fault
        return code
    except UserError as error:
        return _wrong(error)
    except (KeyboardInterrupt, Cancelled):
        print("stopped", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe, such as head, has gone. Python would raise once more when it
        # flushes at exit, so standard output is pointed elsewhere first.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if (extra := EXTRAS.get(args.command)) and _is_missing(error):
            name = f"frcrn {args.command}"
            return _wrong(UserError("fault.extra_missing", name=name, extra=extra))
        reference = fault_reference(error, logger)
        print(
            f"error: a fault of the program, reference {reference}; please report it with the "
            f"trace in {log_path}",
            file=sys.stderr,
        )
        return EXIT_FAULT


def _wrong(error: UserError) -> int:
    print(f"error: {error.sentence('en')}", file=sys.stderr)
    return EXIT_USER_ERROR


def _is_missing(error: Exception) -> bool:
    """Whether a package is not installed that the core does without."""
    missing = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0]
    return bool(missing) and missing != "frcrn_app"


class _OneLine(logging.Formatter):
    """Level and message alone: the trace belongs into the log file."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{record.levelname.lower()}: {record.getMessage()}"


class _Screen(logging.Handler):
    """Stderr as it is when something is logged: who calls main() from Python may have closed the
    one of then.
    """

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), file=sys.stderr)
        except Exception:
            self.handleError(record)


def _configure_logging() -> Path:
    """Warnings go to stderr in one line, errors with their trace to a file made when needed."""
    log_path = Path(tempfile.gettempdir(), f"frcrn_app-{os.getpid()}.log")
    trace = logging.FileHandler(log_path, delay=True, encoding="utf-8")
    trace.setLevel(logging.ERROR)
    trace.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    screen = _Screen()
    screen.setLevel(logging.WARNING)
    screen.addFilter(lambda record: record.levelno < logging.ERROR)
    screen.setFormatter(_OneLine())
    # Only this package's logger: the root belongs to whoever calls main() from Python.
    logging.getLogger("frcrn_app").handlers[:] = [trace, screen]
    return log_path
