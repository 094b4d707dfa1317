"""One recording on its way through a Denoiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from frcrn_app.audio import Audio, require_samples, resample
from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import AudioError, Cancelled, UserError
from frcrn_app.inference.band import restore_band
from frcrn_app.inference.windows import cross_fade, window_starts
from frcrn_app.model import FRCRNConfig, normalisation_gain
from frcrn_app.model.level import filtered

# A file's first and last frame stand alone, and their synthesis divides by a window that is next to
# zero: what the mask leaves there becomes a click of some samples. They are faded instead.
EDGE = 20  # samples: there the squared window has reached a hundredth

# A recording of fewer samples than channels has so many of these at most.
MOST_CHANNELS = 64

Progress = Callable[[int, int], None]
Job = tuple["Request", int, int]  # channel and start of a window


class Order(NamedTuple):
    """A recording to be cleaned, and how; as the arguments of a call of `Denoiser`."""

    audio: Audio
    strength: float = 1.0
    progress: Progress | None = None
    full_band: bool | None = None


class Request:
    """A recording under way: its windows, what came of them, and its progress in layers.

    A layer of several windows at once counts once, until these are finished. What goes wrong with
    the recording, its own progress callback included, is its outcome.

    Args:
        order: the recording, and how it is cleaned.
        window_for: length of the windows of a recording of so many samples at 16 kHz.
        layers: of the network.
        config: of the network.
        full_band: whether what lies above 8 kHz comes back where the order does not say; see
            `band`.
    """

    def __init__(
        self,
        order: Order,
        window_for: Callable[[int], int],
        layers: int,
        config: FRCRNConfig,
        full_band: bool,
    ):
        if not isinstance(order.audio, Audio):
            kind = type(order.audio).__name__
            raise AudioError("inference.not_audio", type=kind)
        self.audio, self.strength = order.audio, order.strength
        self.outcome: Audio | BaseException | None = None
        self.jobs: list[Job] = []
        self.length = self._done = self._layer = self._total = 0
        self._progress, self._layers, self._config = order.progress, layers, config
        wanted = full_band if order.full_band is None else order.full_band
        self._full_band = wanted and order.audio.sample_rate > SAMPLE_RATE
        self._attempt(self._begin, window_for)

    def noisy_window(self, channel: int, start: int) -> np.ndarray:
        """A window at the network's level, [samples], shorter where the recording ends."""
        noisy = torch.from_numpy(self._noisy[channel])[None]
        window = filtered(noisy, self._config, start, start + self.length)[0].numpy()
        return window * self._gains[channel]

    def put(self, channel: int, start: int, enhanced: np.ndarray) -> None:
        """Takes a window [samples] back from the network."""
        cross_fade(self._enhanced[channel], enhanced / self._gains[channel], start)

    def layer(self) -> None:
        """A layer of one of its windows is done."""
        # A batch that ran out of memory starts anew, and its layers with it.
        self._layer = min(self._layer + 1, self._layers - 1)
        self._attempt(self._report)

    def windows_done(self, windows: int) -> None:
        """So many of its windows are done."""
        self._done += windows * self._layers
        self._layer = 0
        self._attempt(self._report)

    def finished(self) -> Audio | BaseException:
        """The outcome, once every window is done."""
        self._attempt(self._finish)
        assert self.outcome is not None
        return self.outcome

    def _attempt(self, work: Callable[..., None], *arguments: object) -> None:
        if self.outcome is None:
            try:
                work(*arguments)
            except BaseException as error:
                # The frames of a traceback hold this request, which would then hold them, and with
                # them the network's tensors. Of who gave up, nobody asks where.
                trace = None if isinstance(error, Cancelled) else error.__traceback__
                self.outcome, self.jobs = error.with_traceback(trace), []

    def _begin(self, window_for: Callable[[int], int]) -> None:
        if not 0 <= self.strength <= 1:
            raise UserError("inference.strength", strength=self.strength)
        require_samples(self.audio)
        _require_channels_first(self.audio)
        if self.strength == 0:
            self.outcome = self.audio
            return
        noisy = resample(self.audio.samples, self.audio.sample_rate, SAMPLE_RATE)
        self._noisy = np.ascontiguousarray(noisy)  # torch takes no negative strides
        self._enhanced = np.zeros_like(self._noisy)
        channels, samples = self._noisy.shape
        # A causal network brings audio to its level by itself.
        self._gains = np.ones((channels, 1), np.float32)
        if not self._config.causal:
            self._gains = normalisation_gain(torch.from_numpy(self._noisy), self._config).numpy()
        self.length = window_for(samples)
        starts = window_starts(samples, self.length)
        self.jobs = [(self, channel, start) for channel in range(channels) for start in starts]
        self._total = self._layers * len(self.jobs)
        self._report()

    def _report(self) -> None:
        if self._progress is not None:
            self._progress(self._done + self._layer, self._total)

    def _finish(self) -> None:
        if not self._config.causal:  # whose first and last frame do not stand alone
            self._fade_ends()
        self.jobs = []  # they hold this request, as it holds them
        original, sample_rate = self.audio.samples, self.audio.sample_rate
        enhanced = resample(self._enhanced, SAMPLE_RATE, sample_rate)
        enhanced = _with_length(enhanced, original.shape[1])
        if self._full_band:
            restore_band(enhanced, original, sample_rate, self._noisy, self._enhanced)
        del self._noisy
        if self.strength < 1:
            enhanced *= np.float32(self.strength)
            enhanced += np.float32(1 - self.strength) * original
        self.outcome = self.audio.with_samples(enhanced)

    def _fade_ends(self) -> None:
        samples = self._enhanced.shape[1]
        edge = min(EDGE, samples // 2)
        ramp = (np.arange(edge, dtype=np.float32) / EDGE) ** 2
        self._enhanced[:, :edge] *= ramp
        self._enhanced[:, samples - edge :] *= ramp[::-1]


def _with_length(samples: np.ndarray, length: int) -> np.ndarray:
    """[C, N] cut or padded with zeros to [C, length]: resampling there and back may add a few."""
    if samples.shape[1] >= length:
        return samples[:, :length]
    return np.pad(samples, ((0, 0), (0, length - samples.shape[1])))


def _require_channels_first(audio: Audio) -> None:
    """Other libraries have [samples, channels], of which each sample would be a recording."""
    channels, samples = audio.samples.shape
    if channels > max(samples, MOST_CHANNELS):
        raise AudioError("inference.transposed", shape=audio.samples.shape)
