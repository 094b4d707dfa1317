"""The one place that turns noisy audio into clean: rate, windows, level, device and precision."""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial

import numpy as np
import torch

from frcrn_app.audio import Audio
from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import UserError
from frcrn_app.inference.placement import Placement
from frcrn_app.inference.precision import pick_device, pick_precision
from frcrn_app.inference.request import Job, Order, Progress, Request
from frcrn_app.inference.windows import (
    default_seconds,
    longest_samples,
    window_length,
    window_starts,
)
from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.weights import load_weights


def _nothing() -> None:
    """Nobody waits for anything."""


class Denoiser:
    """FRCRN for audio of any rate, length, level and channel count. Threads may share it.

    Pickled, it is its arguments: whoever unpickles it loads the weights. A process that was forked
    after its parent has cleaned something calculates on one thread.

    Args:
        weights: a name from `weights.list_weights()`, a path, or "auto" for the best present.
        device: "auto" (CUDA where there is one), "cpu", "cuda" or "cuda:N".
        precision: "auto", "float32", "bfloat16" or "float16" (CUDA only). "auto" is bfloat16
            where the hardware computes in it, else float32.
        batch_size: windows that run at once; None: 1 on the CPU, 8 on CUDA.
        window_seconds: of a window at most, and of the longest audio that passes whole; None: audio
            of up to 40 s passes whole, longer in windows of up to 40 s; with the official weights
            up to two minutes pass whole; with others whose attention averages over a whole window,
            up to 20 s, longer in windows of up to 15 s. Memory grows with it, and another length
            gives a slightly different result.
        full_band: whether what lies above 8 kHz, which the network does not process, comes back
            with the gain that the network gave to the top of its own band; without, it is removed.

    Raises:
        UserError: `batch_size` or `window_seconds` is not above 0.
        CheckpointError: the weights are missing, damaged or of another architecture.
        DeviceError: this machine does not have the device or the precision.
    """

    def __init__(
        self,
        weights: str = "auto",
        device: str = "auto",
        precision: str = "auto",
        *,
        batch_size: int | None = None,
        window_seconds: float | None = None,
        full_band: bool = True,
    ):
        self.full_band = full_band
        self._options = {"batch_size": batch_size, "window_seconds": window_seconds}
        for name, value in self._options.items():
            if value is not None and not 0 < value < math.inf:
                raise UserError("inference.not_positive", name=name, value=value)
        loaded = load_weights(weights)
        self.entry = loaded.entry
        self._asked = (loaded.entry.name if weights == "auto" else weights, device, precision)
        device = pick_device(str(device))
        precision = pick_precision(precision, device)
        self.config: FRCRNConfig = loaded.config
        self.sha256 = loaded.sha256
        self.parameters = sum(p.numel() for p in loaded.model.parameters())
        self.batch_size = batch_size or (8 if device.startswith("cuda") else 1)
        self._longest_whole, self._longest_window = (
            longest_samples(window_seconds or default, self.config)
            for default in default_seconds(self.config)
        )
        self._network: FRCRN = loaded.model
        self._moving = threading.Lock()
        self._placement = Placement.of(self._network, device, precision)

    @property
    def device(self) -> str:
        """Where it computes: "cpu" or "cuda:N". It moves to the CPU where a card has no room."""
        return self._placement.device

    @property
    def precision(self) -> str:
        """What it computes in: "float32", "bfloat16" or "float16"."""
        return self._placement.precision

    def __reduce__(self) -> tuple:
        return partial(type(self), **self._options, full_band=self.full_band), self._asked

    def warm_up(self) -> None:
        """Runs a second of silence, so that the first real audio does not pay for set-up."""
        self._enhance_windows(np.zeros((1, SAMPLE_RATE), np.float32))()

    def __call__(
        self,
        audio: Audio,
        strength: float = 1.0,
        progress: Progress | None = None,
        *,
        full_band: bool | None = None,
    ) -> Audio:
        """The audio without its noise; rate, channels, length and level as they came.

        Args:
            audio: each channel is cleaned by itself.
            strength: 0 returns the samples untouched, 1 the network's output, between them a mix.
            progress: called as progress(done, total) after each of the network's layers; what it
                raises ends the call.
            full_band: as of the Denoiser; None: as the Denoiser was made.

        Raises:
            AudioError: there are no samples, or some that are not finite.
            UserError: strength is outside 0 to 1.
        """
        (outcome,) = self.together([Order(audio, strength, progress, full_band)])
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def together(
        self, orders: Sequence[Order | tuple[Audio, float, Progress | None]]
    ) -> list[Audio | BaseException]:
        """Several recordings, each as a call of its own would return it, or what that would raise.

        Windows of one length run as one batch, whosever they are: see `shape`. An error or a
        cancelled recording does not touch the others.

        Args:
            orders: (audio, strength, progress, full_band), as in a call.
        """
        batches = self.batch_by_batch(orders)
        while True:
            try:
                next(batches)
            except StopIteration as end:
                return end.value

    def batch_by_batch(
        self, orders: Sequence[Order | tuple[Audio, float, Progress | None]]
    ) -> Generator[None, None, list[Audio | BaseException]]:
        """As `together`, paused after each batch of windows, so that others can have their turn."""
        named = [each if isinstance(each, Order) else Order(*each) for each in orders]
        under_way = [self.opened(order) for order in named]
        by_length: dict[int, list[Job]] = {}
        for request in under_way:
            by_length.setdefault(request.length, []).extend(request.jobs)
        land = _nothing
        for length, jobs in by_length.items():
            for batch in _batches(jobs, self.batch_size):
                jobs_left = [job for job in batch if job[0].outcome is None]
                # On CUDA a batch only starts here. The one before is put into its recordings while
                # the card computes this one, and always before this one: they overlap.
                before, land = land, self._enhance_batch(jobs_left, length)
                before()
                if self.device == "cpu":  # done already
                    land()
                    land = _nothing
                yield
        land()
        return [request.finished() for request in under_way]

    def opened(self, order: Order) -> Request:
        """A recording for whoever runs its windows, its `jobs`, elsewhere and in any order.

        `enhance` takes what `noisy_window` gives; once all are back, `put` in order and `finished`
        come to what a call returns or raises.
        """
        layers = self._placement.model.layers
        return Request(order, self._window_for, layers, self.config, self.full_band)

    def enhance(self, windows: np.ndarray) -> np.ndarray:
        """Windows [B, samples] of opened recordings, of one length, through the network."""
        return self._enhance_windows(windows)()

    def shape(self, audio: Audio) -> tuple[int, int]:
        """Length in samples at 16 kHz and number of the windows that a recording becomes.

        Recordings whose windows are equally long can share a batch of `batch_size`. Others cannot:
        attention averages over a window, so padding a shorter one would change its result.
        """
        samples = -(-audio.samples.shape[1] * SAMPLE_RATE // audio.sample_rate)
        window = self._window_for(samples)
        return window, len(window_starts(samples, window)) * audio.samples.shape[0]

    def _window_for(self, samples: int) -> int:
        """Length of the windows of so many samples at 16 kHz, at most all of them."""
        return window_length(samples, self._longest_whole, self._longest_window)

    def _enhance_batch(self, batch: list[Job], length: int) -> Callable[[], None]:
        """Starts on windows (request, channel, start) of equal length.

        Returns:
            What hands the results to their requests, or makes an error their outcome.
        """
        if not batch:
            return _nothing
        windows = np.zeros((len(batch), length), np.float32)
        for row, (request, channel, start) in enumerate(batch):
            window = request.noisy_window(channel, start)
            windows[row, : len(window)] = window
        owners = {id(request): request for request, _, _ in batch}.values()

        def on_layer() -> None:
            for request in owners:
                request.layer()
            if all(request.outcome is not None for request in owners):
                raise _AllEnded

        def fail(error: Exception) -> None:
            for request in owners:
                request.outcome = request.outcome or error

        def land() -> None:
            try:
                enhanced = wait()
            except Exception as error:
                return fail(error)
            for row, (request, channel, start) in enumerate(batch):
                request.put(channel, start, enhanced[row])
            for request in owners:
                request.windows_done(sum(owner is request for owner, _, _ in batch))

        try:
            wait = self._enhance_windows(windows, on_layer)
        except _AllEnded:
            return _nothing
        except Exception as error:
            fail(error)
            return _nothing
        return land

    def _enhance_windows(
        self, windows: np.ndarray, on_layer: Callable[[], None] = _nothing
    ) -> Callable[[], np.ndarray]:
        """Windows [B, samples] at the network's level through the network, on what memory allows.

        On CUDA a batch that does not fit is halved for good; a single window that does not fit
        moves the network to the CPU.

        Returns:
            What waits for the result [B, samples].
        """
        while True:
            placement, size = self._placement, self.batch_size
            try:
                waits = [
                    placement.start(piece, on_layer)
                    for piece in np.array_split(windows, -(-len(windows) // size))
                ]
                return lambda waits=waits: np.concatenate([wait() for wait in waits])
            except torch.OutOfMemoryError:
                if placement.device == "cpu":
                    raise
                torch.cuda.empty_cache()
                self._take_less(placement, size)

    def _take_less(self, placement: Placement, size: int) -> None:
        """Smaller batches, or the CPU, after memory ran out with these; another thread may have."""
        with self._moving:
            if placement is not self._placement or size != self.batch_size:
                return
            full = f"Out of memory on {placement.device}"
            if size > 1:
                self.batch_size = size // 2
                warning = f"{full}: going on with {self.batch_size} windows at once."
            else:
                precision = pick_precision("auto", "cpu")
                self._placement = Placement.of(self._network, "cpu", precision)
                warning = f"{full}: going on on the CPU."
        warnings.warn(warning, RuntimeWarning, stacklevel=2)


class _AllEnded(Exception):
    """Every recording of a batch failed or was cancelled."""


def _batches(jobs: list[Job], size: int) -> Iterator[list[Job]]:
    for i in range(0, len(jobs), size):
        yield jobs[i : i + size]
