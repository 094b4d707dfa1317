"""Workers that are killed amid their work, as by a system that is short of memory."""

import os
import signal
from pathlib import Path

from frcrn_app.workers import Make, Seat


class Dying:
    """Does what another worker does, but is killed at the end of each kind of call, once.

    Args:
        make: the other worker.
        markers: folder for files that tell which kinds have been; all workers of a crew share it.
    """

    def __init__(self, make: Make, markers: Path, seat: Seat):
        self._worker, self._markers = make(seat), markers

    def ready(self):
        return self._worker.ready()

    def clean(self, jobs, batch_size):
        return self._once("clean", self._worker.clean(jobs, batch_size))

    def enhance(self, batch):
        return self._once("enhance", self._worker.enhance(batch))

    def finish(self, job, batches, elapsed):
        return self._once("finish", self._worker.finish(job, batches, elapsed))

    def _once(self, method, value):
        try:
            (self._markers / method).touch(exist_ok=False)
        except FileExistsError:
            return value
        os.kill(os.getpid(), signal.SIGKILL)
