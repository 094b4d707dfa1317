"""The one place that turns noisy sound into clean: rate, windows, level, device and precision."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from frcrn_app.audio import Audio, require_sound, resample
from frcrn_app.errors import DeviceError, UserError
from frcrn_app.inference.fused import fuse
from frcrn_app.inference.graphs import GraphedNetwork
from frcrn_app.model import FRCRN, SAMPLE_RATE, FRCRNConfig
from frcrn_app.model.level import heard, normalisation_gain
from frcrn_app.weights import load_weights

log = logging.getLogger(__name__)

# The released pipelines pass up to 120 s at once, which costs the embedded network a gigabyte.
# Longer sounds, which themselves take room, go in shorter windows.
WHOLE_SECONDS, WINDOW_SECONDS = 120.0, 40.0
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
OVERLAP = 2 * SAMPLE_RATE  # samples that neighbouring windows share
# Within the overlap the second window's memory (39 frames, 0.8 s) fills up before it is heard,
# and the first is left before it runs out of following frames.
FADE_START = SAMPLE_RATE  # samples after the second window's start
FADE = SAMPLE_RATE // 2  # samples

# A file's first and last frame stand alone, and their synthesis divides by a window that is next to
# zero: what the mask leaves there becomes a click of some samples. They are faded instead.
EDGE = 20  # samples: there the squared window has reached a hundredth

Progress = Callable[[int, int], None]


def _nothing() -> None:
    """Nobody waits for anything."""


class Denoiser:
    """FRCRN for sounds of any rate, length, level and channel count.

    Args:
        weights: a name from `checkpoints.list_weights()`, a path, or "auto" for the best present.
        device: "auto" (CUDA where there is one), "cpu", "cuda" or "cuda:N".
        precision: "auto", "float32", "bfloat16" or "float16" (CUDA only). "auto" is bfloat16
            where the hardware computes in it, else float32.
        batch_size: windows that run at once; None: 1 on the CPU, 8 on CUDA.
        window_seconds: length of a window, and of the longest sound that passes whole; None: sounds
            of up to two minutes pass whole, longer ones in windows of 40 s. Attention averages over
            a window, so another length sounds slightly different; memory grows with it.

    Raises:
        CheckpointError: the weights are missing, damaged or of another architecture.
        DeviceError: the device or the precision is not to be had here.
    """

    def __init__(
        self,
        weights: str = "auto",
        device: str = "auto",
        precision: str = "auto",
        *,
        batch_size: int | None = None,
        window_seconds: float | None = None,
    ):
        self.device = pick_device(device)
        self.precision = _pick_precision(precision, self.device)
        loaded = load_weights(weights)
        self.entry = loaded.entry
        self.config: FRCRNConfig = loaded.config
        self.sha256 = loaded.sha256
        self.parameters = sum(p.numel() for p in loaded.model.parameters())
        self.batch_size = batch_size or (8 if self.device.startswith("cuda") else 1)
        self._longest_whole, self._window = (
            _whole_hops(max((window_seconds or default) * SAMPLE_RATE, 2 * OVERLAP), self.config)
            for default in (WHOLE_SECONDS, WINDOW_SECONDS)
        )
        self._network: FRCRN = loaded.model
        self._move(self.device, self.precision)

    def _move(self, device: str, precision: str) -> None:
        """Builds the network's inference form for a device and precision."""
        self.device, self.precision = device, precision
        self._model = fuse(self._network.to(device), getattr(torch, precision))
        self._compute = self._model if device == "cpu" else GraphedNetwork(self._model)

    def warm_up(self) -> None:
        """Runs a second of silence, so that the first real sound does not pay for set-up."""
        self._enhance_windows(np.zeros((1, SAMPLE_RATE), np.float32))()

    def __call__(
        self, audio: Audio, strength: float = 1.0, progress: Progress | None = None
    ) -> Audio:
        """The sound without its noise; rate, channels, length and level as they came.

        Args:
            audio: each channel is cleaned by itself.
            strength: 0 returns the samples untouched, 1 the network's output, between them a mix.
            progress: called as progress(done, total) after each of the network's layers; what it
                raises ends the call.

        Sounds of more than 16 kHz lose what lies above 8 kHz as far as `strength` says: the
        network does not hear it.

        Raises:
            AudioError: the sound is empty or has samples that are not finite.
            UserError: strength is outside 0 to 1.
        """
        (outcome,) = self.together([(audio, strength, progress)])
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def together(
        self, requests: Sequence[tuple[Audio, float, Progress | None]]
    ) -> list[Audio | BaseException]:
        """Several sounds, each as a call of its own would return it, or what that would raise.

        Windows of one length run as one batch, whosever they are: see `shape`. An error or a
        cancelled sound does not touch the others.

        Args:
            requests: (audio, strength, progress), as in a call.
        """
        sounds = [
            _Sound(*request, self._window_for, self._model.layers, self.config.inputs)
            for request in requests
        ]
        by_length: dict[int, list[tuple[_Sound, int, int]]] = {}
        for sound in sounds:
            by_length.setdefault(sound.length, []).extend(sound.jobs)
        land = _nothing
        for length, jobs in by_length.items():
            for batch in _chunks(jobs, self.batch_size):
                jobs_left = [job for job in batch if job[0].outcome is None]
                # On CUDA a batch only starts here. The one before is put into its sounds while
                # the card computes this one, and always before this one: they overlap.
                before, land = land, self._enhance_batch(jobs_left, length)
                before()
                if self.device == "cpu":  # done already
                    land()
                    land = _nothing
        land()
        return [sound.finished() for sound in sounds]

    def shape(self, audio: Audio) -> tuple[int, int]:
        """Length in samples at 16 kHz and number of the windows that a sound becomes.

        Sounds whose windows are equally long can share a batch of `batch_size`. Others cannot:
        attention averages over a window, so padding a shorter one would change its sound.
        """
        samples = -(-audio.samples.shape[1] * SAMPLE_RATE // audio.sample_rate)
        window = self._window_for(samples)
        return window, len(window_starts(samples, window)) * audio.samples.shape[0]

    def _window_for(self, samples: int) -> int:
        """Length of the windows of a sound of so many samples at 16 kHz, at most the sound's."""
        return samples if samples <= self._longest_whole else self._window

    # -- level and windows --------------------------------------------------------------------

    def _enhance_batch(
        self, batch: list[tuple[_Sound, int, int]], length: int
    ) -> Callable[[], None]:
        """Starts on windows (sound, channel, start) of equal length.

        Returns:
            What writes the results into their sounds, or makes an error their outcome.
        """
        if not batch:
            return _nothing
        windows = np.zeros((len(batch), length), np.float32)
        for row, (sound, channel, start) in enumerate(batch):
            noisy = torch.from_numpy(sound.noisy[channel])
            piece = heard(noisy[None], self.config.inputs, start, start + length)[0].numpy()
            np.multiply(piece, sound.gains[channel], out=windows[row, : len(piece)])
        owners = {id(sound): sound for sound, _, _ in batch}.values()

        def on_layer() -> None:
            for sound in owners:
                sound.layer()
            if all(sound.outcome is not None for sound in owners):
                raise _AllEnded

        def fail(error: Exception) -> None:
            for sound in owners:
                sound.outcome = sound.outcome or error

        def land() -> None:
            try:
                enhanced = wait()
            except Exception as error:
                return fail(error)
            for row, (sound, channel, start) in enumerate(batch):
                _cross_fade(sound.enhanced[channel], enhanced[row] / sound.gains[channel], start)
            for sound in owners:
                sound.window_done(sum(owner is sound for owner, _, _ in batch))

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
            self._model.on_layer = on_layer
            try:
                waits = [
                    self._run(torch.from_numpy(piece))
                    for piece in np.array_split(windows, -(-len(windows) // self.batch_size))
                ]
                return lambda: np.concatenate([wait() for wait in waits])
            except torch.OutOfMemoryError:
                if self.device == "cpu":
                    raise
                torch.cuda.empty_cache()
                if self.batch_size > 1:
                    self.batch_size //= 2
                    warnings.warn(
                        f"Out of memory on {self.device}: going on with {self.batch_size} "
                        "windows at once.",
                        RuntimeWarning,
                        stacklevel=2,
                    )
                else:
                    warnings.warn(
                        f"Out of memory on {self.device}: going on on the CPU.",
                        RuntimeWarning,
                        stacklevel=2,
                    )
                    self._move("cpu", _pick_precision("auto", "cpu"))

    @torch.inference_mode()
    def _run(self, windows: torch.Tensor) -> Callable[[], np.ndarray]:
        """Starts the network on windows [B, samples]; returns what waits for the result."""
        if self.device == "cpu":
            enhanced = self._compute(windows).numpy()
            return lambda: enhanced
        # From and to page-locked memory the card copies by itself, without holding up this thread.
        enhanced = self._compute(windows.pin_memory().to(self.device, non_blocking=True))
        landed = torch.empty(enhanced.shape, pin_memory=True)
        landed.copy_(enhanced, non_blocking=True)
        done = torch.cuda.Event()
        done.record(torch.cuda.current_stream(self.device))

        def wait() -> np.ndarray:
            done.synchronize()
            return landed.numpy()

        return wait


class _AllEnded(Exception):
    """Every sound of a batch failed or was cancelled."""


class _Sound:
    """One request under way: its windows, what came of them, and its progress in layers.

    A layer of several windows at once counts once, until these are finished.
    """

    def __init__(
        self,
        audio: Audio,
        strength: float,
        progress: Progress | None,
        window_for: Callable[[int], int],
        layers: int,
        inputs: int,
    ):
        self.audio, self.strength = audio, strength
        self.outcome: Audio | BaseException | None = None
        self.jobs: list[tuple[_Sound, int, int]] = []
        self.length = self._done = self._layer = self._total = 0
        self._progress, self._layers, self._inputs = progress, layers, inputs
        self._attempt(self._begin, window_for)

    def _attempt(self, work: Callable[..., None], *arguments) -> None:
        """What goes wrong with this sound, its own progress callback included, is its outcome."""
        if self.outcome is None:
            try:
                work(*arguments)
            except BaseException as error:
                self.outcome, self.jobs = error, []

    def _begin(self, window_for: Callable[[int], int]) -> None:
        if not 0 <= self.strength <= 1:
            raise UserError(f"strength must lie between 0 and 1, not {self.strength:g}.")
        require_sound(self.audio)
        if self.strength == 0:
            self.outcome = self.audio
            return
        self.noisy = resample(self.audio.samples, self.audio.sample_rate, SAMPLE_RATE)
        self.enhanced = np.zeros_like(self.noisy)
        noisy = torch.from_numpy(self.noisy)
        self.gains = normalisation_gain(noisy, self._inputs).numpy()  # [channels, 1]
        channels, samples = self.noisy.shape
        self.length = window_for(samples)
        starts = window_starts(samples, self.length)
        self.jobs = [(self, channel, start) for channel in range(channels) for start in starts]
        self._total = self._layers * len(self.jobs)
        self._report()

    def _report(self) -> None:
        if self._progress is not None:
            self._progress(self._done + self._layer, self._total)

    def layer(self) -> None:
        # A batch that ran out of memory starts anew, and its layers with it.
        self._layer = min(self._layer + 1, self._layers - 1)
        self._attempt(self._report)

    def window_done(self, windows: int) -> None:
        self._done += windows * self._layers
        self._layer = 0
        self._attempt(self._report)

    def finished(self) -> Audio | BaseException:
        self._attempt(self._finish)
        assert self.outcome is not None
        return self.outcome

    def _finish(self) -> None:
        samples = self.noisy.shape[1]
        edge = min(EDGE, samples // 2)
        ramp = (np.arange(edge, dtype=np.float32) / EDGE) ** 2
        self.enhanced[:, :edge] *= ramp
        self.enhanced[:, samples - edge :] *= ramp[::-1]
        self.jobs = []  # they hold this sound, as it holds them
        del self.noisy
        enhanced = resample(self.enhanced, SAMPLE_RATE, self.audio.sample_rate)
        enhanced = _with_length(enhanced, self.audio.samples.shape[1])
        if self.strength < 1:
            enhanced *= np.float32(self.strength)
            enhanced += np.float32(1 - self.strength) * self.audio.samples
        self.outcome = self.audio.with_samples(enhanced)


def window_starts(samples: int, window: int) -> list[int]:
    """First samples of the windows that cover a sound; the last is moved back to full length."""
    if samples <= window:
        return [0]
    step = window - OVERLAP
    starts = list(range(0, samples - window, step))
    return [*starts, samples - window]


def _cross_fade(enhanced: np.ndarray, window: np.ndarray, start: int) -> None:
    """Writes a window over what the windows before it left, fading from theirs to its own."""
    window = window[: len(enhanced) - start]
    if start == 0:
        enhanced[: len(window)] = window
        return
    fade = np.linspace(0, 1, FADE + 2, dtype=np.float32)[1:-1]
    begin, end = start + FADE_START, start + FADE_START + FADE
    heard = enhanced[begin:end]
    heard += fade * (window[FADE_START : FADE_START + FADE] - heard)
    enhanced[end : start + len(window)] = window[FADE_START + FADE :]


def _chunks(jobs: list, size: int) -> Iterator[list]:
    for i in range(0, len(jobs), size):
        yield jobs[i : i + size]


def _whole_hops(samples: float, config: FRCRNConfig) -> int:
    """Samples rounded up to the hop; at least one frame."""
    hops = -(-int(samples) // config.hop_length)
    return max(hops * config.hop_length, config.win_length)


def _with_length(samples: np.ndarray, length: int) -> np.ndarray:
    """[C, N] cut or padded with zeros to [C, length]: resampling there and back may add a few."""
    if samples.shape[1] >= length:
        return samples[:, :length]
    return np.pad(samples, ((0, 0), (0, length - samples.shape[1])))


def pick_device(device: str) -> str:
    if device == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        return device
    kind, _, index = device.partition(":")
    if kind != "cuda" or not (index.isdigit() or not index):
        raise DeviceError(f"There is no device {device!r}: choose auto, cpu, cuda or cuda:N.")
    if not torch.cuda.is_available():
        raise DeviceError(
            "CUDA was asked for, but this machine has no usable CUDA device: choose cpu or auto."
        )
    if int(index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f"There is no {device}: this machine has {torch.cuda.device_count()} CUDA device(s)."
        )
    return f"cuda:{index or 0}"


def _pick_precision(precision: str, device: str) -> str:
    if precision not in PRECISIONS:
        raise DeviceError(f"There is no precision {precision!r}: choose {', '.join(PRECISIONS)}.")
    if precision == "auto":
        if device.startswith("cuda"):
            return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
        return "bfloat16" if computes_in_bfloat16() else "float32"
    if precision == "float16" and device == "cpu":
        raise DeviceError("float16 needs a CUDA device: choose bfloat16 or float32 on the CPU.")
    return precision


def computes_in_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16 (AVX512-BF16 or AMX)."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
