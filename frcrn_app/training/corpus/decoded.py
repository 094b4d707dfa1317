"""Audio files decoded once into a cache of int16 samples; what cannot be used is named."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from frcrn_app import audio
from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import AudioError, UserError
from frcrn_app.files import atomic_path
from frcrn_app.training.activity import is_silent

INT16_SCALE = 32_768.0
CACHE_VERSION = 2  # raise when what is stored per file changes

Progress = Callable[[int, int], None]


class LeftOut(NamedTuple):
    """A file that the corpus goes without, and why."""

    path: Path
    problem: UserError


def decode_all(
    paths: Sequence[str], cache: Path, progress: Progress | None = None
) -> tuple[dict[str, str], list[LeftOut]]:
    """Decode files into the cache, several at a time; those it has already cost a stat each.

    Returns:
        path -> file of raw int16 samples at 16 kHz, mono; and the files that are missing, damaged
        or silent, in the order of `paths`.
    """
    problems: dict[str, UserError] = {}
    files: dict[str, str] = {}
    for path in paths:
        try:
            files[path] = str(_cached_name(path, cache))
        except OSError:
            problems[path] = AudioError("training.file_missing", path=Path(path))
    with _only_process(cache):
        problems |= _decode_missing(files, progress)
    for path, stored in files.items():
        if path not in problems and os.path.getsize(stored) == 0:
            problems[path] = AudioError("training.file_silent", path=Path(path))
    left_out = [LeftOut(Path(path), problems[path]) for path in paths if path in problems]
    return {path: file for path, file in files.items() if path not in problems}, left_out


@contextmanager
def _only_process(cache: Path) -> Iterator[None]:
    """Processes that share a cache, as those of one run under torchrun, decode one at a time."""
    from filelock import FileLock

    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "lock"):
        yield


def _decode_missing(files: dict[str, str], progress: Progress | None) -> dict[str, UserError]:
    missing = [path for path, stored in files.items() if not os.path.exists(stored)]
    done = len(files) - len(missing)
    if progress is not None:
        progress(done, len(files))
    problems: dict[str, UserError] = {}
    # Threads, not processes: the decoders and the resampler let go of the interpreter lock.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        pending = {pool.submit(_decode, path, files[path]): path for path in missing}
        try:
            for future in as_completed(pending):
                try:
                    future.result()
                except AudioError as error:
                    problems[pending[future]] = error
                done += 1
                if progress is not None:
                    progress(done, len(files))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return problems


def read_mono(path: str | Path) -> np.ndarray:
    """A whole file as float32 `[samples]`, mono at 16 kHz.

    Raises:
        AudioError: the file cannot be decoded.
    """
    recording = audio.to_mono(audio.load_audio(path))
    return audio.resample(recording.samples, recording.sample_rate, SAMPLE_RATE)[0]


def read_rir(path: str | Path) -> np.ndarray:
    """A measured room impulse response, float32 `[samples]` at 16 kHz.

    The first channel, not the mean: microphones apart from each other would comb-filter it.

    Raises:
        AudioError: the file cannot be decoded, or is silent.
    """
    recording = audio.load_audio(path)
    samples = audio.resample(recording.samples[:1], recording.sample_rate, SAMPLE_RATE)[0]
    if not np.any(samples):
        raise AudioError("training.file_silent", path=Path(path))
    return np.asarray(samples, np.float32)


def _cached_name(path: str, cache: Path) -> Path:
    status = os.stat(path)
    identity = f"{CACHE_VERSION}|{path}|{status.st_size}|{status.st_mtime_ns}"
    key = hashlib.sha1(identity.encode()).hexdigest()
    # Two letters of folder: a hundred thousand files in one folder are slow to open.
    return cache / "decoded" / key[:2] / f"{key}.i16"


def _decode(path: str, stored: str) -> None:
    """Writes a file's samples; of a silent one none, so that the next run need not look again."""
    samples = read_mono(path)
    if is_silent(samples):
        samples = samples[:0]
    samples = np.clip(np.rint(samples * INT16_SCALE), -INT16_SCALE, INT16_SCALE - 1)
    with atomic_path(stored) as draft:
        samples.astype(np.int16).tofile(draft)
