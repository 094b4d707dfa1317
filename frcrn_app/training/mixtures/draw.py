"""Which clip comes next, and an example's worth of one speaker or noise kind."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from frcrn_app.training.corpus import Clip, Corpus
from frcrn_app.training.mixtures.signals import choose, fade_ends, fourier_resampled
from frcrn_app.training.transform import fast_length

Group = tuple[str, str]  # source, and a speaker or noise kind of it


class ClipDraw:
    """Clips by source, then group, then clip: no speaker comes up more for having more files.

    Args:
        corpus: what to read from.
        clips: its speech or its noise.
        source_weights: factors on the share of a source, the root of (hours x groups).
    """

    def __init__(self, corpus: Corpus, clips: Sequence[Clip], source_weights: Mapping[str, float]):
        self._corpus = corpus
        self._clips: dict[Group, list[Clip]] = defaultdict(list)
        by_source: dict[str, dict[Group, None]] = defaultdict(dict)
        seconds: dict[str, float] = defaultdict(float)
        for clip in clips:
            key = (clip.source, clip.group)
            self._clips[key].append(clip)
            by_source[clip.source][key] = None
            seconds[clip.source] += clip.seconds
        self.groups = list(self._clips)
        self._sources = [list(groups) for groups in by_source.values()]
        self._shares = np.cumsum(
            [
                math.sqrt(seconds[source] * len(groups)) * source_weights.get(source, 1.0)
                for source, groups in by_source.items()
            ]
        )

    def group(self, rng: np.random.Generator) -> Group:
        groups = self._sources[choose(rng, self._shares)]
        return groups[rng.integers(len(groups))]

    def other_group(self, rng: np.random.Generator, than: Group | None) -> Group:
        """Any group but one, where there are others."""
        group = self.group(rng)
        while group == than and len(self.groups) > 1:
            group = self.group(rng)
        return group

    def fill(self, rng: np.random.Generator, group: Group, length: int) -> np.ndarray:
        """`length` samples of one group: a stretch of one clip, or short ones with pauses."""
        filled = np.zeros(length, np.float32)
        position = 0
        clip = self._clip(rng, group)
        if clip.frames < length:
            position = int(rng.integers(0, min(length // 4, length - clip.frames) + 1))
        while position < length:
            left = length - position
            offset = int(rng.integers(0, clip.frames - left + 1)) if clip.frames > left else 0
            samples = self._corpus.read(clip, offset, left)
            if position > 0:
                fade_ends(samples, start=True, end=len(samples) < left)
            filled[position : position + len(samples)] = samples
            position += len(samples) + int(rng.integers(800, 8000))  # pauses of 50 to 500 ms
            clip = self._clip(rng, group)
        return filled

    def stretched(
        self,
        rng: np.random.Generator,
        group: Group,
        length: int,
        probability: float,
        speeds: tuple[float, float],
    ) -> np.ndarray:
        """`length` samples of one group, with some probability played at another speed."""
        if rng.random() >= probability:
            return self.fill(rng, group, length)
        read = fast_length(round(length * rng.uniform(*speeds)))
        return fourier_resampled(self.fill(rng, group, read), length)

    def _clip(self, rng: np.random.Generator, group: Group) -> Clip:
        clips = self._clips[group]
        return clips[rng.integers(len(clips))]
