"""Processes that score in parallel, one thread of arithmetic each, and survive a bad file.

Processes of our own rather than of `multiprocessing`: the PESQ and ONNX libraries may crash, and
then exactly the pair that did it must be known and the others go on; and a process must start
without running the caller's main module again.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from frcrn_app.evaluation.worker import PairScores, ScoreTask, SoundScores

TASK_SECONDS = 900.0  # after which a pair is given up; ten minutes of sound take a few
_POLL_SECONDS = 0.1
_SERVE = "from frcrn_app.evaluation.worker import serve; serve()"

# With several threads in each of several processes they fight for the same cores.
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def default_workers() -> int:
    """As many as this process may use cores, up to 16."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        cores = os.cpu_count() or 1
    return max(1, min(cores, 16))


class ScoringPool:
    """Some processes that turn `ScoreTask`s into `PairScores`; a context manager.

    Tasks are taken from their iterator only when a process is free, so that any number of them
    costs the same memory.
    """

    def __init__(self, workers: int | None = None, *, task_seconds: float = TASK_SECONDS):
        self.workers = workers or default_workers()
        self.task_seconds = task_seconds
        self._processes = [_Process(task_seconds) for _ in range(self.workers)]

    def __enter__(self) -> ScoringPool:
        return self

    def __exit__(self, *exception) -> None:
        for process in self._processes:
            process.stop()

    def run(self, tasks: Iterable[ScoreTask]) -> Iterator[tuple[int, PairScores]]:
        """Yield (place in `tasks`, scores) in the order in which they are done.

        A pair whose process dies or hangs gets that as its error. Closing the iterator stops what
        is under way.
        """
        numbered = iter(enumerate(tasks))
        taking = threading.Lock()
        done: queue.SimpleQueue[tuple[int, PairScores] | BaseException | None] = queue.SimpleQueue()
        closed = threading.Event()
        for process in self._processes:
            process.begin()

        def work(process: _Process) -> None:
            try:
                while not closed.is_set():
                    with taking:
                        index, task = next(numbered)
                    done.put((index, process.score(task)))
            except StopIteration:
                pass
            except BaseException as error:  # the tasks' iterator failed: tell the caller
                done.put(error)
            done.put(None)

        threads = [
            threading.Thread(target=work, args=(process,), daemon=True)
            for process in self._processes
        ]
        for thread in threads:
            thread.start()
        running = len(threads)
        try:
            while running:
                try:
                    answer = done.get(timeout=_POLL_SECONDS)  # wakes up for Ctrl-C
                except queue.Empty:
                    continue
                if answer is None:
                    running -= 1
                elif isinstance(answer, BaseException):
                    raise answer
                else:
                    yield answer
        finally:
            closed.set()
            if running:
                for process in self._processes:
                    process.interrupt()
            for thread in threads:
                thread.join()


class _Process:
    """One scoring process, started when needed and again after it died."""

    def __init__(self, task_seconds: float):
        self._task_seconds = task_seconds
        self._popen: subprocess.Popen | None = None
        self._interrupted = False

    def begin(self) -> None:
        self._interrupted = False

    def interrupt(self) -> None:
        """Stop, whatever is under way; `score` then returns at once."""
        self._interrupted = True
        self.stop()

    def score(self, task: ScoreTask) -> PairScores:
        """Scores of one pair. A process that dies over it, perhaps killed for the memory of
        another program, gets one more try."""
        answer = self._ask(task)
        if isinstance(answer, int) and not self._interrupted:
            answer = self._ask(task)
        if isinstance(answer, int):
            if answer < 0:
                return _nothing(task, f"The scoring process was ended by signal {-answer}, twice.")
            return _nothing(task, f"The scoring process ended with code {answer}, twice.")
        return answer

    def _ask(self, task: ScoreTask) -> PairScores | int:
        """Scores, or the exit code of a process that died."""
        popen = self._popen or self._start()
        timer = threading.Timer(self._task_seconds, popen.kill)
        timer.start()
        try:
            pickle.dump(task, popen.stdin)
            popen.stdin.flush()
            return pickle.load(popen.stdout)
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            timed_out = not timer.is_alive()
            with contextlib.suppress(subprocess.TimeoutExpired):
                popen.wait(timeout=1)  # its pipe has closed: it is about to end, and tells how
            self.stop()
            if timed_out:
                limit = f"{self._task_seconds:.0f} s"
                return _nothing(task, f"Scoring took longer than {limit} and was given up.")
            return popen.wait()
        finally:
            timer.cancel()

    def stop(self) -> None:
        popen, self._popen = self._popen, None
        if popen is None:
            return
        popen.kill()
        popen.wait()
        for pipe in (popen.stdin, popen.stdout):
            with contextlib.suppress(OSError):
                pipe.close()

    def _start(self) -> subprocess.Popen:
        environment = dict(os.environ) | dict.fromkeys(_ONE_THREAD, "1")
        package_root = str(Path(str(files("frcrn_app"))).parent)
        paths = [package_root, *(path for path in sys.path if path)]
        environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the process that was started by hand
        )
        return self._popen


def _nothing(task: ScoreTask, error: str) -> PairScores:
    nan = float("nan")
    return PairScores(
        {
            name: SoundScores(scores=dict.fromkeys(keys, nan), error=error, passing=True)
            for name, keys in task.metrics.items()
        }
    )
