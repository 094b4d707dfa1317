"""Exit codes of all commands; 0 is success."""

import signal

EXIT_SOME_FAILED = 1  # of several files
EXIT_USER_ERROR = 2
EXIT_FAULT = 70  # EX_SOFTWARE of sysexits.h
EXIT_INTERRUPTED = 128 + signal.SIGINT  # as shells report it
EXIT_TERMINATED = 128 + signal.SIGTERM
