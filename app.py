"""The demo's front door: `python app.py`, then open the address it prints."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING, NoReturn

from frcrn_app.errors import UserError
from frcrn_app.memory import keep_freed_memory, without_collections
from frcrn_app.threads import leave_cores_to_others
from frcrn_app.web.options import WebOptions, is_loopback, parse_options

if TYPE_CHECKING:
    from frcrn_app.web.page import Page

EXIT_USER_ERROR = 2
LONGEST_TEMPORARY = 70  # characters: processes meet at sockets in it, whose paths may have 104
STOP_SECONDS = 9.0  # after the signal, at most: orchestrators kill after ten


class CannotStartError(Exception):
    """The demo cannot be served as asked; the message says why."""


def main() -> int:
    """Serve until Ctrl-C or a container's stop signal; returns the exit code."""
    began = time.perf_counter()
    keep_freed_memory()
    leave_cores_to_others()
    options = parse_options()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    print("Starting the demo ...", flush=True)
    try:
        with without_collections():
            app, address = _started(options)
    except (UserError, CannotStartError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USER_ERROR
    seconds = time.perf_counter() - began
    print(f"The demo is at {address} (started in {seconds:.1f} s); Ctrl-C stops it.", flush=True)
    for folder, listeners, results in app.listening.links(address):
        print(f"Listening test {folder}: {listeners} for listeners, {results} for you.", flush=True)
    stop.wait()
    print("\nStopping ...", flush=True)
    # A thread that waits for a visitor, or a network in a long layer, would hold the process up.
    late = threading.Timer(STOP_SECONDS, _leave)
    late.daemon = True
    late.start()
    from frcrn_app.web.app import close

    close(app)
    return _leave()


def _started(options: WebOptions) -> tuple[Page, str]:
    """The page, which is served, and its address."""
    from frcrn_app.web.app import build_app, launch
    from frcrn_app.web.guard import set_up_logs

    set_up_logs()
    if not options.public and (options.share or not is_loopback(options.host)):
        print(
            f"Warning: others can reach {options.host}, and nothing limits what one of them may "
            "ask for. For strangers, add --public; docs/deployment.md says what it does.",
            file=sys.stderr,
        )
    temporary = tempfile.gettempdir()
    if len(os.fsencode(temporary)) > LONGEST_TEMPORARY:
        raise CannotStartError(
            f"the path of the folder for temporary files is too long: {temporary}; set TMPDIR to a "
            f"folder of at most {LONGEST_TEMPORARY} characters."
        )
    app = build_app(options)
    if (options.weights, options.device, options.precision) != ("auto", "auto", "auto"):
        app.engine.get()  # a wish that cannot be met is said here, not to the first visitor
    try:
        return app, launch(app, options)
    except OSError as error:
        raise CannotStartError(_cannot_serve(options, error)) from error


def _leave() -> NoReturn:
    """End the process now, without a visitor's files and without waiting for any thread."""
    from frcrn_app.scratch import close_all

    for child in multiprocessing.active_children():  # one that is loading has not seen the end yet
        child.terminate()
    close_all()
    sys.stdout.flush()
    os._exit(0)


def _cannot_serve(options: WebOptions, error: OSError) -> str:
    if options.port is not None:
        return (
            f"port {options.port} on {options.host} cannot be used; is something running there? "
            "Choose another with --port."
        )
    return f"no port on {options.host} can be used ({error}); choose one with --port."


if __name__ == "__main__":
    sys.exit(main())
