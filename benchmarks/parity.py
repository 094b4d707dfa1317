"""Our Denoiser against both published pipelines, end to end, with the same weights.

    python benchmarks/parity.py

Installs `clearvoice` and `modelscope` apart (see reference.py), stores the same weights in each
official layout, lets either side clean the same 16-bit wav files, and prints Markdown tables:
how far the outputs are apart, and what each intended difference does. Two sets of weights are used:
`seeded` (random, full size) and `trained` (a small network of this project, widened with zeros to
the released size, the only one that the published code can build; it computes the same function).

Takes about 25 minutes on two CPU cores; `--seconds 2.5 10` makes it short.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.reference import (  # noqa: E402
    Pipeline,
    Reference,
    install,
    save_clearvoice,
    save_modelscope,
    unpadded_length,
)
from frcrn_app import Denoiser  # noqa: E402
from frcrn_app.audio import Audio, load_audio, resample  # noqa: E402
from frcrn_app.constants import SAMPLE_RATE  # noqa: E402
from frcrn_app.inference import EDGE  # noqa: E402
from frcrn_app.metrics import si_sdr  # noqa: E402
from frcrn_app.model import FRCRN, FRCRNConfig, normalisation_gain  # noqa: E402
from frcrn_app.weights import load_weights  # noqa: E402
from tests.golden.seeded import seeded_state  # noqa: E402

TOLERANCE = 1e-3  # of full scale
HOP = 320  # samples
# The last embedded weights whose network hears the spectrum alone, as the published code does.
TRAINED = ROOT / "benchmarks" / "trained-one-input.safetensors"
PIPELINES = ("clearvoice", "modelscope")
SECONDS = (1.75, 2.5, 10.0, 30.0, 60.0, 119.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, nargs="+", default=SECONDS)
    parser.add_argument("--packages", type=Path, help="where the reference is installed")
    parser.add_argument("--weights", nargs="+", choices=WEIGHTS, default=list(WEIGHTS))
    parser.add_argument("--pipelines", nargs="+", choices=PIPELINES, default=PIPELINES)
    parser.add_argument("--no-differences", action="store_true", help="the first table alone")
    args = parser.parse_args()
    reference = Reference(install(args.packages))
    with tempfile.TemporaryDirectory() as folder:
        for name in args.weights:
            sides = Sides(reference, WEIGHTS[name](), Path(folder, name))
            print(f"\n## Parity with `{name}` weights\n", flush=True)
            parity_table(sides, args.pipelines, args.seconds)
        if not args.no_differences:
            sides = Sides(reference, trained_state(), Path(folder, "differences"))
            print("\n## What the intended differences do (`trained` weights)\n", flush=True)
            differences_table(sides)


# Weights


def trained_state() -> dict[str, Tensor]:
    """A trained network, widened to the released size by channels that stay zero."""
    small = load_weights(TRAINED)
    channels = small.config.channels
    state = {}
    source = small.model.state_dict()
    for name, tensor in FRCRN(FRCRNConfig()).state_dict().items():
        wide = torch.ones_like(tensor) if name.endswith("running_var") else tensor.zero_()
        if name in source:
            narrow = source[name]
            parts = 2 if ".tconv_" in name and narrow.shape[0] == 2 * channels else 1
            pairs = zip(narrow.chunk(parts), wide.chunk(parts), strict=True)
            for narrow_part, wide_part in pairs:  # the decoder's own channels, then the skip's
                wide_part[tuple(slice(0, size) for size in narrow_part.shape)] = narrow_part
        state[name] = wide
    return state


WEIGHTS: dict[str, Callable[[], dict[str, Tensor]]] = {
    "seeded": lambda: seeded_state(FRCRN()),
    "trained": trained_state,
}


class Sides:
    """The published pipelines and ours, each with the same weights from its own layout."""

    def __init__(self, reference: Reference, state: dict[str, Tensor], folder: Path):
        network = reference.network()
        outcome = network.load_state_dict(state, strict=False)
        assert not outcome.unexpected_keys
        self.paths = {
            "clearvoice": save_clearvoice(network.state_dict(), folder / "clearvoice"),
            "modelscope": save_modelscope(network.state_dict(), folder / "modelscope"),
        }
        self.pipelines: dict[str, Pipeline] = {
            "clearvoice": reference.clearvoice_pipeline(folder / "clearvoice"),
            "modelscope": reference.modelscope_pipeline(folder / "modelscope"),
        }

        # Whole up to 20 s instead of 120, then in pieces, as the pipelines do with long recordings.
        self.pieces = reference.clearvoice_pipeline(folder / "clearvoice", whole_seconds=20)

    def ours(self, name: str, **options: object) -> Denoiser:
        options = {"device": "cpu", "precision": "float32", **options}
        return Denoiser(weights=self.paths[name], **options)


# Audio


def noisy_speech(length: int, level: float = 1.0) -> np.ndarray:
    """The shipped noisy clips one after another, again and again, as 16-bit wav gives them."""
    return _repeated(sorted((ROOT / "examples/noisy").iterdir()), length, level)


def noisy_and_clean(length: int) -> tuple[np.ndarray, np.ndarray]:
    """The shipped labelled pairs one after another, again and again."""
    pairs = ROOT / "examples/pairs"
    names = sorted(path.name for path in (pairs / "clean").iterdir())
    noisy = _repeated([pairs / "noisy" / name for name in names], length)
    return noisy, _repeated([pairs / "clean" / name for name in names], length)


def _repeated(paths: list[Path], length: int, level: float = 1.0) -> np.ndarray:
    pieces = []
    for path in paths:
        audio = load_audio(path)
        pieces.append(resample(audio.samples[:1], audio.sample_rate, SAMPLE_RATE)[0])
    samples = np.resize(np.concatenate(pieces), length) * level
    return np.float32(np.clip(np.round(samples * 32768), -32768, 32767) / 32768)


def to_level(ours: np.ndarray, noisy: np.ndarray, name: str) -> np.ndarray:
    """Our output at the level of a pipeline's: ModelScope leaves it at the network's own."""
    if name == "clearvoice":
        return ours
    return ours * normalisation_gain(torch.from_numpy(noisy)[None]).item()


def as_float(output: np.ndarray) -> np.ndarray:
    return output / 32768 if output.dtype == np.int16 else output.reshape(-1)


def wrapped(samples: np.ndarray) -> np.ndarray:
    """What `(x * 32768).astype(int16)` makes of samples beyond full scale."""
    return (samples + 1) % 2 - 1


# Tables


def parity_table(sides: Sides, names: list[str], seconds: list[float]) -> None:
    print(
        "| pipeline | samples | seconds | largest difference | RMS | at the ends |"
        " windows as by default | bfloat16 |"
    )
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name in names:
        pipeline = sides.pipelines[name]
        denoisers = (
            sides.ours(name, window_seconds=120),
            sides.ours(name),
            sides.ours(name, window_seconds=120, precision="bfloat16"),
        )
        for length in sorted({max(unpadded_length(each), 28_000) for each in seconds}):
            noisy = noisy_speech(length)
            theirs = as_float(pipeline(noisy))
            whole, default, half = (apart(denoiser, noisy, theirs, name) for denoiser in denoisers)
            inner = made_alike(length)
            ends = np.concatenate((whole[: inner.start], whole[inner.stop :]))
            cells = [
                name,
                f"{length:,}",
                f"{length / SAMPLE_RATE:.2f}",
                judged(whole[inner].max()),
                f"{np.sqrt(np.mean(whole[inner] ** 2)):.1e}",
                f"{ends.max():.1e}",
                judged(default[inner].max()),
                judged(half[inner].max()),
            ]
            print(f"| {' | '.join(cells)} |", flush=True)


def made_alike(length: int) -> slice:
    """Samples that both sides make alike: all but the ends, where the pipelines click.

    Denoiser fades the first and last `EDGE` samples. Of a length that is no multiple of the hop
    the pipelines drop the rest, and make the last hop that they return of one frame.
    """
    whole = length // HOP * HOP
    return slice(EDGE, length - EDGE if whole == length else whole - HOP)


def apart(denoiser: Denoiser, noisy: np.ndarray, theirs: np.ndarray, name: str) -> np.ndarray:
    """Distance of our output from a pipeline's, at its level and for each of its samples."""
    ours = to_level(cleaned(denoiser, noisy), noisy, name)
    if name == "modelscope":
        ours = wrapped(ours)
    return np.abs(ours[: len(theirs)] - theirs)


