"""Scoring many pairs: how much faster two workers are than one, and whether memory stays flat.

    python benchmarks/scoring.py

Cuts 500 pairs of 5 s out of the labelled examples, each at another place and level, scores them
with `python -m frcrn_app evaluate` and watches the memory of all its processes. Then a part of
them is scored by one worker and by two, in turns. Takes about 15 minutes on two CPU cores;
`--pairs 60 --timed 40` makes it short.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from frcrn_app.audio import Audio, load_audio, save_audio  # noqa: E402

SECONDS = 5
EXAMPLES = ROOT / "examples" / "pairs"
LOOK_SECONDS = 0.5  # between two looks at the memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--timed", type=int, default=100, help="pairs that workers race on")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--metrics", default="", help="as for evaluate (default: the usual ones)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        many, some = Path(folder, "many"), Path(folder, "some")
        make_pairs(many, args.pairs)
        make_pairs(some, args.timed)
        memory = []
        seconds = evaluate(many, 2, args.metrics, memory)
        print(f"{args.pairs} pairs of {SECONDS} s, two workers: {seconds:.0f} s\n")
        print("| part of the run | memory of all processes, MiB |\n|---|---|")
        for name, part in zip(("2nd", "3rd", "4th", "5th"), _fifths(memory)[1:], strict=True):
            print(f"| {name} fifth | {statistics.median(part):.0f} |")
        times = {1: [], 2: []}
        for _ in range(args.repeats):
            for workers, taken in times.items():
                taken.append(evaluate(some, workers, args.metrics, denoise=False))
        print(f"\n| workers | seconds for {args.timed} pairs | times one |\n|---|---|---|")
        for workers, taken in times.items():
            ratio = min(times[1]) / min(taken)
            print(f"| {workers} | {min(taken):.1f} | {ratio:.2f} |")


def make_pairs(folder: Path, count: int) -> None:
    """`clean/` and `noisy/` of `count` pairs, no two alike."""
    pairs = []
    for clean in sorted((EXAMPLES / "clean").iterdir()):
        (noisy,) = (EXAMPLES / "noisy").glob(f"{clean.stem}.*")
        sounds = [load_audio(path).samples[0] for path in (clean, noisy)]
        pairs.append([np.resize(sound, max(len(sound), 8 * 16_000)) for sound in sounds])
    rng = np.random.default_rng(0)
    for number in range(count):
        clean, noisy = pairs[number % len(pairs)]
        start = int(rng.integers(0, len(clean) - SECONDS * 16_000))
        gain = np.float32(10 ** (rng.uniform(-12, 0) / 20))
        for kind, sound in (("clean", clean), ("noisy", noisy)):
            piece = gain * sound[None, start : start + SECONDS * 16_000]
            save_audio(folder / kind / f"{number:03}.wav", Audio(piece, 16_000), format="wav16")


def evaluate(
    folder: Path,
    workers: int,
    metrics: str,
    memory: list[float] | None = None,
    *,
    denoise: bool = True,
) -> float:
    """Seconds that the command takes; the memory of its processes on the way, in MiB."""
    command = [sys.executable, "-m", "frcrn_app", "evaluate", "--quiet"]
    command += ["--clean", str(folder / "clean"), "--noisy", str(folder / "noisy")]
    command += ["--workers", str(workers), "--metrics", metrics]
    command += [] if denoise else ["--no-denoise"]
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(LOOK_SECONDS):
            memory.append(_memory_of_tree(process.pid))

    if memory is not None:
        threading.Thread(target=watch, daemon=True).start()
    code = process.wait()
    ended.set()
    if code:
        raise SystemExit(f"evaluate ended with exit code {code}")
    return time.monotonic() - began


def _memory_of_tree(pid: int) -> float:
    """Memory of a process and all below it without what they share, in MiB (Linux)."""
    total = 0.0
    for process in (pid, *_children(pid)):
        try:
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:  # it has ended meanwhile
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines() if line[:4] == "Pss:")
    return total / 1024


def _children(pid: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            found += [child, *_children(child)]
    return found


def _fifths(values: list[float]) -> list[list[float]]:
    return [part.tolist() for part in np.array_split(values, 5)]


if __name__ == "__main__":
    main()
