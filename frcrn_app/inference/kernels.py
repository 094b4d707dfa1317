"""The element-wise passes of the inference form as compiled code, where a C compiler is at hand.

torch makes a pass over memory of each addition, and in bfloat16 an addition costs it several times
what the processor's own instructions for that format do. `kernels.c` fuses these passes. It is
compiled for the processor at hand on first use, which takes a second or two, and kept in the
user's cache. Without a compiler, on other systems than Linux and on graphics cards `fuse` computes
the same with torch alone.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from ctypes import c_int, c_long, c_ssize_t, c_void_p
from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

log = logging.getLogger(__name__)

SOURCE = Path(__file__).with_name("kernels.c")
LANES = 16  # numbers of a vector, as in the source
TILE = 3  # output frames that share their products
NAMES = 3  # what convolutions multiply: sum, real and imaginary part
PRODUCTS = 4  # of each for a tile: first, middle, half, last
COMPILE_SECONDS = 60  # and no more
DISABLE = "FRCRN_NO_KERNELS"  # set to anything, it leaves all to torch


@cache
def load_kernels(dtype: torch.dtype) -> Kernels | None:
    """The compiled passes for activations in float32 or bfloat16; None where there are none."""
    if dtype not in (torch.float32, torch.bfloat16) or os.environ.get(DISABLE):
        return None
    try:
        return Kernels(ctypes.CDLL(str(_library(dtype))), dtype)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        log.info("the network's compiled passes are missing, torch computes them: %s", error)
        return None


class Kernels:
    """The functions of kernels.c on tensors of one type, in memory order and on the CPU.

    They raise ValueError for a tensor of another type or order than they say.
    """

    def __init__(self, library: ctypes.CDLL, dtype: torch.dtype):
        self.dtype = dtype
        self._memory, self._gather, self._combine = (
            library.memory,
            library.gather,
            library.combine,
        )
        self._first, self._last = library.first_layer, library.last_layer
        self._memory.argtypes = (
            [c_void_p] * 5 + [c_ssize_t] * 2 + [c_long, c_void_p] + [c_long] * 4 + [c_int]
        )
        self._gather.argtypes = [c_void_p, c_long, c_long, c_void_p, c_long, c_long, c_int, c_int]
        self._combine.argtypes = (
            [c_void_p] * 3 + [c_ssize_t] * 3 + [c_void_p] + [c_long] * 4 + [c_int] * 2
        )
        self._first.argtypes = [c_void_p] * 5 + [c_long] * 7 + [c_int]
        self._last.argtypes = [c_void_p, c_long, c_void_p, c_void_p] + [c_long] * 3 + [c_int]
        for function in (self._memory, self._gather, self._combine, self._first, self._last):
            function.restype = None
        self._in_pairs = bool(library.weights_in_pairs())
        self._pad = library.weights_pad()

    def memory_weights(self, re: Tensor, im: Tensor) -> Tensor:
        """Taps [C, taps] of both memories in the order that `memory` reads."""
        weights = torch.stack((re, im)).transpose(1, 2).float()  # [2, taps, C]
        weights = F.pad(weights, (0, -weights.shape[2] % LANES)).unflatten(2, (-1, LANES))
        weights = weights.transpose(1, 2)  # [2, C / LANES, taps, LANES]
        if self._in_pairs:
            weights = F.pad(weights, (0, 0, 0, weights.shape[2] % 2)).unflatten(2, (-1, 2))
            weights = weights.transpose(3, 4).to(torch.bfloat16).contiguous()
            weights = weights.view(torch.float32)[..., 0]  # two numbers of 16 bits in one's place
        return F.pad(weights, (0, 0, self._pad, self._pad)).contiguous()

    def memory(
        self,
        of_re: Tensor,
        of_im: Tensor,
        x: Tensor,
        weights: Tensor,
        taps: int,
        out: Tensor,
        sums: bool = False,
    ) -> Tensor | None:
        """The complex memory over F, with the sound itself: x + re * of_re + i (x + im * of_im).

        Args:
            of_re, of_im, x: [T, 2, F, C], the former two what either memory looks back on.
            weights: of `memory_weights` with as many taps.
            out: [2 or 3, T, F, C] by any strides, rows contiguous; a third part is real plus
                imaginary.

        Returns:
            If `sums`, the sum of the result over T and F, float32 [2, C].
        """
        frames, _, height, channels = x.shape
        per_frame = torch.empty(frames, 2, channels) if sums else None
        self._memory(
            _pointer(of_re, self.dtype),
            _pointer(of_im, self.dtype),
            _pointer(x, self.dtype),
            weights.data_ptr(),
            out.data_ptr(),
            out.stride(1),
            out.stride(0),
            len(out),
            None if per_frame is None else per_frame.data_ptr(),
            frames,
            height,
            channels,
            taps,
            torch.get_num_threads(),
        )
        return None if per_frame is None else per_frame.sum(0)

    def gather(
        self, sources: list[tuple[Tensor, Tensor | None]], tiles: int, tiled: bool
    ) -> list[tuple[Tensor, ...]]:
        """What convolutions multiply: (sum, real part, imaginary part), or four such of tiles.

        Args:
            sources: each x [T, 2, F, C_i] by any strides, rows contiguous, and its gates, float32
                [2, C_i], or None. Their channels come side by side.
            tiles: how many tiles, or frames where not `tiled`; frames past T are zeros.

        Returns:
            Tensors [1, tiles, F, C].
        """
        frames, _, height, _ = sources[0][0].shape
        channels = sum(x.shape[3] for x, _ in sources)
        products = PRODUCTS if tiled else 1
        out = torch.empty(products, NAMES, tiles, height, channels, dtype=self.dtype)
        gates = [None if gate is None else gate.contiguous() for _, gate in sources]
        described = _described([x for x, _ in sources], gates)
        self._gather(
            ctypes.addressof(described),
            len(sources),
            frames,
            out.data_ptr(),
            tiles,
            height,
            tiled,
            torch.get_num_threads(),
        )
        return [tuple(of[:, None]) for of in out]

    def combine(
        self, products: list[Tensor], scale: Tensor, out: Tensor, sums: bool = False
    ) -> Tensor | None:
        """Leaky ReLU of the complex convolution that products make up, written to out.

        Args:
            products: [tiles or frames, F, C] of sum, real and imaginary part, or of tiles four
                each: first, middle, half, last.
            scale: float32 [2, C], of the sum in the real and in the imaginary part.
            out: [T, 2, F, C] by any strides, channels contiguous.

        Returns:
            If `sums`, the sum of the result over T and F, float32 [2, C].
        """
        tiles, height, channels = products[0].shape
        per_tile = torch.zeros(tiles, 2, channels) if sums else None
        pointers = (c_void_p * len(products))(*(_pointer(p, self.dtype) for p in products))
        self._combine(
            ctypes.addressof(pointers),
            scale.data_ptr(),
            out.data_ptr(),
            *out.stride()[:3],
            None if per_tile is None else per_tile.data_ptr(),
            tiles,
            len(out),
            height,
            channels,
            len(products) > NAMES,
            torch.get_num_threads(),
        )
        return None if per_tile is None else per_tile.sum(0)

    def first_layer(
        self, x: Tensor, weights: Tensor, bias: Tensor, stride: int
    ) -> tuple[Tensor, Tensor]:
        """Leaky ReLU of the first convolution of x, float32 [T, P, F], zeros before and after.

        Args:
            weights: float32 [2, 2, P, taps, C]: output part, frame, input part, frequency.
            bias: float32 [2, C].

        Returns:
            [T + 1, 2, F', C] and its sum over T and F', float32 [2, C].
        """
        (frames, parts, width), (taps, channels) = x.shape, weights.shape[3:]
        height = (width - taps) // stride + 1
        out = torch.empty(frames + 1, 2, height, channels, dtype=self.dtype)
        sums = torch.zeros(frames + 1, 2, channels)
        self._first(
            _pointer(x, torch.float32),
            _pointer(weights, torch.float32),
            _pointer(bias, torch.float32),
            out.data_ptr(),
            sums.data_ptr(),
            frames,
            parts,
            width,
            height,
            channels,
            taps,
            stride,
            torch.get_num_threads(),
        )
        return out, sums.sum(0)

    def last_layer(self, sources: list[tuple[Tensor, Tensor]], linear: Tensor) -> Tensor:
        """The last transposed convolution of stride 2, leaky ReLU and the linear layer.

        Args:
            sources: each x [T, 2, F, C_i] and weights [2, 2, taps, 2, C_i]: frame, the later one
                first, input part, frequency, output part.
            linear: float32 [8]: the convolution's bias, the linear layer [2, 2], its bias.

        Returns:
            float32 [T - 1, 2, 2 (F - 1) + taps].
        """
        frames, _, height, _ = sources[0][0].shape
        taps = sources[0][1].shape[2]
        out = torch.empty(frames - 1, 2, 2 * (height - 1) + taps)
        for _, weights in sources:
            _pointer(weights, self.dtype)
        described = _described([x for x, _ in sources], [weights for _, weights in sources])
        self._last(
            ctypes.addressof(described),
            len(sources),
            _pointer(linear, torch.float32),
            out.data_ptr(),
            frames - 1,
            height,
            taps,
            torch.get_num_threads(),
        )
        return out


class _Source(ctypes.Structure):
    """`struct source` of kernels.c."""

    _fields_ = (
        ("x", c_void_p),
        ("frame", c_ssize_t),
        ("part", c_ssize_t),
        ("factors", c_void_p),
        ("channels", c_long),
    )


def _described(sources: list[Tensor], factors: list[Tensor | None]) -> ctypes.Array:
    """x [T, 2, F, C] by any strides, rows contiguous, with gates or weights."""
    return (_Source * len(sources))(
        *(
            _Source(
                x.data_ptr(),
                x.stride(0),
                x.stride(1),
                None if factor is None else factor.data_ptr(),
                x.shape[3],
            )
            for x, factor in zip(sources, factors, strict=True)
        )
    )


def _pointer(tensor: Tensor, dtype: torch.dtype) -> int:
    """Address of a tensor that must be contiguous and of this type."""
    if not tensor.is_contiguous() or tensor.dtype != dtype:
        raise ValueError(f"not contiguous {dtype}: {tensor.dtype}, {tensor.stride()}")
    return tensor.data_ptr()


# -- compiling ------------------------------------------------------------------------------------


def _library(dtype: torch.dtype, processor: str | None = "native") -> Path:
    """The shared library for a type, compiled now if it has not been.

    Args:
        processor: for which, as the compiler names it; None is the oldest that it knows.

    Raises:
        OSError, subprocess.SubprocessError: it cannot be compiled here.
        RuntimeError: the user has no home for it.
    """
    if platform.system() != "Linux":
        raise OSError(f"they are for Linux, this is {platform.system()}")
    compiler = shlex.split(os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or "")
    if not compiler:
        raise OSError("no C compiler is installed")
    openmp = _openmp()
    flags = ["-O3", "-fopenmp", "-fPIC"]
    if processor:
        flags.append(f"-march={processor}")
    if dtype == torch.bfloat16:
        flags.append("-DBFLOAT16")
    version = _output([*compiler, "--version"])
    # A library is of use to the compiler, processor and torch that it was made for alone.
    parts = (SOURCE.read_text(), version, _processor(), str(openmp), *flags)
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]
    library = _cache() / f"kernels-{key}.so"
    if not library.exists():
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            code, linked = Path(folder, "kernels.o"), Path(folder, "kernels.so")
            _output([*compiler, *flags, "-c", str(SOURCE), "-o", str(code)])
            _output([*compiler, "-shared", str(code), str(openmp), "-o", str(linked)])
            os.replace(linked, library)
    return library


def _openmp() -> Path:
    """The OpenMP library in this process: one with threads of its own would fight with torch's."""
    with open("/proc/self/maps") as maps:
        loaded = {Path(line.split(maxsplit=5)[5].strip()) for line in maps if "libgomp" in line}
    of_torch = Path(torch.__file__).parent
    ours = sorted(loaded, key=lambda path: not path.is_relative_to(of_torch))
    if not ours:
        raise OSError("torch does not use GNU OpenMP here")
    return ours[0]


def _processor() -> str:
    with open("/proc/cpuinfo") as file:
        wanted = ("model name", "flags", "Features", "CPU part")
        return "".join(sorted({line for line in file if line.startswith(wanted)}))


def _cache() -> Path:
    """A folder that nobody else can write to, because what lies in it will be run."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base, "frcrn_app")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise OSError(f"others can write to {folder}")
    return folder


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_SECONDS)
    if done.returncode:
        raise OSError(f"{Path(command[0]).name} failed: {done.stderr.strip()[-500:]}")
    return done.stdout
