"""What FFmpeg decodes: frames as samples, and codecs under the names that they are stored by."""

import numpy as np

# PyAV takes a frame's planes to end at a null pointer, which none follows from eight on: it would
# read and write whatever stands there.
_MOST_PLANES = 7


def frame_samples(frame) -> np.ndarray:
    """Samples of an av.AudioFrame as float32 `[channels, samples]`."""
    if frame.format.is_planar and frame.layout.nb_channels > _MOST_PLANES:
        frame = _converted(frame, frame.format.packed.name)
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128) / 128
    if np.issubdtype(samples.dtype, np.integer):
        full_scale = float(1 << (8 * samples.dtype.itemsize - 1))
        return (samples.astype(np.float64) / full_scale).astype(np.float32)
    return np.ascontiguousarray(samples, dtype=np.float32)


def frame_of(samples: np.ndarray, kind: str, layout: str, rate: int):
    """An av.AudioFrame of samples `[channels, samples]`, which have the type of its format.

    Args:
        kind: FFmpeg's name of the format, planar or packed: "s16p", "flt" ...
        layout: FFmpeg's name.
        rate: Hz.
    """
    import av

    packed = kind.removesuffix("p")
    if kind == packed or len(samples) > _MOST_PLANES:
        shape = samples.T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(shape), packed, layout)
    else:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), kind, layout)
    frame.sample_rate = rate
    return frame if frame.format.name == kind else _converted(frame, kind)


def _converted(frame, kind: str):
    """The same samples, planar instead of packed or the other way round."""
    import av

    (converted,) = av.AudioResampler(kind, frame.layout, frame.sample_rate).resample(frame)
    return converted


def subtype_of(codec) -> str:
    """Lossless codecs under soundfile's names, so that they are stored losslessly again."""
    lossless = ("alac", "flac", "wavpack", "ape", "tta", "tak", "truehd", "mlp", "wmalossless")
    if codec.name.startswith("dsd"):
        return "PCM_24"
    if codec.name in lossless or codec.name.startswith("pcm_"):
        sample = codec.format.name.rstrip("p")
        return {"s32": "PCM_24", "flt": "FLOAT", "dbl": "DOUBLE"}.get(sample, "PCM_16")
    names = {"libopus": "OPUS", "mp3float": "MPEG_LAYER_III", "mp3": "MPEG_LAYER_III"}
    return names.get(codec.name) or codec.name.upper()
