"""How this process gets its memory from the system."""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LARGE = 48 << 20  # bytes of a tensor that is still taken anew, and given back at once
KEPT = 256 << 20  # bytes of freed memory that may be held on to

# Parameters of mallopt, malloc.h of glibc
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


def keep_freed_memory() -> None:
    """Lets the next call have the memory of the last one.

    By default glibc takes every large tensor from the system anew, and the system clears each page
    when it is first touched: up to a tenth of the network's time. The tensors of long sounds are
    left to it: kept in pieces, they would need more than the call itself. For programs to call at
    their start, on behalf of the whole process; elsewhere than on glibc it does nothing.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_ARENA_MAX, 1)  # threads other than the first would have arenas that hold little
    mallopt(_MMAP_THRESHOLD, LARGE)
    mallopt(_TRIM_THRESHOLD, KEPT)


@contextmanager
def without_collections() -> Iterator[None]:
    """Looks for no garbage within, nor ever among what is made there.

    For the start of a server: what it makes stays. Going through it again and again takes a seventh
    of the start, and afterwards every look for garbage would go through all of it, a third of a
    second in which no thread of Python does anything.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def give_back_freed_memory() -> None:
    """Hands freed memory back to the system, what lies between used pieces included.

    For a server that has been idle or has done a large job: held on to, its memory would be that
    of the largest job of its life. Elsewhere than on glibc it does nothing.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
