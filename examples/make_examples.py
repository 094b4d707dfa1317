"""Make everything in examples/noisy, examples/pairs and examples/LICENSES.md again.

    python -m examples.make_examples [--packages FOLDER]        (from the repository's root)

The voices are telephone prompts from Debian's asterisk-core-sounds-*-g722 packages, the music is
from asterisk-moh-opsound-g722; `apt-get download` fetches them into FOLDER (installing nothing),
where files from an earlier call are taken as they are. All other noise is made here, from seeded
random numbers: the same libraries give the same bytes.

A noise is meant to sound and to measure like the thing it is named after: coloured, modulated,
with events at irregular times. Signal-to-noise ratios are of the whole clip.
"""

import argparse
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt, sosfiltfilt

from frcrn_app.audio import Audio, resample, rms_dbfs, save_audio

EXAMPLES = Path(__file__).resolve().parent
RATE = 16_000  # Hz; G.722 speech is sampled so
SOUND_SPEED = 343.0  # metres a second


# ------------------------------------------------------------------------------------- the sources


@dataclass(frozen=True)
class Voice:
    language: str
    package: str
    folder: str  # of its prompts inside the package
    credit: str  # as the package's copyright file names it
    licence: str


VOICES = {
    "en": Voice(
        "English",
        "asterisk-core-sounds-en-g722",
        "en_US_f_Allison",
        "Allison Smith (http://www.theivrvoice.com), 2003-2010",
        "CC-BY-SA-3.0",
    ),
    "es": Voice(
        "Spanish",
        "asterisk-core-sounds-es-g722",
        "es_MX_f_Allison",
        "Allison Smith (http://www.theivrvoice.com), 2003-2010",
        "CC-BY-SA-3.0",
    ),
    "fr": Voice(
        "French",
        "asterisk-core-sounds-fr-g722",
        "fr_CA_f_June",
        "June Wallack (http://www.junewallack.com), 2006-2008",
        "CC-BY-SA-3.0",
    ),
    "it": Voice(
        "Italian",
        "asterisk-core-sounds-it-g722",
        "it_IT_m_Carlo",
        "Carlo Flora (http://www.segreterietelefoniche.it), 2012",
        "CC-BY-3.0",
    ),
    "ru": Voice(
        "Russian",
        "asterisk-core-sounds-ru-g722",
        "ru_RU_f_IvrvoiceRU",
        "Maxim Topal (http://www.ivrvoice.ru), 2010",
        "CC-BY-3.0",
    ),
}
MUSIC_PACKAGE = "asterisk-moh-opsound-g722"
MUSIC_CREDITS = {
    "manolo_camp-morning_coffee": "Manolo Camp (http://ccmixter.org/people/ManoloCamp), 2009",
    "reno_project-system": "Reno Project (http://www.jamendo.com/en/album/23661), 2008",
}


class Packages:
    """Debian packages, fetched and unpacked once."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.versions: dict[str, str] = {}

    def root(self, package: str) -> Path:
        unpacked = self.folder / package
        if package not in self.versions:
            archives = sorted(self.folder.glob(f"{package}_*.deb"))
            if not archives:
                subprocess.run(["apt-get", "download", package], cwd=self.folder, check=True)
                archives = sorted(self.folder.glob(f"{package}_*.deb"))
            subprocess.run(["dpkg-deb", "-x", archives[-1], unpacked], check=True)
            fields = ["dpkg-deb", "-f", archives[-1], "Version"]
            self.versions[package] = subprocess.check_output(fields, text=True).strip()
        return unpacked / "usr/share/asterisk"

    def prompt(self, voice: str, name: str) -> np.ndarray:
        """Return a voice prompt, `[samples]` at 16 kHz."""
        source = VOICES[voice]
        return decode_g722(self.root(source.package) / f"sounds/{source.folder}/{name}.g722")

    def music(self, name: str) -> np.ndarray:
        """Return a piece of music, `[samples]` at 16 kHz."""
        return decode_g722(self.root(MUSIC_PACKAGE) / f"moh/{name}.g722")


def decode_g722(path: Path) -> np.ndarray:
    import av

    with av.open(str(path), format="g722") as container:
        frames = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    return np.concatenate(frames) / 32768


@dataclass(frozen=True)
class Passage:
    """A stretch of a prompt that begins and ends in the speaker's own pauses, in seconds."""

    voice: str
    prompt: str
    begin: float
    end: float

    def samples(self, packages: Packages) -> np.ndarray:
        prompt = packages.prompt(self.voice, self.prompt)
        cut = prompt[round(self.begin * RATE) : round(self.end * RATE)]
        fade = np.hanning(2 * 160)[:160]
        cut[:160] *= fade
        cut[-160:] *= fade[::-1]
        rest = np.zeros(round(0.25 * RATE))  # before and after, as a recording has it
        return np.concatenate([rest, cut, rest])


