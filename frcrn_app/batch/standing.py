"""How far a run over many files is."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping


class Standing:
    """Counted by files and seconds of audio; what remains is judged by bytes, known beforehand.

    Args:
        sizes: bytes of each file, by any key; infinite where they are not known.
    """

    def __init__(self, sizes: Mapping[object, float]):
        known = [size for size in sizes.values() if math.isfinite(size)]
        usual = max(1.0, sum(known) / len(known)) if known else 1.0
        self._sizes = {key: size if size < math.inf else usual for key, size in sizes.items()}
        self._total = sum(self._sizes.values())
        self._whole = 0.0  # bytes of files that are done
        self._parts: dict[object, tuple[float, float]] = {}  # bytes and seconds of those under way
        self._seconds = 0.0
        self.files = len(sizes)
        self.files_done = 0
        self.started = time.monotonic()  # when the workers were ready

    def advanced(self, key: object, seconds: float, done: int, parts: int) -> None:
        """Of a recording of so many seconds, some parts are done."""
        share = done / parts
        self._parts[key] = self._sizes[key] * share, seconds * share

    def finished(self, key: object, seconds: float) -> None:
        """A file is done, or given up."""
        self._parts.pop(key, None)
        self._whole += self._sizes[key]
        self._seconds += seconds
        self.files_done += 1

    @property
    def seconds(self) -> float:
        """Of audio, cleaned by now."""
        return self._seconds + sum(seconds for _, seconds in self._parts.values())

    @property
    def fraction(self) -> float:
        """Done of all, 0 to 1."""
        if not self._total:
            return self.files_done / max(self.files, 1)
        return (self._whole + sum(size for size, _ in self._parts.values())) / self._total

    @property
    def elapsed(self) -> float:
        """Seconds since the workers were ready."""
        return time.monotonic() - self.started

    @property
    def speed(self) -> float:
        """Seconds of audio a second."""
        return self.seconds / max(self.elapsed, 1e-9)

    @property
    def remaining(self) -> float | None:
        """Seconds; None before anything is done."""
        return self.elapsed * (1 / self.fraction - 1) if self.fraction else None
