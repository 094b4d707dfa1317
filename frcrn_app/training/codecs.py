"""Lossy codec passes, as calls and recordings have them, aligned with what went in."""

import io
from fractions import Fraction
from functools import lru_cache

import numpy as np

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.training.transform import fast_length, irfft, rfft

# Container, bit rates in bit/s. Below these the codec changes the phase of so much of the
# spectrum that the uncoded target is no fair target any more.
CODECS = {
    "libopus": ("ogg", (16_000, 24_000, 32_000)),
    "libmp3lame": ("mp3", (32_000, 48_000, 64_000)),
}


def codec_pass(samples: np.ndarray, codec: str, bit_rate: int) -> np.ndarray:
    """Encode and decode `[samples]` at 16 kHz; the same length out, the codec's delay removed.

    Args:
        codec: a key of `CODECS`, FFmpeg's name of the encoder.
        bit_rate: bit/s.
    """
    decoded = _decoded(_encoded(samples, codec, bit_rate))
    delay = _delay(codec, bit_rate)
    shifted = decoded[delay:] if delay >= 0 else np.pad(decoded, (-delay, 0))
    shifted = np.clip(shifted[: len(samples)], -1, 1)  # decoders overshoot
    return np.pad(shifted, (0, len(samples) - len(shifted))).astype(np.float32)


def _encoded(samples: np.ndarray, codec: str, bit_rate: int) -> io.BytesIO:
    import av

    stored = io.BytesIO()
    with av.open(stored, "w", format=CODECS[codec][0]) as output:
        stream = output.add_stream(codec, rate=SAMPLE_RATE, layout="mono")
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = bit_rate
        clipped = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(clipped[None], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = Fraction(1, SAMPLE_RATE)
        frame.pts = 0
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=SAMPLE_RATE, frame_size=stream.frame_size
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    stored.seek(0)
    return stored


def _decoded(stored: io.BytesIO) -> np.ndarray:
    import av

    with av.open(stored, "r") as source:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        parts = [p for frame in source.decode(audio=0) for p in resampler.resample(frame)]
        parts += resampler.resample(None)
    return np.concatenate([part.to_ndarray()[0] for part in parts])


@lru_cache(maxsize=32)
def _delay(codec: str, bit_rate: int) -> int:
    """Samples by which a codec is late, found on noise: its correlation has one peak only.

    Players trim the delay by what the container says, and not all containers say it right.
    """
    noise = 0.1 * np.random.default_rng(0).standard_normal(SAMPLE_RATE).astype(np.float32)
    decoded = _decoded(_encoded(noise, codec, bit_rate))
    size = fast_length(len(noise) + len(decoded))
    spectrum = rfft(decoded, size) * np.conj(rfft(noise, size))
    lag = int(np.argmax(irfft(spectrum, size)))
    return lag if lag < size // 2 else lag - size