# --------------------------------------------------------------------------------- building blocks


def coloured_noise(count: int, rate: int, rng, slope: float, low: float, high: float = 1e9):
    """Gaussian noise falling by `slope` dB an octave between `low` and `high` Hz; RMS 1."""
    frequency = np.fft.rfftfreq(count, 1 / rate)
    gain = (np.maximum(frequency, low) / low) ** (-slope / 6.02)
    gain *= 1 / np.sqrt(1 + (low / np.maximum(frequency, 1e-3)) ** 8)
    gain *= 1 / np.sqrt(1 + (frequency / high) ** 8)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * gain, count)
    return noise / np.sqrt(np.mean(noise**2))


def drift(count: int, rate: int, rng, hertz: float) -> np.ndarray:
    """A slow random curve of unit variance, no faster than `hertz`."""
    coarse = rng.standard_normal(max(8, int(4 * count / rate * hertz) + 8))
    places = np.arange(len(coarse)) / (4 * hertz)
    curve = np.interp(np.arange(count) / rate + 2 / hertz / 4, places, coarse)
    return sosfiltfilt(butter(2, hertz, fs=rate, output="sos"), curve) * 1.5


def db(decibels):
    return 10 ** (np.asarray(decibels) / 20)


def unit_rms(samples: np.ndarray) -> np.ndarray:
    return samples / np.sqrt(np.mean(samples**2))


def shoebox_response(room, source, microphone, rt60: float, rate: int, rng) -> np.ndarray:
    """Impulse response of a rectangular room by image sources (Allen and Berkley, 1979).

    High frequencies die faster, as carpets, curtains and air make them: two responses, the upper
    one with 0.6 of the reverberation time, meet at 1.5 kHz. Images are moved by centimetres, so
    that parallel walls do not ring.

    Args:
        room, source, microphone: three lengths in metres.
        rt60: seconds in which sound falls by 60 dB.
    """
    room, source, microphone = (np.asarray(v, dtype=float) for v in (room, source, microphone))
    surface = 2 * (room[0] * room[1] + room[1] * room[2] + room[0] * room[2])
    count = int(1.1 * rt60 * rate)
    reach = np.ceil(count / rate * SOUND_SPEED / (2 * room)).astype(int)
    grid = [np.arange(-r, r + 1) for r in reach]
    n = np.stack(np.meshgrid(*grid, indexing="ij"), -1).reshape(-1, 3)
    halves = []
    for scale in (1.0, 0.6):
        absorption = 0.161 * np.prod(room) / (surface * rt60 * scale)  # Sabine
        reflection = np.sqrt(1 - min(0.99, absorption))
        response = np.zeros(count + 64)
        jitter = np.random.default_rng(rng.integers(1 << 32))
        for mirror in np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), -1).reshape(
            -1, 3
        ):
            image = (1 - 2 * mirror) * source + 2 * n * room
            bounces = np.abs(2 * n - mirror).sum(axis=1)
            image = image + (bounces > 0)[:, None] * jitter.uniform(-0.04, 0.04, image.shape)
            distance = np.linalg.norm(image - microphone, axis=1)
            delay = distance / SOUND_SPEED * rate
            kept = delay < count
            whole = delay[kept].astype(int)
            weight = reflection ** bounces[kept] / (4 * np.pi * distance[kept])
            np.add.at(response, whole, weight * (1 - delay[kept] + whole))
            np.add.at(response, whole + 1, weight * (delay[kept] - whole))
        halves.append(response)
    low = sosfilt(butter(2, 1500, fs=rate, output="sos"), halves[0])
    high = sosfilt(butter(2, 1500, "high", fs=rate, output="sos"), halves[1])
    response = sosfilt(butter(2, 40, "high", fs=rate, output="sos"), low + high)
    return response / np.max(np.abs(response))


