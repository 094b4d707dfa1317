"""What FFmpeg decodes: frames as samples, and codecs under the names that they are stored by."""

import numpy as np


def frame_samples(frame) -> np.ndarray:
    """Samples of an av.AudioFrame as float32 `[channels, samples]`."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128) / 128
    if np.issubdtype(samples.dtype, np.integer):
        full_scale = float(1 << (8 * samples.dtype.itemsize - 1))
        return (samples.astype(np.float64) / full_scale).astype(np.float32)
    return np.ascontiguousarray(samples, dtype=np.float32)


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
