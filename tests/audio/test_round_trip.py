"""Files come out as they went in: every sample, in the same container."""

import re

import av
import numpy as np
import pytest
import soundfile

from frcrn_app.audio import (
    load_audio,
    save_audio,
)
from recordings import RATE, noise, snr_db, write_by_av

INTEGER_FORMATS = [
    ("WAV", "wav", ("PCM_U8", "PCM_16", "PCM_24", "PCM_32")),
    ("WAVEX", "wav", ("PCM_16", "PCM_24")),
    ("RF64", "wav", ("PCM_16", "PCM_24")),
    ("W64", "w64", ("PCM_16", "PCM_24")),
    ("AIFF", "aiff", ("PCM_S8", "PCM_16", "PCM_24")),
    ("AU", "au", ("PCM_16", "PCM_24")),
    ("CAF", "caf", ("PCM_16", "PCM_24")),
    ("FLAC", "flac", ("PCM_S8", "PCM_16", "PCM_24")),
]


@pytest.mark.parametrize(
    ("container", "suffix", "subtype"),
    [(c, s, subtype) for c, s, subtypes in INTEGER_FORMATS for subtype in subtypes],
)
def test_integer_samples_survive_bit_for_bit(tmp_path, container, suffix, subtype):
    bits = int(re.sub(r"\D", "", subtype))
    # Every value of 8 and 16 bits, the extremes and random ones of more; float32 holds 24 bits.
    kept = min(bits, 24)
    values = np.arange(-(1 << 15), 1 << 15) if bits >= 16 else np.arange(-128, 128)
    if bits > 16:
        rng = np.random.default_rng(bits)
        values = rng.integers(-(1 << kept - 1), 1 << kept - 1, 50_000)
        values[:4] = [-(1 << kept - 1), (1 << kept - 1) - 1, 0, -1]
    stored = (values << (32 - kept)).astype(np.int32)
    stored = np.stack([stored, stored[::-1]], axis=1)
    source = tmp_path / f"source.{suffix}"
    soundfile.write(source, stored, 44_100, subtype, format=container)

    loaded = load_audio(source)
    copy = save_audio(tmp_path / f"copy.{suffix}", loaded)

    assert (loaded.container, loaded.subtype) == (container, subtype)
    assert (soundfile.info(copy).format, soundfile.info(copy).subtype) == (container, subtype)
    np.testing.assert_array_equal(soundfile.read(copy, dtype="int32")[0], stored)
    np.testing.assert_array_equal(loaded.samples.T * 2.0**31, stored)


def test_32_bit_samples_keep_their_leading_24_bits(tmp_path):
    values = np.random.default_rng(0).integers(-(1 << 31), 1 << 31, 20_000).astype(np.int32)
    values[:2] = [-(1 << 31), (1 << 31) - 1]
    soundfile.write(tmp_path / "a.wav", values, RATE, "PCM_32")
    copy = save_audio(tmp_path / "b.wav", load_audio(tmp_path / "a.wav"))
    written = soundfile.read(copy, dtype="int32")[0].astype(np.int64)
    error = np.abs(written - values.astype(np.int64))
    assert np.all(error <= np.maximum(np.abs(values.astype(np.int64)) / 2**24, 0))


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_float_files_keep_what_exceeds_full_scale(tmp_path, subtype):
    samples = noise(channels=2, amplitude=0.9) * 3
    soundfile.write(tmp_path / "a.wav", samples.T, RATE, subtype)
    copy = save_audio(tmp_path / "b.wav", load_audio(tmp_path / "a.wav"))
    assert soundfile.info(copy).subtype == subtype
    np.testing.assert_array_equal(soundfile.read(copy, dtype="float32")[0].T, samples)


@pytest.mark.parametrize("subtype", ["ALAC_16", "ALAC_24"])
def test_alac_in_caf_stays_lossless(tmp_audio, tmp_path, make_tone, subtype):
    loaded = load_audio(tmp_audio("a.caf", make_tone(channels=2), subtype=subtype))
    copy = save_audio(tmp_path / "b.caf", loaded)
    assert soundfile.info(copy).subtype == subtype.replace("ALAC", "PCM")
    np.testing.assert_array_equal(load_audio(copy).samples, loaded.samples)


@pytest.mark.parametrize("subtype", ["ULAW", "ALAW"])
def test_companded_telephone_files_survive_bit_for_bit(tmp_path, subtype):
    soundfile.write(tmp_path / "a.wav", noise()[0], 8_000, subtype)
    loaded = load_audio(tmp_path / "a.wav")
    again = load_audio(save_audio(tmp_path / "b.wav", loaded))
    assert again.subtype == subtype
    np.testing.assert_array_equal(again.samples, loaded.samples)