def in_room(samples: np.ndarray, rate: int, rng, rt60: float, distance: float) -> np.ndarray:
    """A sound at some metres from the microphone in a middling room; same length, same RMS."""
    room = np.array([6.0, 4.5, 2.8]) + rng.uniform(-0.5, 0.5, 3)
    microphone = room * [0.4, 0.45, 0.4] + rng.uniform(-0.2, 0.2, 3)
    angle = rng.uniform(0, 2 * np.pi)
    source = microphone + distance * np.array([np.cos(angle), np.sin(angle), 0.05])
    source = np.clip(source, 0.3, room - 0.3)
    response = shoebox_response(room, source, microphone, rt60, rate, rng)
    wet = fftconvolve(samples, response)[: len(samples)]
    return wet * np.sqrt(np.mean(samples**2) / np.mean(wet**2))


# ----------------------------------------------------------------------------------------- noises


def fan(count: int, rate: int, rng, packages: Packages) -> np.ndarray:
    """A computer or desk fan: rushing air, blade tones over it, a bearing's whine, mains hum."""
    time = np.arange(count) / rate
    air = coloured_noise(count, rate, rng, slope=6, low=180)
    casing = sosfilt(butter(2, [350, 700], "band", fs=rate, output="sos"), air)
    air = unit_rms(air + 0.8 * casing) * db(0.8 * drift(count, rate, rng, 4))
    turns = 23.4 * (1 + 0.004 * drift(count, rate, rng, 0.7))  # a second
    phase = 2 * np.pi * np.cumsum(turns) / rate
    tones = np.zeros(count)
    for harmonic in range(1, 10):  # seven blades
        level = db(-4.5 * (harmonic - 1) + rng.uniform(-3, 3))
        wobble = 1 + 0.15 * np.sin(phase + rng.uniform(0, 6.28))  # one blade is never like the rest
        tones += level * wobble * np.sin(7 * harmonic * phase + rng.uniform(0, 6.28))
    whine = np.sin(96 * phase) * (1 + 0.4 * np.sin(phase)) * db(2 * drift(count, rate, rng, 3))
    hum = sum(db(-6 * k) * np.sin(2 * np.pi * 100 * (k + 1) * time) for k in range(4))
    return air + 0.28 * tones + 0.02 * whine + 0.05 * hum


def keyboard(count: int, rate: int, rng, packages: Packages) -> np.ndarray:
    """Typing on a desk: press and release of keys in words, over a quiet room."""
    out = np.zeros(count + rate)
    keys = [
        {"modes": rng.uniform([900, 2000, 3400, 5200], [1500, 3000, 4600, 7200]), "wood": hz}
        for hz in rng.uniform(140, 320, 24)
    ]

    def strike(at: float, key: dict, level: float, hollow: float) -> None:
        length = int(0.09 * rate)
        t = np.arange(length) / rate
        contact = rng.standard_normal(length) * np.exp(-t / 0.0012)
        ring = sum(
            a * np.sin(2 * np.pi * f * t + rng.uniform(0, 6.28)) * np.exp(-t / tau)
            for f, a, tau in zip(
                key["modes"], [0.8, 1.0, 0.7, 0.4], [0.006, 0.004, 0.003, 0.002], strict=True
            )
        )
        thump = np.sin(2 * np.pi * key["wood"] * t) * np.exp(-t / 0.016) * hollow
        begin = int(at * rate)
        out[begin : begin + length] += level * (contact + ring + thump)

    now = 0.15
    while now < count / rate - 0.2:
        for _letter in range(rng.integers(2, 9)):
            key = keys[rng.integers(len(keys))]
            loudness = db(rng.normal(0, 3))
            strike(now, key, 0.35 * loudness, 0.2)  # the finger touches
            strike(now + rng.uniform(0.008, 0.02), key, loudness, 0.7)  # the key bottoms out
            strike(now + rng.uniform(0.07, 0.13), key, 0.4 * loudness, 0.1)  # and comes back
            now += 0.055 + rng.gamma(3.0, 0.03)
            if now > count / rate - 0.2:
                break
        strike(now, keys[0], db(rng.normal(2, 2)), 1.6)  # space bar
        now += rng.gamma(2.0, 0.16)
    typed = in_room(out[:count], rate, rng, 0.25, 0.6)
    room = coloured_noise(count, rate, rng, slope=6, low=90)
    return unit_rms(typed) + 0.06 * room


