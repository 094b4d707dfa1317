"""What runs in a worker: the object that it holds, made at the first call."""

from __future__ import annotations

import pickle
import traceback
from typing import Any

from frcrn_app.memory import keep_freed_memory
from frcrn_app.workers.crew import Make, Seat

# What the libraries of arithmetic read when they are loaded.
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


class Held:
    """An object, made by `make`, and its methods by name."""

    def __init__(self, make: Make, seat: Seat):
        self._make, self.seat = make, seat
        self._object: Any = None

    def call(self, method: str, args: tuple) -> Any:
        """Raises what the method raises, with the trace from here among its notes."""
        try:
            if self._object is None:  # here, so that what cannot be made is this call's error
                keep_freed_memory()
                self._object = self._make(self.seat)
            return getattr(self._object, method)(*args)
        except Exception as error:
            raise portable(error) from None


def portable(error: Exception) -> Exception:
    """An error that survives pickling, with its trace as a note."""
    trace = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(repr(error))
    error.add_note(trace)
    return error