@pytest.mark.parametrize(
    ("name", "subtype", "rate"),
    [
        ("a.ogg", "VORBIS", 44_100),
        ("a.opus", "OPUS", 48_000),
        ("a.mp3", "MPEG_LAYER_III", 44_100),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_coded_files_return_in_their_container_at_their_length(
    tmp_audio, tmp_path, make_tone, name, subtype, rate, channels
):
    source = tmp_audio(
        name,
        make_tone(1.237, rate, channels=channels),
        subtype=subtype,
        format="MP3" if name.endswith("mp3") else "OGG",
    )
    loaded = load_audio(source)
    copy = save_audio(tmp_path / f"copy-{name}", loaded)
    again = load_audio(copy)
    assert copy.name == f"copy-{name}"
    assert (again.container, again.subtype) == (loaded.container, subtype)
    assert (again.sample_rate, again.samples.shape) == (rate, loaded.samples.shape)
    assert snr_db(loaded.samples, again.samples) > 25


@pytest.mark.parametrize(
    ("name", "muxer", "codec", "rate", "picture", "returns"),
    [
        ("a.m4a", "ipod", "aac", 44_100, False, ".m4a"),
        ("phone.3gp", "3gp", "aac", 16_000, False, ".m4a"),
        ("film.mp4", "mp4", "aac", 48_000, True, ".m4a"),
        ("film.mov", "mov", "aac", 48_000, True, ".m4a"),
        ("recording.webm", "webm", "libopus", 48_000, False, ".webm"),
        ("film.webm", "webm", "libopus", 48_000, True, ".webm"),
        ("film.mkv", "matroska", "libopus", 48_000, True, ".webm"),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_phone_and_browser_recordings_and_the_sound_of_films(
    tmp_path, make_tone, name, muxer, codec, rate, picture, returns, channels
):
    tone = make_tone(1.1, rate, channels=channels)
    source = write_by_av(
        tmp_path / name, tone.samples, rate, codec=codec, muxer=muxer, picture=picture
    )
    loaded = load_audio(source)
    assert (loaded.sample_rate, loaded.channels) == (rate, channels)
    assert abs(loaded.samples.shape[1] - tone.samples.shape[1]) < 2048  # the codec's last frames
    assert snr_db(tone.samples, loaded.samples) > 15  # the encoder's, most of it at the onset

    copy = save_audio(tmp_path / "out" / name, loaded)
    again = load_audio(copy)
    assert copy.suffix == returns
    assert (again.container, again.subtype) == (loaded.container, loaded.subtype)
    assert (again.sample_rate, again.samples.shape) == (rate, loaded.samples.shape)
    assert snr_db(loaded.samples, again.samples) > 20


@pytest.mark.parametrize(
    ("name", "muxer", "codec", "rate"),
    [
        ("a.aac", "adts", "aac", 44_100),
        ("a.ac3", "ac3", "ac3", 48_000),
        ("a.amr", "amr", "amr_nb", 8_000),
        ("a.wma", "asf", "wmav2", 44_100),
        ("a.avi", "avi", "libmp3lame", 44_100),
    ],
)
def test_what_is_not_written_again_becomes_wav(tmp_path, make_tone, name, muxer, codec, rate):
    tone = make_tone(1.0, rate)
    bit_rate = {"amr_nb": 12_200}.get(codec, 96_000)
    try:
        source = write_by_av(
            tmp_path / name, tone.samples, rate, codec=codec, muxer=muxer, bit_rate=bit_rate
        )
    except (av.FFmpegError, av.codec.codec.UnknownCodecError) as error:
        pytest.skip(f"this PyAV cannot encode {codec}: {error}")
    loaded = load_audio(source)
    assert (loaded.sample_rate, loaded.channels) == (rate, 1)
    spectrum = np.abs(np.fft.rfft(loaded.samples[0] * np.hanning(loaded.samples.shape[1])))
    assert np.argmax(spectrum) / loaded.duration == pytest.approx(440, abs=2)
    copy = save_audio(tmp_path / "out" / name, loaded)
    assert copy.name == "a.wav"
    assert soundfile.info(copy).subtype == "PCM_16"
    assert load_audio(copy).samples.shape == loaded.samples.shape


@pytest.mark.parametrize(
    ("codec", "subtype"), [("pcm_s16le", "PCM_16"), ("pcm_s24le", "PCM_24"), ("alac", "PCM_24")]
)
def test_lossless_sound_of_films_stays_lossless(tmp_path, codec, subtype):
    samples = noise(channels=2)
    source = write_by_av(tmp_path / "a.mov", samples, 48_000, codec=codec, muxer="mov")
    loaded = load_audio(source)
    copy = save_audio(tmp_path / "b.mov", loaded)
    assert (copy.suffix, soundfile.info(copy).subtype) == (".wav", subtype)
    np.testing.assert_array_equal(load_audio(copy).samples, loaded.samples)
    assert np.abs(loaded.samples - samples).max() <= 2.0 ** -(int(subtype[4:]) - 1)


def test_the_content_counts_not_the_suffix(tmp_audio, tmp_path, make_tone):
    path = tmp_audio("a.mp3", make_tone(), format="FLAC")
    assert load_audio(path).container == "FLAC"
    tmp_audio("nameless", make_tone(), format="WAV")
    assert load_audio(tmp_path / "nameless").container == "WAV"


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_channel_count(tmp_audio, tmp_path, make_tone, rate, channels):
    tone = make_tone(0.1, rate, channels=channels, frequency=50)
    again = load_audio(save_audio(tmp_path / "b.wav", load_audio(tmp_audio("a.wav", tone))))
    assert (again.sample_rate, again.samples.shape) == (rate, tone.samples.shape)
    np.testing.assert_allclose(again.samples, tone.samples, atol=1 / 32768)
