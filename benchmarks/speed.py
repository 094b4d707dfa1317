"""Our Denoiser beside the published network, with the same weights: time, memory, difference.

    python benchmarks/speed.py

Installs the published code apart (see reference.py). By default both have the full-size network
with seeded weights, since the published code can build no other. Takes a few minutes.
"""

import argparse
import sys
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.reference import Reference, install  # noqa: E402
from frcrn_app.inference.benchmark import (  # noqa: E402
    RANDOM,
    Call,
    Contestant,
    as_markdown,
    run_benchmark,
)
from frcrn_app.model import FRCRN  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", default=RANDOM, help="of the released size (default: random)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", nargs="+", default=["auto"])
    parser.add_argument("--seconds", type=float, default=10.0, help="of audio")
    parser.add_argument("--batch", type=int, default=1, help="recordings at once")
    parser.add_argument("--repeats", type=int, default=5, help="warm calls of each")
    parser.add_argument("--threads", type=int, help="of the processor (default: all)")
    args = parser.parse_args()
    install()
    measured = run_benchmark(
        args.weights,
        device=args.device,
        precisions=args.precision,
        seconds=args.seconds,
        batch=args.batch,
        repeats=args.repeats,
        threads=args.threads,
        against=Contestant("clearvoice", "float32", published),
        report=lambda text: print(text, file=sys.stderr),
    )
    print(as_markdown(measured), end="")


def published(network: FRCRN, device: str) -> Call:
    """The published network, given the weights of ours."""
    reference = Reference(install()).network()
    outcome = reference.load_state_dict(network.state_dict(), strict=False)
    if outcome.unexpected_keys:
        raise SystemExit("The published code does not know all of these weights.")
    reference = reference.to(device).eval()

    def call(noisy: Tensor) -> Tensor:
        with torch.inference_mode():
            waveform = reference(noisy.to(device))[-2]
            return waveform.reshape(len(noisy), -1).cpu()

    return call


if __name__ == "__main__":
    # In a module of its own, because the measured process imports the function by its name.
    from benchmarks import speed

    speed.main()
