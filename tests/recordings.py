"""Recordings for tests to read: noise, and files made by FFmpeg."""

import av
import numpy as np

RATE = 16_000


def noise(count=8_000, channels=1, amplitude=0.2, seed=0):
    """White noise below full scale, float32 `[channels, count]`."""
    samples = amplitude * np.random.default_rng(seed).standard_normal((channels, count))
    return samples.clip(-1, 0.999).astype(np.float32)


def write_by_av(path, samples, rate, *, codec, muxer=None, picture=False, bit_rate=None):
    """Encode `[channels, samples]` by FFmpeg, with half a second of video if wanted."""
    layout = "mono" if samples.shape[0] == 1 else "stereo"
    with av.open(str(path), "w", format=muxer) as container:
        if picture:
            video = container.add_stream("libvpx" if muxer == "webm" else "mpeg4", rate=10)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        stream = container.add_stream(codec, rate=rate, layout=layout)
        stream.codec_context.format = av.Codec(codec, "w").audio_formats[0]
        if bit_rate:
            stream.bit_rate = bit_rate
        if picture:
            for index in range(5):
                still = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 40 * index, np.uint8))
                still.pts = index
                container.mux(video.encode(still))
            container.mux(video.encode(None))
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        resampler = av.AudioResampler(stream.codec_context.format, layout, rate)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def snr_db(reference, other):
    """Signal-to-noise ratio over the common length; a delay or a swapped channel shows at once."""
    count = min(reference.shape[-1], other.shape[-1])
    error = other[..., :count] - reference[..., :count]
    return 10 * np.log10(np.sum(reference[..., :count] ** 2) / (np.sum(error**2) + 1e-20))
