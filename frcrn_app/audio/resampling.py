"""Sample rates, by FFmpeg's resampler with a long filter.

soxr was tried: its best setting is flat to .913 of the band only, which loses 7.3 to 8 kHz of what
goes to 16 kHz and back, and places 44.1 kHz by a ten-thousandth of a sample beside its place.
"""

import math
from collections.abc import Iterator

import numpy as np

# A Kaiser window of 128 zero crossings a side with -100 dB stop band (beta from Kaiser's formula,
# 0.1102 * (100 - 8.7)) needs 5 % of the lower Nyquist frequency to fall: flat up to 0.95 of it,
# nothing above it folds back.
_ZERO_CROSSINGS = 128
_CUTOFF = 0.975  # of the lower Nyquist frequency
_KAISER_BETA = 10.06

_CHUNK_SAMPLES = 1 << 18


class Resampler:
    """One channel from one rate to another, in blocks of any size.

    Args:
        orig_rate, new_rate: Hz.
    """

    def __init__(self, orig_rate: int, new_rate: int):
        import av.filter

        self.orig_rate, self.new_rate = orig_rate, new_rate
        self._graph = av.filter.Graph()
        self._source = self._graph.add_abuffer(
            sample_rate=orig_rate, format="fltp", layout="mono", time_base=_time_base(orig_rate)
        )
        options = (
            f"{new_rate}:filter_size={2 * _ZERO_CROSSINGS}:cutoff={_CUTOFF}:filter_type=kaiser"
            f":kaiser_beta={_KAISER_BETA}:exact_rational=1"
        )
        resampling = self._graph.add("aresample", options)
        self._sink = self._graph.add("abuffersink")
        self._source.link_to(resampling)
        resampling.link_to(self._sink)
        self._graph.configure()
        self._pushed = 0

    @property
    def reach(self) -> int:
        """Samples at the original rate that the filter looks ahead."""
        ratio = max(1.0, self.orig_rate / self.new_rate)
        return math.ceil(_ZERO_CROSSINGS / _CUTOFF * ratio) + 1

    def push(self, samples: np.ndarray) -> np.ndarray:
        """float32 `[samples]` in, what can be told by now out; the rest waits inside."""
        import av
        import av.error

        if samples.size:
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples, dtype=np.float32)[None], format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = self.orig_rate, self._pushed
            self._pushed += samples.size
            self._source.push(frame)
        blocks = list(self._pulled())
        return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)

    def _pulled(self) -> Iterator[np.ndarray]:
        import av
        import av.error

        while True:
            try:
                frame = self._sink.pull()
                assert isinstance(frame, av.AudioFrame)
                yield frame.to_ndarray()[0]
            except (av.error.BlockingIOError, av.error.EOFError):
                return


def resample(samples: np.ndarray, orig_rate: int, new_rate: int) -> np.ndarray:
    """Resample channels at any pair of rates.

    The input passes in chunks through one filter, so that nothing but the output grows with its
    length, and the output is the whole's.

    Args:
        samples: floats `[channels, samples]` (or any leading dimensions).
        orig_rate, new_rate: Hz.

    Returns:
        float32 `[channels, ceil(samples * new_rate / orig_rate)]`; the input itself where the
        rates are the same.
    """
    samples = np.asarray(samples, dtype=np.float32)
    if orig_rate == new_rate:
        return samples
    leading, length = samples.shape[:-1], samples.shape[-1]
    target = -(-length * new_rate // orig_rate)
    resampled = np.zeros((math.prod(leading), target), dtype=np.float32)
    for row, out in zip(samples.reshape(len(resampled), length), resampled, strict=True):
        if target:
            _resample_row(row, out, Resampler(orig_rate, new_rate))
    return resampled.reshape(*leading, target)


def _resample_row(row: np.ndarray, out: np.ndarray, resampler: Resampler) -> None:
    done, following = 0, np.zeros(2 * resampler.reach, np.float32)
    for start in range(0, row.size, _CHUNK_SAMPLES):
        block = resampler.push(row[start : start + _CHUNK_SAMPLES])
        out[done : done + block.size] = block[: out.size - done]
        done += block.size
    while done < out.size:  # the end comes out as silence follows it
        block = resampler.push(following)
        out[done : done + block.size] = block[: out.size - done]
        done += block.size


def _time_base(rate: int):
    from fractions import Fraction

    return Fraction(1, rate)