def judged(difference: float) -> str:
    return f"{difference:.1e}" if difference < TOLERANCE else f"**{difference:.1e}**"


def differences_table(sides: Sides) -> None:
    print("Windows and zeros as each side has them by default, float32.\n")
    print("| difference | published pipelines | ours |")
    print("|---|---|---|", flush=True)
    for row in (level_row, padding_row, ends_row, splices_row, wrapping_row, silence_row):
        print(f"| {' | '.join(row(sides))} |", flush=True)


def level_row(sides: Sides) -> tuple[str, str, str]:
    length = unpadded_length(10)
    noisy = noisy_speech(length, level=0.1)
    theirs = as_float(sides.pipelines["modelscope"](noisy))
    ours = cleaned(sides.ours("modelscope"), noisy)
    return (
        "level given back (input 20 dB down)",
        f"ModelScope: output {decibels(theirs) - decibels(ours):+.1f} dB against ours, for every "
        "input level the same loudness; ClearVoice gives the level back",
        f"input {decibels(noisy):.1f} dBFS, output {decibels(ours):.1f} dBFS",
    )


def padding_row(sides: Sides) -> tuple[str, str, str]:
    length = unpadded_length(4) + 6_000  # the pipelines append 34,000 zeros, 2.1 s
    denoiser = sides.ours("clearvoice")
    scores, differences = [], []
    noisy_pairs, clean_pairs = noisy_and_clean(6 * length)
    for noisy, clean in zip(noisy_pairs.reshape(6, -1), clean_pairs.reshape(6, -1), strict=True):
        theirs = as_float(sides.pipelines["clearvoice"](noisy))
        ours = cleaned(denoiser, noisy)
        scores.append((si_sdr(clean, theirs), si_sdr(clean, ours)))
        inner = made_alike(length)
        differences.append(np.abs(ours[inner] - theirs[inner]).max())
    padded, unpadded = np.mean(scores, 0)
    return (
        f"no zeros appended (6 pieces of {length / SAMPLE_RATE:.2f} s)",
        f"attention averages over 2.1 s of zeros as well: mean SI-SDR {padded:.2f} dB",
        f"mean SI-SDR {unpadded:.2f} dB; samples differ by up to {max(differences):.1e}",
    )


