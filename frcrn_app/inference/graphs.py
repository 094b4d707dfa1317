"""Short recordings on a graphics card: the network's hundreds of small operations as one launch.

A card computes ten seconds of speech in less time than a processor takes to ask for every
operation. A CUDA graph asks once. It is for one shape, costs a few passes to record and keeps its
memory, so it pays for short recordings of a length that comes again; windows of long ones, or many
at once, keep the card busy without it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.inference.fused import FusedFRCRN

log = logging.getLogger(__name__)

LONGEST = 30 * SAMPLE_RATE  # samples of all windows of a call together; more is left as it is
RECORDED = 8  # shapes that are kept, each with the memory of one pass
SEEN = 64  # shapes that are remembered to have come once
TIMED = 5  # calls of which the fastest counts
TOLERANCE = 0.01  # of the output's largest sample: sums in another order in half precision

Network = Callable[[Tensor], Tensor]


class GraphedNetwork:
    """The inference form of a network on CUDA, [B, samples] to the same; what repeats is recorded.

    The second call of a shape records it. The recording is used if it gives what the network gave
    and takes less time; what cannot be recorded, for want of memory too, goes on as before.
    Threads may share it: a recording has one input and one output, so that they take turns.

    Args:
        model: on its device.
        record: makes a recording for inputs like the given one.
    """

    def __init__(
        self, model: FusedFRCRN, record: Callable[[FusedFRCRN, Tensor], Network] | None = None
    ):
        self._model = model
        self._record = record or record_graph
        self._recordings: OrderedDict[torch.Size, Network] = OrderedDict()
        self._seen: OrderedDict[torch.Size, None] = OrderedDict()
        self._turn = threading.Lock()

    @torch.inference_mode()
    def __call__(self, windows: Tensor, on_layer: Callable[[], None] | None = None) -> Tensor:
        """Args:
        windows: [B, samples] on the network's device.
        on_layer: called after each layer, but not where a recording runs.
        """
        with self._turn:
            return self._enhanced(windows, on_layer or _nothing)

    def _enhanced(self, windows: Tensor, on_layer: Callable[[], None]) -> Tensor:
        shape = windows.shape
        if recording := self._recordings.get(shape):
            self._recordings.move_to_end(shape)
            return recording(windows)
        enhanced = self._model(windows, on_layer)
        if shape in self._seen:
            self._recordings[shape] = self._faster(windows, enhanced)
            _forget(self._recordings, RECORDED)
        elif windows.numel() <= LONGEST:
            self._seen[shape] = None
            _forget(self._seen, SEEN)
        return enhanced

    def _faster(self, windows: Tensor, enhanced: Tensor) -> Network:
        """A recording for such windows if it is right and worth it, else the network itself."""
        try:
            recording = self._record(self._model, windows)
            worst = (recording(windows) - enhanced).abs().max()
            if not worst <= TOLERANCE * enhanced.abs().max():
                log.warning("a CUDA graph differs from the network by %g: not used", worst)
                return self._model
            if _fastest(recording, windows) < _fastest(self._model, windows):
                return recording
        except RuntimeError as error:  # torch.OutOfMemoryError is one
            log.warning("the network cannot be recorded as a CUDA graph: %s", error)
        return self._model


def _nothing() -> None:
    """Nobody waits for layers."""


def record_graph(model: FusedFRCRN, example: Tensor) -> Network:
    """The network as a CUDA graph for inputs like `example`; outputs are the caller's own.

    Raises:
        RuntimeError: something in the network cannot be recorded, or memory is short.
    """
    device = example.device
    given = example.clone()
    with torch.cuda.device(device):
        # Libraries set themselves up in their first calls, which a recording must not contain.
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(3):
                model(given)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        # Other threads, such as those of other networks, go on using the card meanwhile.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            returned = model(given)

    def replay(windows: Tensor) -> Tensor:
        given.copy_(windows)
        graph.replay()
        return returned.clone()

    return replay


def _fastest(network: Network, windows: Tensor) -> float:
    """Seconds of the fastest of some calls."""
    seconds = []
    for _ in range(TIMED):
        begin = time.perf_counter()
        network(windows)
        if windows.is_cuda:
            torch.cuda.synchronize(windows.device)
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def _forget(kept: OrderedDict, most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
