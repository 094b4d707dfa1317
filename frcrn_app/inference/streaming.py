"""Denoising while audio comes in: chunks of any size in, what is ready out.

A causal network needs the past only, so a stream carries with it what each layer has to know of it
(`model.past.Past`), and its output is that of the whole recording at once. Streams share a network
and advance together, as one batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from frcrn_app.audio import Resampler
from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import AudioError, CheckpointError, UserError
from frcrn_app.inference.fused import fuse
from frcrn_app.inference.fused.network import TOGETHER
from frcrn_app.inference.precision import pick_device, pick_precision
from frcrn_app.inference.recorded import NextFrames, RecordedFrames
from frcrn_app.model import FRCRNConfig
from frcrn_app.model.past import Past
from frcrn_app.weights import load_weights

LIVE_WEIGHTS = "frcrn-live"
RATES = (8_000, 192_000)  # Hz, lowest and highest
LOUDEST = 16.0  # times full scale; what is louder is broken, and its square need not be a number
FEW = 4  # frames up to which a recorded program for one or two is faster than all at once
LONGEST_PIECE = 50  # frames that run at once: a second, which bounds memory for long chunks


class LiveNetwork:
    """A causal network that any number of streams share, from any number of threads.

    Args:
        weights: a name from `weights.list_weights()` or a path, of a causal network.
        device: "auto", "cpu", "cuda" or "cuda:N". Frames of 20 ms are small work for a card.
        precision: "auto", "float32", "bfloat16" or "float16" (CUDA only).
        pairs: two frames of a stream that wait run at once on a processor, which is a sixth less
            work; making ready for it takes a second.

    Raises:
        CheckpointError: the weights are missing, or are not those of a causal network.
        DeviceError: this machine does not have the device or the precision.
    """

    def __init__(
        self,
        weights: str = LIVE_WEIGHTS,
        *,
        device: str = "cpu",
        precision: str = "float32",
        pairs: bool = False,
    ):
        self.device = pick_device(device)
        self.precision = pick_precision(precision, self.device)
        try:
            loaded = load_weights(weights)
        except CheckpointError as error:
            if weights == LIVE_WEIGHTS and error.code == "weights.unknown_name":
                raise CheckpointError("inference.live_missing", weights=weights) from error
            raise
        if not loaded.config.causal:
            raise CheckpointError("inference.live_not_causal", weights=loaded.entry.name)
        self.entry = loaded.entry
        self.config: FRCRNConfig = loaded.config
        self.sha256 = loaded.sha256
        fused = fuse(loaded.model.to(self.device), getattr(torch, self.precision))
        self._frames = NextFrames(fused)
        self._recorded = {
            count: RecordedFrames(self._frames, count)
            for count in range(1, (TOGETHER if pairs else 1) + 1)
            if self.device == "cpu"
        }

    def at_once(self, waiting: int) -> int:
        """How many frames of a stream run at once where so many, one or more, wait."""
        if waiting > FEW:
            return min(waiting, LONGEST_PIECE)
        return max((count for count in self._recorded if count <= waiting), default=1)

    @torch.inference_mode()
    def masked(self, samples: np.ndarray, past: Past) -> np.ndarray:
        """Windowed output frames of streams, [B, T, win_length], `lookahead` frames late.

        Args:
            samples: of T frames that overlap by half, [B, (T + 1) * hop_length].
            past: of the B streams; it is renewed.
        """
        count = samples.shape[1] // self.config.hop_length - 1
        run = self._recorded.get(count, self._frames)
        return run(torch.from_numpy(samples).to(self.device), past).cpu().numpy()


class LiveDenoiser:
    """One stream of audio that is cleaned while it comes in.

    The output is that of `Denoiser` with the same weights, sample for sample; at other rates than
    16 kHz without what lies above 8 kHz (`full_band=False` there), and but for the last hundredth
    of a second, where resampling goes on after the end. A stream
    belongs to one thread at a time; streams of one `network` may be in different threads, or
    advance together (`push_together`).

    Args:
        weights: a name from `weights.list_weights()` or a path, of a causal network.
        sample_rate: Hz, of what comes in and goes out.
        channels: each is cleaned by itself.
        strength: 0 gives the samples back untouched, 1 the network's output, between them a mix. It
            may be set at any time and counts from the next chunk on.
        network: shared by several streams; by default one of the stream's own.

    Raises:
        AudioError: the sample rate cannot be processed.
        CheckpointError, DeviceError: as `LiveNetwork`.
    """

    def __init__(
        self,
        weights: str = LIVE_WEIGHTS,
        *,
        sample_rate: int = SAMPLE_RATE,
        channels: int = 1,
        strength: float = 1.0,
        network: LiveNetwork | None = None,
    ):
        if not RATES[0] <= sample_rate <= RATES[1]:
            raise AudioError("inference.live_rate", rate=sample_rate, low=RATES[0], high=RATES[1])
        self.network = network or LiveNetwork(weights)
        self.sample_rate, self.channels = sample_rate, channels
        self.strength = strength
        self.reset()

    @property
    def strength(self) -> float:
        """How much of the noise goes, 0 to 1."""
        return self._strength

    @strength.setter
    def strength(self, strength: float) -> None:
        if not 0 <= strength <= 1:
            raise UserError("inference.strength", strength=strength)
        self._strength = strength

    @property
    def delay(self) -> float:
        """Seconds between a sample's going in and its coming out at the latest."""
        delay = self.network.config.delay / SAMPLE_RATE
        if self.sample_rate != SAMPLE_RATE:
            there, back = self._resamplers[0]
            delay += there.reach / self.sample_rate + back.reach / SAMPLE_RATE
        return delay

    def reset(self) -> None:
        """Forgets everything: the next chunk is the first of another recording."""
        hop = self.network.config.hop_length
        rate = self.sample_rate
        self._resamplers = [
            (Resampler(rate, SAMPLE_RATE), Resampler(SAMPLE_RATE, rate))
            for _ in range(self.channels if rate != SAMPLE_RATE else 0)
        ]
        past = Past(self.channels)
        self._places = [(past, i) for i in range(self.channels)]  # of what the network remembers
        # The first frame is half before the recording, so that two frames make each sample.
        self._waiting = np.zeros((self.channels, hop), np.float32)  # at 16 kHz, for a frame
        self._overlap = np.zeros((self.channels, hop), np.float32)  # of the last frame
        self._dry = np.zeros((self.channels, 0), np.float32)  # what came in and is not yet out
        self._to_skip = hop * (1 + self.network.config.lookahead)  # samples before the first

    def push(self, samples: np.ndarray) -> np.ndarray:
        """The next chunk in, what is ready out: float32 [channels, any number of samples].

        Args:
            samples: floats [channels, samples], or [samples] of one channel, which then also come
                out so. What is not finite counts as 0.

        Raises:
            AudioError: another number of channels.
        """
        (cleaned,) = push_together([(self, samples)])
        return cleaned

    def flush(self) -> np.ndarray:
        """The end of the recording: all that is still to come out. Then as after `reset`."""
        missing = self._dry.shape[1]
        # What is late comes out as silence follows it.
        silence = int((self.delay + 0.1) * self.sample_rate)
        ended = [self._advanced(np.zeros((self.channels, silence), np.float32))]
        while sum(block.shape[1] for block in ended) < missing:
            ended.append(self._advanced(np.zeros((self.channels, silence), np.float32)))
        self.reset()
        return np.concatenate(ended, 1)[:, :missing]

    def _advanced(self, samples: np.ndarray) -> np.ndarray:
        return _advance([(self, samples)])[0]

    def _checked(self, samples: np.ndarray) -> np.ndarray:
        """A chunk as float32 [channels, samples], finite."""
        samples = np.asarray(samples, np.float32)
        if samples.ndim == 1:
            samples = samples[None]
        if samples.ndim != 2 or samples.shape[0] != self.channels:
            raise AudioError(
                "inference.live_channels", found=samples.shape[0], channels=self.channels
            )
        samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        return np.clip(samples, -LOUDEST, LOUDEST)

    def _take(self, samples: np.ndarray) -> None:
        """Puts a chunk [channels, samples] where its frames are waited for."""
        self._dry = np.concatenate((self._dry, samples), 1)
        if self._resamplers:
            rows = zip(self._resamplers, samples, strict=True)
            samples = np.stack([there.push(row) for (there, _), row in rows])
        self._waiting = np.concatenate((self._waiting, samples), 1)

    @property
    def _frames(self) -> int:
        """How many whole frames wait."""
        return self._waiting.shape[1] // self.network.config.hop_length - 1

    def _frames_in(self, frames: int) -> np.ndarray:
        """The samples of the next frames, [channels, (frames + 1) * hop]; the last hop stays."""
        hop = self.network.config.hop_length
        samples = self._waiting[:, : (frames + 1) * hop]
        self._waiting = self._waiting[:, frames * hop :]
        return samples

    def _frames_out(self, frames: np.ndarray) -> np.ndarray:
        """Output frames [channels, T, win_length] overlapped and added, at 16 kHz."""
        hop = self.network.config.hop_length
        first, second = frames[:, :, :hop], frames[:, :, hop:]
        before = np.concatenate((self._overlap[:, None], second[:, :-1]), 1)
        self._overlap = second[:, -1]
        samples = (first + before).reshape(self.channels, -1)
        skipped = min(self._to_skip, samples.shape[1])
        self._to_skip -= skipped
        return samples[:, skipped:]

    def _mixed(self, cleaned: np.ndarray) -> np.ndarray:
        """16 kHz samples as they go out: at the stream's rate, mixed with what came in."""
        if self._resamplers:
            rows = zip(self._resamplers, cleaned, strict=True)
            cleaned = np.stack([back.push(row) for (_, back), row in rows])
        count = min(cleaned.shape[1], self._dry.shape[1])
        dry, self._dry = self._dry[:, :count], self._dry[:, count:]
        cleaned = cleaned[:, :count]
        if self._strength == 1:
            return cleaned
        if self._strength == 0:
            return dry
        return np.float32(self._strength) * cleaned + np.float32(1 - self._strength) * dry


