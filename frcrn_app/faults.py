"""Failures that are nobody's to mend but ours: a short reference, with the trace in the log."""

import errno
import logging
import secrets


def fault_reference(error: BaseException, logger: logging.Logger, where: str = "") -> str:
    """Logs an error with its trace; returns the reference that finds it there again.

    Args:
        error: what was raised.
        logger: of the module that caught it.
        where: what it happened with, for the log alone.
    """
    reference = secrets.token_hex(4)
    logger.error("fault %s%s", reference, f" with {where}" if where else "", exc_info=error)
    return reference


def of_a_full_disk(error: BaseException | None) -> bool:
    """Whether an error, or what it was raised from, says that there is no room on a disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__
    return False