def street(count: int, rate: int, rng, packages: Packages) -> np.ndarray:
    """A city street `[2, samples]`: distant rumble, cars that pass from side to side, a scooter."""
    time = np.arange(count) / rate
    both = np.stack([coloured_noise(count, rate, rng, slope=6, low=60) for _ in range(2)])
    shared = coloured_noise(count, rate, rng, slope=5, low=60)
    out = 0.3 * (both + shared) * db(1.5 * drift(count, rate, rng, 0.5))
    seconds = count / rate
    for index, nearest in enumerate(rng.permutation([0.15, 0.45, 0.8]) * seconds):
        speed = rng.uniform(9, 15)  # metres a second
        side = rng.choice([-1, 1])
        along = speed * (time - nearest) * side
        distance = np.hypot(along, rng.uniform(4, 9))
        approach = -np.gradient(distance, 1 / rate)
        doppler = 1 / (1 - approach / SOUND_SPEED)
        tyres = coloured_noise(count, rate, rng, slope=5, low=500)
        tyres += 1.2 * sosfilt(butter(2, [650, 1300], "band", fs=rate, output="sos"), tyres)
        if index == 0:  # a scooter: one cylinder, loud
            firing, sharpness, engine_level = rng.uniform(75, 95), 3.5, 1.4
        else:
            firing, sharpness, engine_level = rng.uniform(48, 66), 5.5, 0.5
        phase = 2 * np.pi * np.cumsum(firing * doppler * (1 + 0.01 * drift(count, rate, rng, 1)))
        phase /= rate
        engine = sum(
            db(-sharpness * k + rng.uniform(-3, 3)) * np.sin((k + 1) * phase + rng.uniform(0, 6.28))
            for k in range(14)
        )
        engine *= 1 + 0.2 * rng.standard_normal(count).cumsum() / np.sqrt(count)
        near = 6 / distance
        dull = sosfilt(butter(1, 2500, fs=rate, output="sos"), tyres)
        closeness = np.clip(near - 0.4, 0, 1)  # air takes the treble of what is far
        car = near * (closeness * tyres + (1 - closeness) * dull + engine_level * 0.4 * engine)
        pan = 0.5 + 0.4 * along / distance
        out += np.stack([np.sqrt(1 - pan), np.sqrt(pan)]) * car
    return out


def street_mono(count: int, rate: int, rng, packages: Packages) -> np.ndarray:
    return street(count, rate, rng, packages).mean(axis=0)


def rain(count: int, rate: int, rng, packages: Packages) -> np.ndarray:
    """Rain on a window sill: a hiss of thousands of drops, single ones near, a gutter behind."""
    time = np.arange(count) / rate
    hiss = coloured_noise(count, rate, rng, slope=1.5, low=900) * db(drift(count, rate, rng, 0.8))
    drops = np.zeros(count + rate)
    for at in rng.uniform(0, count / rate, int(90 * count / rate)):
        length = int(0.03 * rate)
        t = np.arange(length) / rate
        hertz, decay = rng.uniform(700, 5200), rng.uniform(0.001, 0.006)
        drop = np.sin(2 * np.pi * hertz * t * (1 + 2 * t)) + 0.5 * rng.standard_normal(length)
        begin = int(at * rate)
        drops[begin : begin + length] += db(rng.normal(-4, 7)) * drop * np.exp(-t / decay)
    gutter = coloured_noise(count, rate, rng, slope=6, low=250)
    gutter *= db(3 * drift(count, rate, rng, 6)) * (1 + 0.3 * np.sin(2 * np.pi * 1.7 * time))
    return unit_rms(hiss) + 1.1 * unit_rms(drops[:count]) + 0.5 * unit_rms(gutter)


