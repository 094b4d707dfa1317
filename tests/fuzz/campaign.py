"""Damaged and made-up files against everything that reads what visitors send.

    python tests/fuzz/campaign.py --cases 10000 decoder archive

Each case runs under a deadline and a memory limit. It may end well or with a user's error; whatever
else happens is reported with the smallest input that does it, which hypothesis looks for and keeps.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # of this process and those that it starts

from frcrn_app.errors import UserError  # noqa: E402
from frcrn_app.isolation import IsolationError, isolated, warm_up  # noqa: E402
from fuzz import targets  # noqa: E402

DEADLINE_SECONDS = 20.0
MEMORY_BYTES = 768 << 20  # the checkpoint loader imports torch within it
_INTERESTING = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)


@st.composite
def mutations(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A whole file with some of its bytes changed, cut, repeated or taken from another."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 6))):
        # Headers are short and come first, or last in archives: half of the edits are there.
        near = draw(st.sampled_from(("start", "end", "anywhere")))
        reach = min(len(data), 96) if near != "anywhere" else len(data)
        offset = draw(st.integers(0, max(0, reach - 1)))
        place = len(data) - 1 - offset if near == "end" else offset
        place = max(0, place)
        match draw(st.sampled_from(("byte", "word", "cut", "insert", "splice"))):
            case "byte":
                if data:
                    data[place] = draw(st.sampled_from(_INTERESTING) | st.integers(0, 255))
            case "word":
                width = draw(st.sampled_from((2, 4, 8)))
                value = draw(st.sampled_from((0, 1, -1, -12, 1 << 15, 1 << 31, 1 << 62)))
                order = draw(st.sampled_from(("little", "big")))
                data[place : place + width] = (value % (1 << 8 * width)).to_bytes(width, order)
            case "cut":
                del data[place : place + draw(st.integers(1, 64))]
            case "insert":
                data[place:place] = draw(st.binary(min_size=1, max_size=16))
            case "splice":
                other = draw(st.sampled_from(seeds))
                start = draw(st.integers(0, max(0, len(other) - 1)))
                data[place:place] = other[start : start + 64]
    return bytes(data)


def fuzz(target: str, cases: int) -> dict[str, int]:
    """Runs cases of one target; returns how often each thing came of it.

    Raises:
        AssertionError: something hung, took too much memory or crashed its process.
        Exception: whatever else the target raised that is no user's error.
    """
    counts: dict[str, int] = {}
    seeds = targets.seeds(target)

    @settings(
        max_examples=cases,
        deadline=None,  # its own, in the other process
        database=None,
        derandomize=cases < 1000,  # the short run is the same every time
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(mutations(seeds) | st.binary(max_size=400))
    def case(content: bytes) -> None:
        try:
            isolated(
                targets.TARGETS[target],
                content,
                about="case",
                deadline=DEADLINE_SECONDS,
                memory=MEMORY_BYTES,
            )
            outcome = "read"
        except IsolationError as error:
            raise AssertionError(f"{target}: {error.code} on {content!r}") from None
        except UserError as error:
            str(error)  # its sentence exists
            outcome = error.code
        counts[outcome] = counts.get(outcome, 0) + 1

    case()
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("targets", nargs="*", default=list(targets.TARGETS), metavar="TARGET")
    parser.add_argument("--cases", type=int, default=10_000, help="of each (default 10000)")
    options = parser.parse_args()
    warm_up("torch")  # on a busy machine its import alone may take longer than a case may
    failed = 0
    for target in options.targets:
        began = time.monotonic()
        try:
            counts = fuzz(target, options.cases)
        except Exception as error:
            failed += 1
            print(f"{target}: {type(error).__name__}: {str(error)[:2000]}", flush=True)
            for cause in getattr(error, "exceptions", ()):
                print(f"  {type(cause).__name__}: {str(cause)[:2000]}", flush=True)
            continue
        seconds = time.monotonic() - began
        found = ", ".join(f"{n} {code}" for code, n in sorted(counts.items(), key=lambda x: -x[1]))
        print(f"{target}: {sum(counts.values())} cases in {seconds:.0f} s: {found}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
