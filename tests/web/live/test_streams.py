"""What sessions' frames become on their network, without a clock or a browser."""

import numpy as np
import pytest

from frcrn_app.audio import load_audio
from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.metrics import si_sdr
from frcrn_app.web.live.messages import FRAME, to_pcm, to_samples
from frcrn_app.web.live.streams import Streams

SECONDS = 5


@pytest.fixture(scope="module")
def recordings(example_pairs) -> list[tuple[np.ndarray, np.ndarray]]:
    """(noisy, clean) of two examples, [samples]."""
    count = SECONDS * SAMPLE_RATE
    return [
        (load_audio(noisy).samples[0, :count], load_audio(clean).samples[0, :count])
        for noisy, clean in example_pairs[:2]
    ]


@pytest.fixture(scope="module")
def cleaned(recordings) -> list[np.ndarray]:
    """The noisy versions as two sessions of the embedded network give them, [samples]."""
    streams = Streams("frcrn-live")
    ready: dict[int, dict[int, np.ndarray]] = {session: {} for session in range(len(recordings))}
    for number in range(SECONDS * SAMPLE_RATE // FRAME):
        part = slice(number * FRAME, (number + 1) * FRAME)
        work = [(one, number, to_pcm(noisy[part])) for one, (noisy, _) in enumerate(recordings)]
        for session, came_in_as, pcm in streams.advance(work):
            ready[session][came_in_as] = to_samples(pcm)
    return [np.concatenate([frames[one] for one in sorted(frames)]) for frames in ready.values()]


def test_the_embedded_network_takes_the_noise_away(recordings, cleaned):
    gains = []
    for (noisy, clean), enhanced in zip(recordings, cleaned, strict=True):
        count = len(enhanced)
        assert count >= (SECONDS - 0.06) * SAMPLE_RATE  # its delay
        gains.append(si_sdr(clean[:count], enhanced) - si_sdr(clean[:count], noisy[:count]))
    assert min(gains) > 3  # dB
    assert np.mean(gains) > 6


def test_sessions_that_advance_together_are_cleaned_as_one_alone(recordings, cleaned):
    noisy, alone = recordings[1][0], Streams("frcrn-live")
    compared = 0
    for number in range(10):
        frame = to_pcm(noisy[number * FRAME : (number + 1) * FRAME])
        for _, came_in_as, pcm in alone.advance([(7, number, frame)]):
            beside_another = cleaned[1][came_in_as * FRAME : (came_in_as + 1) * FRAME]
            assert np.abs(to_samples(pcm) - beside_another).max() < 1e-4
            compared += 1
    assert compared == 8  # all but what is still inside