def ends_row(sides: Sides) -> tuple[str, str, str]:
    length = unpadded_length(1.75)
    noisy = noisy_speech(length)
    theirs = as_float(sides.pipelines["clearvoice"](noisy))
    ours = cleaned(sides.ours("clearvoice"), noisy)
    return (
        "every sample comes back, without clicks at the ends",
        f"{length:,} samples in, {len(theirs):,} out; largest step in the first and last ms "
        f"{end_step(theirs):.3f} of full scale (input {end_step(noisy):.3f})",
        f"{len(ours):,} out; largest step there {end_step(ours):.3f}",
    )


def splices_row(sides: Sides) -> tuple[str, str, str]:
    seconds = 30  # the limit of 120 s is set to 20: the same code at a quarter of the time
    noisy, clean = noisy_and_clean(seconds * SAMPLE_RATE)
    theirs = as_float(sides.pieces(noisy))
    ours = cleaned(sides.ours("clearvoice"), noisy)
    # The pieces are 16,000 samples every 12,000, joined 14,000 samples in and every 12,000 on.
    joints = np.arange(14_000, len(theirs) - SAMPLE_RATE, 12_000)
    return (
        "no hard splices beyond 120 s",
        f"pieces of 1 s, each by itself: SI-SDR {si_sdr(clean[: len(theirs)], theirs):.2f} "
        f"dB; steps at the joints {steps(theirs, joints):.1f} times those around them",
        f"SI-SDR {si_sdr(clean, ours):.2f} dB; at the same places {steps(ours, joints):.1f} times",
    )


def wrapping_row(sides: Sides) -> tuple[str, str, str]:
    length = unpadded_length(4)
    noisy = noisy_speech(length, level=0.05)
    noisy[20_000:20_040] = 0.9 * np.hanning(40).astype(np.float32)  # a knock on the microphone
    theirs = as_float(sides.pipelines["modelscope"](noisy))
    ours = cleaned(sides.ours("modelscope"), noisy)
    network = np.abs(to_level(ours, noisy, "modelscope"))
    return (
        "no wrapped clipping (a knock over quiet speech)",
        f"ModelScope: {int((network > 1).sum())} samples beyond full scale wrap, largest step "
        f"{np.abs(np.diff(theirs)).max():.2f} of full scale",
        f"none; peak {np.abs(ours).max():.2f} for {np.abs(noisy).max():.2f} in",
    )


def silence_row(sides: Sides) -> tuple[str, str, str]:
    noisy = np.zeros(unpadded_length(2.5), np.float32)
    with np.errstate(all="ignore"):
        theirs = as_float(sides.pipelines["clearvoice"](noisy))
    ours = cleaned(sides.ours("clearvoice"), noisy)
    return (
        "silence stays silence",
        f"ClearVoice: {int(np.isnan(theirs).sum()):,} of {len(theirs):,} samples are NaN",
        f"largest sample {np.abs(ours).max():.1g}",
    )


def cleaned(denoiser: Denoiser, noisy: np.ndarray) -> np.ndarray:
    return denoiser(Audio(noisy[None], SAMPLE_RATE)).samples[0]


def decibels(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(samples)) + 1e-20))


def end_step(samples: np.ndarray) -> float:
    """Largest step from sample to sample in the first and the last millisecond."""
    step = np.abs(np.diff(samples))
    return float(max(step[:16].max(), step[-16:].max()))


def steps(samples: np.ndarray, joints: np.ndarray) -> float:
    """Mean step from sample to sample at the joints over that 100 samples to either side."""
    step = np.abs(np.diff(samples))
    near = (joints[:, None] + np.r_[-100:-10, 10:100]).reshape(-1)
    return float(step[joints - 1].mean() / step[near].mean())


if __name__ == "__main__":
    main()