def push_together(
    chunks: Sequence[tuple[LiveDenoiser, np.ndarray]],
) -> list[np.ndarray]:
    """The next chunks of several streams, each as `LiveDenoiser.push` takes and returns it.

    Streams of one network that wait for equally many frames run as one batch.

    Raises:
        AudioError: a chunk has another number of channels than its stream; then none advances.
    """
    checked = [(stream, stream._checked(samples)) for stream, samples in chunks]
    cleaned = _advance(checked)
    return [
        rows[0] if np.ndim(samples) == 1 else rows
        for rows, (_, samples) in zip(cleaned, chunks, strict=True)
    ]


def _advance(chunks: Sequence[tuple[LiveDenoiser, np.ndarray]]) -> list[np.ndarray]:
    """What streams give for their next chunks, float32 [channels, samples] both."""
    streams = [stream for stream, _ in chunks]
    for stream, samples in chunks:
        stream._take(samples)
    out: dict[int, list[np.ndarray]] = {id(stream): [] for stream in streams}
    while groups := _by_frames(streams):
        for frames, group in groups.items():
            rows = [stream._frames_in(frames[1]) for stream in group]
            past = Past.of([place for stream in group for place in stream._places])
            masked = group[0].network.masked(np.concatenate(rows), past)
            ends = np.cumsum([stream.channels for stream in group])
            for stream, end in zip(group, ends, strict=True):
                first = end - stream.channels
                stream._places = [(past, i) for i in range(first, end)]
                each = masked[first:end]
                out[id(stream)].append(stream._frames_out(each))
    return [
        stream._mixed(np.concatenate([*blocks, np.zeros((stream.channels, 0), np.float32)], 1))
        for stream in streams
        for blocks in [out.pop(id(stream))]
    ]


def _by_frames(streams: Sequence[LiveDenoiser]) -> dict[tuple[int, int], list[LiveDenoiser]]:
    """Streams that have frames waiting, by network and how many frames run at once."""
    groups: dict[tuple[int, int], list[LiveDenoiser]] = {}
    for stream in streams:
        if waiting := stream._frames:
            frames = stream.network.at_once(waiting)
            groups.setdefault((id(stream.network), frames), []).append(stream)
    return groups
