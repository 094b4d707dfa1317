"""Films for tests to read."""

from pathlib import Path

import av
import numpy as np


def silent_film(path: Path) -> Path:
    """Half a second of black without a sound track."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for index in range(5):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))
            frame.pts = index
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


def two_track_film(path: Path) -> Path:
    """A second of picture with two tracks, as OBS records it: desktop (stereo), microphone."""
    rate = 48_000
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        layouts = ("stereo", "mono")
        streams = [container.add_stream("aac", rate=rate, layout=layout) for layout in layouts]
        for index in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * index, np.uint8))
            frame.pts = index
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for stream, layout, frequency in zip(streams, layouts, (300, 1_000), strict=True):
            tone = 0.2 * np.sin(2 * np.pi * frequency * np.arange(rate) / rate)
            samples = np.repeat(tone[None].astype(np.float32), 1 + (layout == "stereo"), axis=0)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, 0
            for part in (frame, None):
                container.mux(stream.encode(part))
    return path
