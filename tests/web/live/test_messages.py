"""Whatever arrives over the WebSocket is a frame, or is refused with a sentence."""

import json
import struct

import numpy as np
import pytest

from frcrn_app.web.live.messages import (
    FRAME,
    LiveError,
    read_frame,
    read_hello,
    to_pcm,
    to_samples,
)


def test_a_frame_comes_through_as_it_was_sent():
    pcm = np.arange(-160, 160, dtype="<i2").tobytes()
    frame = read_frame(struct.pack("<II", 7, 3) + pcm)
    assert (frame.number, frame.heard, frame.pcm) == (7, 3, pcm)


@pytest.mark.parametrize("size", [0, 1, 7, 8, 647, 649, 4_000])
def test_any_other_size_is_refused(size):
    with pytest.raises(LiveError, match="did not understand"):
        read_frame(bytes(size))


@pytest.mark.parametrize(
    "words",
    ["", "{", "[" * 2_000, "null", "7", '{"kind": "hello"}', "x" * 100_000]
    + [
        json.dumps({"kind": "hello", "rate": rate, "frame": FRAME}) for rate in (8_000, "16000", -1)
    ],
)
def test_any_other_first_words_are_refused(words):
    with pytest.raises(LiveError, match="did not understand"):
        read_hello(words)


def test_samples_survive_16_bits():
    every = np.arange(-32_768, 32_768, 101, dtype="<i2").tobytes()
    assert to_pcm(to_samples(every)) == every


def test_what_is_too_loud_is_clipped_and_does_not_wrap_around():
    loud = np.array([2.0, -2.0, 1.0, -1.0], np.float32)
    assert np.frombuffer(to_pcm(loud), "<i2").tolist() == [32_767, -32_768, 32_767, -32_768]
