"""Room impulse responses: simulated once into the cache, and split into early part and whole."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import UserError
from frcrn_app.files import atomic_path

EARLY_SECONDS = 0.05  # reflections that the ear adds to the direct sound (Haas): part of the target
FADE_SECONDS = 0.01  # of the early part's end, so that the target's echo does not stop dead
LONGEST_SECONDS = 1.0
BANK_VERSION = 1  # raise when the simulation changes


@dataclass(frozen=True)
class Room:
    """One response with the direct sound at sample 0 and an early part of unit energy.

    `whole` and `early` are float32; `early` is the beginning of `whole`, so that speech through
    the one is aligned to the sample with speech through the other.
    """

    whole: np.ndarray
    early: np.ndarray


def room_from_response(response: np.ndarray) -> Room:
    """Cut a response `[samples]` at its direct sound and split off its early part."""
    magnitude = np.abs(response)
    # The first arrival within 6 dB of the strongest one is the direct sound: a reflection may be
    # stronger, but what lies further below is noise of the measurement.
    direct = int(np.argmax(magnitude >= 0.5 * magnitude.max()))
    whole = np.asarray(response[direct : direct + int(LONGEST_SECONDS * SAMPLE_RATE)], np.float32)
    end, fade = int(EARLY_SECONDS * SAMPLE_RATE), int(FADE_SECONDS * SAMPLE_RATE)
    early = whole[:end].copy()
    if len(whole) > end:
        early[-fade:] *= np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32)) ** 2
    gain = np.float32(1 / np.sqrt(np.sum(early**2)))
    return Room(whole * gain, early * gain)


def simulated_rooms(
    count: int,
    cache: str | Path,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[Room]:
    """A bank of small rooms, image sources by pyroomacoustics; kept in the cache folder.

    Raises:
        UserError: the bank must be simulated and pyroomacoustics is not installed.
    """
    if count == 0:
        return []
    path = Path(cache) / f"rooms-v{BANK_VERSION}-{seed}-{count}.npz"
    if path.is_file():
        with np.load(path) as stored:
            responses, lengths = stored["responses"], stored["lengths"]
        return [room_from_response(r[:n]) for r, n in zip(responses, lengths, strict=True)]
    responses = []
    for number in range(count):
        responses.append(_simulate(np.random.default_rng((seed, number))))
        if progress is not None:
            progress(number + 1, count)
    lengths = np.array([len(response) for response in responses])
    padded = np.zeros((count, lengths.max()), np.float32)
    for row, response in zip(padded, responses, strict=True):
        row[: len(response)] = response
    with atomic_path(path) as draft:
        np.savez(draft, responses=padded, lengths=lengths)
    return [room_from_response(response) for response in responses]


def _simulate(rng: np.random.Generator) -> np.ndarray:
    """A response of a shoebox room: image sources first, then a decaying diffuse tail.

    Image sources of high order cost seconds a room and sound like noise anyway; from where their
    order ends, noise that decays with the same reverberation time goes on.
    """
    try:
        import pyroomacoustics
    except ImportError as error:
        raise UserError("training.no_pyroomacoustics") from error

    size = rng.uniform([2.5, 2.5, 2.3], [8.0, 7.0, 3.5])  # m: cabin to seminar room
    reverberation_time = rng.uniform(0.15, 0.8)  # s
    order = 8
    # Sabine: T = 0.161 V / (A S).  A above 0.9 is no room any more.
    volume = np.prod(size)
    surface = 2 * (size[0] * size[1] + size[0] * size[2] + size[1] * size[2])
    absorption = min(0.9, 0.161 * volume / (surface * reverberation_time))
    reverberation_time = 0.161 * volume / (surface * absorption)

    room = pyroomacoustics.ShoeBox(
        size,
        fs=SAMPLE_RATE,
        materials=pyroomacoustics.Material(absorption),
        max_order=order,
        air_absorption=True,
    )
    margin = 0.4  # m from every wall
    microphone = rng.uniform(margin, size - margin)
    while True:
        speaker = rng.uniform(margin, size - margin)
        distance = float(np.linalg.norm(speaker - microphone))
        if 0.3 <= distance <= 3.0:
            break
    room.add_source(speaker)
    room.add_microphone(microphone)
    room.compute_rir()
    assert room.rir is not None  # computed above
    response = np.asarray(room.rir[0][0], np.float64)

    # Up to this delay every reflection is of an order that was computed.
    complete = int(order * size.min() / 343.0 * SAMPLE_RATE) + int(distance / 343.0 * SAMPLE_RATE)
    complete = min(complete, len(response))
    length = complete + int(reverberation_time * SAMPLE_RATE)
    time = np.arange(length) / SAMPLE_RATE
    decay = 10 ** (-3 * time / reverberation_time)  # 60 dB in one reverberation time
    tail = rng.standard_normal(length)
    # Walls and air take the high frequencies first: a gentle low-pass for the late part.
    tail = tail + 0.6 * np.concatenate([[0.0], tail[:-1]])
    tail *= decay
    window = slice(max(0, complete - int(0.02 * SAMPLE_RATE)), complete)
    level = np.sqrt(np.sum(response[window] ** 2) / np.sum(tail[window] ** 2))
    whole = np.zeros(length)
    whole[:complete] = response[:complete]
    fade = np.clip((np.arange(length) - window.start) / (complete - window.start), 0, 1)
    whole *= np.sqrt(1 - fade)
    return (whole + level * tail * np.sqrt(fade)).astype(np.float32)
