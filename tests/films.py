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