def babble(count: int, rate: int, rng, packages: Packages, talkers: int = 8) -> np.ndarray:
    """People talking at once around the microphone, each at a place and a level of their own.

    Five voices become more by playing them up to 12 % faster or slower.
    """
    prompts = ("demo-instruct", "priv-callee-options", "conf-adminmenu-162", "vm-options")
    out = np.zeros(count)
    order = [v for v in ("en", "fr", "it", "ru") for _ in range(talkers // 4 + 1)][:talkers]
    for index, voice in enumerate(order):
        speech = packages.prompt(voice, prompts[index % len(prompts)])
        loud = np.abs(speech) > 1e-3
        speech = speech[int(np.argmax(loud)) : len(loud) - int(np.argmax(loud[::-1]))]
        factor = (1.0, 0.9, 1.11, 0.94, 1.06)[(index // 4 + index) % 5] * rng.uniform(0.98, 1.02)
        places = np.arange(int(len(speech) / factor)) * factor
        speech = np.interp(places, np.arange(len(speech)), speech)
        speech = (
            resample(speech[None].astype(np.float32), RATE, rate)[0] if rate != RATE else speech
        )
        begin = rng.integers(0, max(1, len(speech) - count))
        speech = np.resize(speech[begin:], count)
        far = in_room(speech, rate, rng, rt60=0.5, distance=rng.uniform(1.2, 2.6))
        out += unit_rms(far) * db(rng.normal(0, 2.5))
    return out


def cafe(count: int, rate: int, rng, packages: Packages) -> np.ndarray:
    """A café: guests, cups and cutlery, the steam of the coffee machine, an extractor's rumble."""
    time = np.arange(count) / rate
    guests = unit_rms(babble(count, rate, rng, packages, talkers=12))
    cups = np.zeros(count + rate)
    for at in rng.uniform(0, count / rate, int(2.2 * count / rate)):
        length = int(0.5 * rate)
        t = np.arange(length) / rate
        base = rng.uniform(1500, 3600)
        ring = sum(
            rng.uniform(0.3, 1) * np.sin(2 * np.pi * base * ratio * t) * np.exp(-t / tau)
            for ratio, tau in zip((1, 1.52, 2.31), rng.uniform(0.02, 0.12, 3), strict=True)
            if base * ratio < 0.45 * rate
        )
        tick = rng.standard_normal(length) * np.exp(-t / 0.0015)
        begin = int(at * rate)
        cups[begin : begin + length] += db(rng.normal(-3, 5)) * (ring + tick)
    cups = in_room(cups[:count], rate, rng, 0.5, 2.0)
    steam = coloured_noise(count, rate, rng, slope=-2, low=1500, high=6500)
    begin, end = np.array([0.5, 0.85]) * count / rate
    steam *= 1 / (1 + np.exp(-(time - begin) / 0.12)) / (1 + np.exp((time - end) / 0.1))
    rumble = coloured_noise(count, rate, rng, slope=7, low=80)
    return guests + 0.4 * unit_rms(cups) + 0.35 * steam + 0.35 * rumble


def music(piece: str, begin: float) -> Callable[..., np.ndarray]:
    def play(count: int, rate: int, rng, packages: Packages) -> np.ndarray:
        first = round(begin * RATE)
        played = packages.music(piece)[first : first + count]
        return in_room(played, rate, rng, rt60=0.35, distance=2.0)  # from a loudspeaker

    return play


def ventilation(count: int, rate: int, rng, packages: Packages) -> np.ndarray:
    """The quiet rush of an office's air supply."""
    return coloured_noise(count, rate, rng, slope=6, low=120) * db(drift(count, rate, rng, 1))


# ------------------------------------------------------------------------------- what is made of it


@dataclass(frozen=True)
class Clip:
    name: str
    passage: Passage
    noise: Callable[..., np.ndarray]
    label: str  # the noise in words, for LICENSES.md
    snr: float  # dB
    level: float = -26.0  # dBFS of the speech
    music: str | None = None
    rate: int = RATE
    room: float | None = None  # reverberation time in seconds, of the speech
    container: str = "FLAC"


PAIRS = (
    Clip("english_fan", Passage("en", "demo-congrats", 0.0, 7.22), fan, "fan", -2.0, -24.0),
    Clip(
        "italian_keyboard",
        Passage("it", "demo-congrats", 5.6, 12.1),
        keyboard,
        "keyboard",
        4.0,
        -27.0,
    ),
    Clip("french_street", Passage("fr", "demo-congrats", 11.4, 17.4), street_mono, "street", 1.0),
    Clip(
        "russian_music",
        Passage("ru", "demo-congrats", 5.95, 12.4),
        music("reno_project-system", 60.0),
        "music",
        6.0,
        -22.0,
        music="reno_project-system",
    ),
    Clip(
        "spanish_babble",
        Passage("es", "priv-callee-options", 8.2, 15.5),
        babble,
        "babble of eight voices",
        8.0,
    ),
    Clip("italian_rain", Passage("it", "demo-instruct", 11.9, 18.7), rain, "rain", 13.0, -30.0),
)

NOISY = (
    Clip("fan-russian", Passage("ru", "demo-instruct", 9.8, 16.3), fan, "fan", 3.0, -25.0),
    Clip(
        "keyboard-english",
        Passage("en", "demo-instruct", 24.15, 32.05),
        keyboard,
        "keyboard",
        3.0,
        -27.0,
    ),
    Clip(
        "street-italian-stereo",
        Passage("it", "demo-instruct", 22.3, 28.2),
        street,
        "street, in stereo",
        3.0,
        -23.0,
        rate=44_100,
        container="MP3",
    ),
    Clip(
        "music-french",
        Passage("fr", "demo-congrats", 17.35, 25.4),
        music("manolo_camp-morning_coffee", 12.0),
        "music",
        5.0,
        -24.0,
        music="manolo_camp-morning_coffee",
    ),
    Clip(
        "cafe-spanish", Passage("es", "priv-callee-options", 15.5, 23.05), cafe, "café", 6.0, -25.0
    ),
    Clip(
        "room-english",
        Passage("en", "demo-instruct", 56.75, 62.3),
        ventilation,
        "reverberant room and its ventilation",
        18.0,
        -28.0,
        room=0.7,
    ),
)


def mix(clip: Clip, packages: Packages) -> tuple[np.ndarray, np.ndarray]:
    """Return (clean, noisy), `[channels, samples]` at the clip's rate, as the label says."""
    rng = np.random.default_rng(zlib.crc32(clip.name.encode()))
    speech = clip.passage.samples(packages)[None]
    if clip.rate != RATE:
        speech = resample(speech.astype(np.float32), RATE, clip.rate).astype(np.float64)
    if clip.room is not None:
        speech = in_room(speech[0], clip.rate, rng, clip.room, distance=2.2)[None]
    speech *= db(clip.level - rms_dbfs(speech))
    noise = np.atleast_2d(clip.noise(speech.shape[1], clip.rate, rng, packages))
    noise *= db(clip.level - clip.snr - rms_dbfs(noise))
    clean = np.broadcast_to(speech, noise.shape)
    noisy = clean + noise
    # One gain for both keeps the ratio where loud events would clip.
    gain = min(1.0, 0.97 / max(np.abs(noisy).max(), np.abs(clean).max()))
    return gain * clean, gain * noisy


def write(folder: str, clip: Clip, samples: np.ndarray) -> Path:
    subtype = "PCM_16" if clip.container == "FLAC" else None
    suffix = ".flac" if clip.container == "FLAC" else ".mp3"
    audio = Audio(samples, clip.rate, clip.container, subtype)
    return save_audio(EXAMPLES / folder / f"{clip.name}{suffix}", audio)


LICENSES_HEAD = """# Where the examples come from, and under which licences

Made by `python -m examples.make_examples`; do not edit by hand.

Every clip is an adaptation of recordings by others and may be used, changed and passed on under
[CC BY-SA 3.0](http://creativecommons.org/licenses/by-sa/3.0/), if its authors below are named and
what is made of it is licensed alike. The Italian and Russian prompts came under
[CC BY 3.0](http://creativecommons.org/licenses/by/3.0/), so that the files under `pairs/clean` made
of them alone stay under it.

What was done to them: passages were cut at the speakers' pauses, decoded from G.722 at 16 kHz,
brought to a level, mixed with noise, and where the table says so resampled or placed in a simulated
room. Noise is synthetic, made by `make_examples.py` (part of this project, under its licence),
except music and babble, which come from the packages named.

The same voices occur in the data that the embedded weights were trained on (see
`weights/MODEL_CARD.md`): scores on these clips show that everything works, not how well the network
does on voices that it has never heard.

"""


def licences(packages: Packages, written: dict[Path, Clip]) -> str:
    used = sorted(packages.versions.items())
    lines = [LICENSES_HEAD, "## Sources\n"]
    lines += ["| Debian package | version | author as its copyright file names them | licence |"]
    lines += ["|---|---|---|---|"]
    for package, version in used:
        for voice in VOICES.values():
            if voice.package == package:
                lines.append(f"| {package} | {version} | {voice.credit} | {voice.licence} |")
        if package == MUSIC_PACKAGE:
            for piece, credit in MUSIC_CREDITS.items():
                lines.append(f"| {package} ({piece}) | {version} | {credit} | CC-BY-SA-3.0 |")
    lines += [
        "",
        "## Files\n",
        "| file | speech | noise | SNR | licence |",
        "|---|---|---|---|---|",
    ]
    for path, clip in sorted(written.items()):
        voice = VOICES[clip.passage.voice]
        source = f"{voice.credit.split(' (')[0]}, {voice.language}, {voice.package}"
        source += f", {clip.passage.prompt} {clip.passage.begin:g} to {clip.passage.end:g} s"
        licence, noise, snr = "CC-BY-SA-3.0", clip.label, f"{clip.snr:g} dB"
        if path.parent.name == "clean":
            licence, noise, snr = voice.licence, "none", ""
        elif clip.music:
            credit = MUSIC_CREDITS[clip.music].split(" (")[0]
            noise += f": {credit}, {clip.music}, {MUSIC_PACKAGE}"
        elif clip.noise in (babble, cafe):
            noise += ": synthetic, and the English, French, Italian and Russian voices above"
        else:
            noise += ": synthetic"
        if clip.rate != RATE:
            source += f", resampled to {clip.rate:,} Hz"
        if clip.room is not None:
            source += f", in a simulated room (reverberation time {clip.room:g} s)"
        lines.append(f"| {path.relative_to(EXAMPLES)} | {source} | {noise} | {snr} | {licence} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--packages", type=Path, help="keep and reuse the Debian packages here")
    folder = parser.parse_args().packages or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    packages = Packages(folder.resolve())
    written: dict[Path, Clip] = {}
    for old in ("noisy", "pairs"):
        shutil.rmtree(EXAMPLES / old, ignore_errors=True)
    for clip in PAIRS:
        clean, noisy = mix(clip, packages)
        written[write("pairs/clean", clip, clean)] = clip
        written[write("pairs/noisy", clip, noisy)] = clip
    for clip in NOISY:
        written[write("noisy", clip, mix(clip, packages)[1])] = clip
    (EXAMPLES / "LICENSES.md").write_text(licences(packages, written), encoding="utf-8")
    for path in sorted(written):
        print(f"{path.stat().st_size:9,}  {path.relative_to(EXAMPLES)}")


if __name__ == "__main__":
    main()
