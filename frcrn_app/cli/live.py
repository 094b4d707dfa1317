"""python -m frcrn_app live: from a microphone to a loudspeaker, or from stdin to stdout."""

import argparse
import sys
from typing import TYPE_CHECKING, BinaryIO

from frcrn_app.cli.arguments import add_strength_argument, positive
from frcrn_app.errors import DeviceError

if TYPE_CHECKING:
    import numpy as np

    from frcrn_app.inference import LiveDenoiser

HELP = "clean what comes in while it comes in: from a microphone, or as PCM from stdin to stdout"

BLOCK_SECONDS = 0.02
READ = 1 << 16  # bytes that are taken from stdin at once, at most
FULL_SCALE = 32_768


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pcm",
        action="store_true",
        help="16-bit little-endian samples from stdin to stdout, in place of sound devices",
    )
    parser.add_argument(
        "--input", metavar="DEVICE", help="name or number of the microphone (default: the system's)"
    )
    parser.add_argument(
        "--output",
        metavar="DEVICE",
        help="name or number of the loudspeaker or virtual device (default: the system's)",
    )
    parser.add_argument("--devices", action="store_true", help="list the sound devices and stop")
    parser.add_argument(
        "--rate", type=positive, default=16_000, metavar="HZ", help="sample rate (default: 16000)"
    )
    parser.add_argument(
        "--channels", type=positive, default=1, metavar="N", help="interleaved (default: 1)"
    )
    add_strength_argument(parser)
    parser.add_argument(
        "--weights",
        metavar="NAME or PATH",
        help="of a causal network (default: frcrn-live)",
    )


def run(args: argparse.Namespace) -> int:
    """Cleans until the input ends, or until Ctrl-C.

    Raises:
        UserError: there are no such weights, rate or device.
    """
    if args.devices:
        print(_sounddevice().query_devices())
        return 0
    from frcrn_app.inference import LIVE_WEIGHTS, LiveDenoiser

    live = LiveDenoiser(
        args.weights or LIVE_WEIGHTS,
        sample_rate=args.rate,
        channels=args.channels,
        strength=args.strength,
    )
    print(f"delay {1000 * live.delay:.0f} ms, beside that of the devices", file=sys.stderr)
    if args.pcm:
        _pipe(live, sys.stdin.buffer, sys.stdout.buffer)
    else:
        _play(live, args.input, args.output)
    return 0


def _pipe(live: "LiveDenoiser", source: BinaryIO, target: BinaryIO) -> None:
    """16-bit PCM, interleaved, from a stream of bytes to another, until the first one ends."""
    import numpy as np

    frame = 2 * live.channels  # bytes
    rest = b""
    read = getattr(source, "read1", source.read)  # what is there, rather than as much as asked for
    while data := read(READ):
        data = rest + data
        whole = len(data) // frame * frame
        data, rest = data[:whole], data[whole:]
        samples = np.frombuffer(data, "<i2").reshape(-1, live.channels).T
        target.write(_as_pcm(live.push(samples.astype(np.float32) / FULL_SCALE)))
        target.flush()
    target.write(_as_pcm(live.flush()))
    target.flush()


def _as_pcm(samples: "np.ndarray") -> bytes:
    import numpy as np

    scaled = np.clip(np.rint(samples.T * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    return scaled.astype("<i2").tobytes()


def _play(live: "LiveDenoiser", source: str | None, target: str | None) -> None:
    """From one sound device to another until Ctrl-C."""
    import numpy as np

    sounddevice = _sounddevice()
    block = round(BLOCK_SECONDS * live.sample_rate)
    try:
        stream = sounddevice.Stream(
            samplerate=live.sample_rate,
            blocksize=block,
            device=(_device(source), _device(target)),
            channels=live.channels,
            dtype="float32",
            latency="low",
        )
    except (sounddevice.PortAudioError, ValueError) as error:
        raise DeviceError("inference.live_device", reason=str(error)) from error
    print("running; Ctrl-C ends", file=sys.stderr)
    with stream:
        # What the loudspeaker plays while the first frames are not yet out.
        stream.write(np.zeros((block, live.channels), np.float32))
        while True:
            samples, _ = stream.read(block)
            cleaned = live.push(samples.T)
            if cleaned.size:
                stream.write(np.ascontiguousarray(cleaned.T))


def _device(name: str | None) -> str | int | None:
    return int(name) if name and name.isdecimal() else name


def _sounddevice():
    try:
        import sounddevice
    except ImportError:
        raise DeviceError("inference.package_missing", package="sounddevice") from None
    except OSError as error:  # the package is there, the library that it opens is not
        raise DeviceError("inference.live_device", reason=str(error)) from error
    return sounddevice
