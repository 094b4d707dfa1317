"""How fast a run is."""

import time

from frcrn_app.training.trainer.state import Counters


class Pace:
    """Seconds of audio heard in a second of wall time, since this was made."""

    def __init__(self, counters: Counters):
        self._counters = counters
        self._began, self._heard = time.monotonic(), counters.seconds_heard

    @property
    def audio_per_second(self) -> float:
        """The mean by now."""
        seconds = max(1e-9, time.monotonic() - self._began)
        return (self._counters.seconds_heard - self._heard) / seconds
