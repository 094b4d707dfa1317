"""Sound files come in whatever people have, go out as they came, and nothing is lost between."""

import os
import re
import struct
import subprocess
import sys
import tracemalloc

import av
import numpy as np
import pytest
import soundfile
from films import silent_film

from frcrn_app.audio import (
    AUDIO_SUFFIXES,
    Audio,
    load_audio,
    require_sound,
    resample,
    rms_dbfs,
    save_audio,
    to_mono,
)
from frcrn_app.audio import files as audio_module
from frcrn_app.errors import AudioError

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


# ------------------------------------------------------------------------------ integer PCM, exact

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


# ------------------------------------------------------------------------------- coded containers


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


# ---------------------------------------------------------------------------------------- writing


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32"])
def test_overs_are_clipped_never_wrapped(tmp_path, subtype):
    samples = np.array([1.0, 1.5, 100.0, -1.0, -1.5, -100.0, 0.0], np.float32)
    path = save_audio(tmp_path / "a.wav", Audio(samples, RATE, "WAV", subtype))
    expected = np.clip(samples, -1, 1)
    step = 2.0 ** -(int(re.sub(r"\D", "", subtype)) - 1)
    np.testing.assert_allclose(soundfile.read(path)[0], expected, atol=step)


@pytest.mark.parametrize("name", ["a.mp3", "a.ogg", "a.m4a"])
def test_overs_are_clipped_before_a_codec_hears_them(tmp_path, make_tone, name):
    loud = make_tone(1.0, 44_100, amplitude=4.0)
    again = load_audio(save_audio(tmp_path / name, loud))
    assert snr_db(np.clip(loud.samples, -1, 1), again.samples) > 15


@pytest.mark.parametrize(
    ("format", "subtype_in", "suffix", "subtype_out"),
    [
        ("wav16", "PCM_24", ".wav", "PCM_16"),
        ("wav-float", "PCM_16", ".wav", "FLOAT"),
        ("flac", "PCM_16", ".flac", "PCM_16"),
        ("flac", "FLOAT", ".flac", "PCM_24"),
    ],
)
def test_formats_that_are_asked_for(tmp_path, format, subtype_in, suffix, subtype_out):
    audio = Audio(noise(), RATE, "WAV", subtype_in)
    path = save_audio(tmp_path / "talk.mp3", audio, format=format)
    assert path == tmp_path / f"talk{suffix}"
    assert soundfile.info(path).subtype == subtype_out


@pytest.mark.parametrize(
    ("name", "container", "written"),
    [
        ("a.wav", None, "a.wav"),
        ("a.flac", None, "a.flac"),
        ("a.wav", "MP4", "a.wav"),  # a suffix that can be written is what the caller wants
        ("a.mp4", "MP4", "a.m4a"),
        ("a", "FLAC", "a.flac"),
        ("talk.v2", "WAV", "talk.v2.wav"),
        ("A.WAV", "WAV", "A.WAV"),
    ],
)
def test_the_returned_path_is_the_written_one_and_fits(tmp_path, name, container, written):
    path = save_audio(tmp_path / "new" / "folder" / name, Audio(noise(), RATE, container))
    assert path == tmp_path / "new" / "folder" / written
    assert os.listdir(path.parent) == [written]


def test_opus_that_cannot_have_the_rate_is_not_called_opus(tmp_path):
    path = save_audio(tmp_path / "a.opus", Audio(noise(), 44_100, "OGG", "OPUS"))
    assert (path.name, load_audio(path).sample_rate) == ("a.ogg", 44_100)


def test_mp3_that_cannot_have_the_rate_becomes_wav(tmp_path):
    path = save_audio(tmp_path / "a.mp3", Audio(noise(), 96_000, "MP3", "MPEG_LAYER_III"))
    assert (path.name, load_audio(path).sample_rate) == ("a.wav", 96_000)


def test_long_vorbis_is_written_whole(tmp_path):
    samples = noise(count=3_000_000, amplitude=0.05)
    path = save_audio(tmp_path / "a.ogg", Audio(samples, 48_000))
    assert soundfile.info(path).frames == samples.shape[1]


def test_sizes_beyond_what_wav_can_count_become_rf64(tmp_path, monkeypatch):
    monkeypatch.setattr(audio_module, "_WAV_LIMIT", 10_000)
    path = save_audio(tmp_path / "a.wav", Audio(noise(), RATE, "WAV", "PCM_16"))
    assert (path.suffix, soundfile.info(path).format) == (".wav", "RF64")
    assert load_audio(path).samples.shape == (1, 8_000)


def test_a_failing_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = save_audio(tmp_path / "a.wav", Audio(noise(), RATE))
    before = path.read_bytes()

    def full(self, block):
        raise soundfile.LibsndfileError(2)

    monkeypatch.setattr(soundfile.SoundFile, "write", full)
    with pytest.raises(AudioError, match="cannot be written"):
        save_audio(path, Audio(noise(seed=1), RATE))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.wav"]


def test_an_interrupted_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = save_audio(tmp_path / "a.wav", Audio(noise(), RATE))
    before = path.read_bytes()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_audio(path, Audio(noise(seed=1), RATE))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.wav"]


def test_written_files_have_the_permissions_of_new_files(tmp_path):
    (tmp_path / "plain").touch()
    path = save_audio(tmp_path / "a.wav", Audio(noise(), RATE))
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nothing_unplayable_is_written(tmp_path, value):
    samples = noise()
    samples[0, 5] = value
    with pytest.raises(AudioError, match="NaN or infinite"):
        save_audio(tmp_path / "a.wav", Audio(samples, RATE))
    assert os.listdir(tmp_path) == []


def test_writing_says_what_is_wrong(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(AudioError, match="cannot be written"):
        save_audio(tmp_path / "file" / "a.wav", Audio(noise(), RATE))
    with pytest.raises(AudioError, match="at most 8 channels"):
        save_audio(tmp_path / "a.flac", Audio(noise(channels=9), RATE), format="flac")
    with pytest.raises(AudioError, match="choose one of same"):
        save_audio(tmp_path / "a.flac", Audio(noise(), RATE), format="mp4")


# -------------------------------------------------------------------------------------- bad input


def refused(path, pattern, **kwargs):
    """The sentence by which a file is refused: one, naming the file, and saying what to do."""
    with pytest.raises(AudioError, match=pattern) as error:
        load_audio(path, **kwargs)
    sentence = str(error.value)
    assert "\n" not in sentence
    assert path.name in sentence
    assert sentence.endswith(".")


def test_paths_that_are_no_files(tmp_path):
    refused(tmp_path / "none.wav", "There is no file")
    refused(tmp_path, "is a folder")
    refused(tmp_path / ("x" * 300 + ".wav"), "cannot be read")
    os.mkfifo(tmp_path / "pipe.wav")
    refused(tmp_path / "pipe.wav", "device or pipe")


def test_a_file_that_may_not_be_read(tmp_audio, make_tone):
    path = tmp_audio("a.wav", make_tone())
    path.chmod(0)
    user = os.geteuid()
    try:
        if user == 0:  # root may read everything, nobody may not
            os.seteuid(65_534)
        refused(path, "may not be read")
    finally:
        os.seteuid(user)


def test_files_without_a_single_sample(tmp_path):
    (tmp_path / "empty.wav").touch()
    refused(tmp_path / "empty.wav", "is empty")
    soundfile.write(tmp_path / "none.wav", np.zeros(0), RATE)
    refused(tmp_path / "none.wav", "holds no samples")


def test_files_that_are_not_sound(tmp_path):
    from PIL import Image

    for name, kind in (("PNG", "PNG"), ("JPEG", "JPEG"), ("GIF", "GIF")):
        Image.new("RGB", (32, 32)).save(tmp_path / "picture.wav", name)
        refused(tmp_path / "picture.wav", f"not a sound file but a {kind} picture")
    (tmp_path / "report.mp3").write_bytes(b"%PDF-1.7 ...")
    refused(tmp_path / "report.mp3", "a PDF document")
    (tmp_path / "text.wav").write_text("hello " * 1000)
    refused(tmp_path / "text.wav", "cannot be read as sound")
    for suffix in ("wav", "mp3", "m4a", "raw", "au", "gsm", "ogg"):
        path = tmp_path / f"random.{suffix}"
        path.write_bytes(np.random.default_rng(1).bytes(50_000))
        refused(path, "cannot be read as sound")


def test_a_playlist_reads_no_other_file(tmp_path, make_tone):
    """FFmpeg follows HLS playlists; an uploaded one must not reach the server's files."""
    secret = write_by_av(tmp_path / "secret.aac", make_tone().samples, RATE, codec="aac")
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n"
    for name in ("list.m3u8", "list.wav"):
        (tmp_path / name).write_text(playlist)
        refused(tmp_path / name, "cannot be read as sound")
    (tmp_path / "list.txt").write_text(f"ffconcat version 1.0\nfile {secret.name}\n")
    refused(tmp_path / "list.txt", "cannot be read as sound")


def test_a_film_without_sound(tmp_path):
    refused(silent_film(tmp_path / "silent.mp4"), "video without sound")


@pytest.mark.parametrize("part", [0.97, 0.6, 0.1])
@pytest.mark.parametrize(
    "suffix",
    ["wav", "rf64", "w64", "aiff", "au", "caf", "flac", "ogg", "opus", "mp3", "m4a", "mov", "webm"],
)
def test_files_whose_end_is_missing(tmp_path, make_tone, suffix, part):
    tone = make_tone(4.0, 48_000)
    path = tmp_path / f"a.{suffix}"
    if suffix == "mov":
        write_by_av(path, tone.samples, 48_000, codec="pcm_s16le", muxer="mov")
    elif suffix == "rf64":
        soundfile.write(path, tone.samples[0], 48_000, format="RF64")
    else:
        assert save_audio(path, tone) == path
    load_audio(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    refused(path, "cut off")


@pytest.mark.parametrize("size", [b"\xff\xff\xff\xff", b"\x00\xf0\xff\x7f"])
def test_wav_streamed_without_knowing_its_length_is_no_truncated_file(tmp_audio, make_tone, size):
    path = tmp_audio("a.wav", make_tone())
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = size
    path.write_bytes(content)
    assert load_audio(path).samples.shape == (1, 16_000)


def test_flac_streamed_without_knowing_its_length_is_read_to_its_end(tmp_audio, make_tone):
    path = tmp_audio("a.flac", make_tone())
    whole = load_audio(path).samples
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)
    np.testing.assert_array_equal(load_audio(path).samples, whole)
    refused(path, "longer than the limit of 0.5 s", max_seconds=0.5)


def test_a_damaged_flac(tmp_audio, make_tone):
    path = tmp_audio("a.flac", make_tone(5))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 64] = bytes(64)
    path.write_bytes(content)
    refused(path, "damaged")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(tmp_path, value):
    samples = noise(channels=2)
    samples[1, 4_000] = value
    soundfile.write(tmp_path / "a.wav", samples.T, RATE, "FLOAT")
    refused(tmp_path / "a.wav", "NaN or infinite samples, the first at 0.250 s")


@pytest.mark.parametrize("rate", [4_000, 7_999, 192_001, 384_000])
def test_rates_out_of_range(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", noise()[0], rate)
    refused(tmp_path / "a.wav", f"sample rate of {rate:,} Hz: rates from 8,000 to 192,000 Hz")


def test_an_unknown_rate(tmp_audio, make_tone):
    path = tmp_audio("a.wav", make_tone())
    content = bytearray(path.read_bytes())
    content[24:28] = struct.pack("<I", 0)
    path.write_bytes(content)
    refused(path, "unknown sample rate")


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.ogg", "a.m4a", "a.webm"])
def test_sounds_longer_than_the_limit(tmp_path, make_tone, name):
    path = save_audio(tmp_path / name, make_tone(2.0, 48_000))
    assert load_audio(path, max_seconds=2.01).samples.shape == (1, 96_000)
    refused(path, "longer than the limit of 1.9 s", max_seconds=1.9)


def test_a_header_that_tells_the_length_saves_the_decoding(tmp_path):
    path = save_audio(tmp_path / "a.flac", Audio(np.zeros((2, 48_000 * 120), np.float32), 48_000))
    tracemalloc.start()
    refused(path, "longer than the limit", max_seconds=60)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20  # bytes; the sound has 46 million


def test_decoding_stops_at_the_limit_where_the_header_does_not_tell(tmp_path):
    """Raw AAC has no length in it, and hours of silence are a small file."""
    silence = np.zeros((1, 8_000 * 600), np.float32)
    path = write_by_av(tmp_path / "a.aac", silence, 8_000, codec="aac", muxer="adts")
    tracemalloc.start()
    refused(path, "longer than the limit", max_seconds=10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20  # bytes; the whole sound has 19 million


def test_sounds_made_in_memory_are_checked_too():
    with pytest.raises(AudioError, match="divide integers by their full scale"):
        Audio(np.zeros((1, 100), np.int16), RATE)
    with pytest.raises(AudioError, match="floating-point"):
        Audio(np.zeros((1, 1, 100)), RATE)
    with pytest.raises(AudioError, match="unknown sample rate"):
        Audio(np.zeros((1, 100)), 0)
    with pytest.raises(AudioError, match="no samples"):
        require_sound(Audio(np.zeros((1, 0)), RATE))
    samples = noise(channels=2)
    samples[1, 8_000 - 1] = np.nan
    with pytest.raises(AudioError, match="NaN"):
        require_sound(Audio(samples, RATE))


# ------------------------------------------------------------------------------------- resampling

RATES = [8_000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000, 44_101, 11_127]
TOLERANCE_DB = -100  # of what is not the tone, below the tone


def sine(frequency, rate, count):
    return np.sin(2 * np.pi * frequency * np.arange(count) / rate)[None].astype(np.float32)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_tone_stays_the_same_tone(rate, direction):
    orig, new = (rate, RATE) if direction == "in" else (RATE, rate)
    count = orig // 2 + 7
    frequency = 0.4 * min(orig, new)  # 0.8 of the lower Nyquist frequency
    resampled = resample(sine(frequency, orig, count), orig, new)
    assert resampled.shape == (1, -(-count * new // orig))
    assert resampled.dtype == np.float32
    expected = sine(frequency, new, resampled.shape[1])
    inner = slice(new // 10, -new // 10)  # the ends see the silence beyond them
    assert snr_db(expected[:, inner], resampled[:, inner]) > -TOLERANCE_DB


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate > RATE])
@pytest.mark.parametrize("above", [1.001, 1.2, 1.35])
def test_nothing_above_the_new_band_folds_back(rate, above):
    frequency = above * RATE / 2
    if frequency > rate / 2:
        pytest.skip("not in the original band")
    resampled = resample(sine(frequency, rate, rate // 2), rate, RATE)
    inner = slice(RATE // 10, -RATE // 10)
    assert rms_dbfs(resampled[:, inner]) < TOLERANCE_DB


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_there_and_back_keeps_length_place_and_speech(speech, rate):
    """What the denoiser does with a recording, but for the network."""
    there = resample(speech.samples, RATE, rate)
    back = resample(there, rate, RATE)[:, : speech.samples.shape[1]]
    assert back.shape == speech.samples.shape
    assert snr_db(speech.samples, back) > 40


@pytest.mark.parametrize(("orig", "new"), [(44_100, 16_000), (16_000, 48_000), (44_101, 16_000)])
def test_chunks_give_what_the_whole_gives(monkeypatch, orig, new):
    samples = noise(count=orig, channels=2)
    whole = resample(samples, orig, new)
    monkeypatch.setattr(audio_module, "_CHUNK_SAMPLES", 3_000)
    np.testing.assert_allclose(resample(samples, orig, new), whole, atol=1e-6)


def test_channels_are_resampled_as_they_are_alone():
    samples = noise(count=5_001, channels=3)
    together = resample(samples, 44_100, RATE)
    for channel in range(3):
        alone = resample(samples[channel], 44_100, RATE)
        np.testing.assert_allclose(together[channel], alone, atol=1e-6)


@pytest.mark.parametrize("count", [0, 1, 2, 441])
def test_short_sounds_have_the_right_length_too(count):
    for orig, new in ((44_100, 16_000), (16_000, 44_100), (44_101, 16_000)):
        assert resample(noise(count), orig, new).shape == (1, -(-count * new // orig))


def test_long_sounds_have_the_right_length():
    """Single precision cannot count the samples of half an hour."""
    count = 8_000 * 60 * 40 + 1
    assert resample(np.zeros((1, count), np.float32), 8_000, 11_025).shape[1] == -(
        -count * 11_025 // 8_000
    )


def test_the_same_rate_is_no_work():
    samples = noise()
    assert resample(samples, RATE, RATE) is samples


def test_torchaudio_loads_from_nothing():
    """In a fresh process: other tests may have imported it already."""
    code = (
        "from frcrn_app._torchaudio import import_torchaudio as load;"
        "import torch;"
        "print(len(load().functional.resample(torch.ones(48), 48000, 16000)), load().__name__)"
    )
    printed = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert printed.split() == ["16", "torchaudio"]


# ------------------------------------------------------------------------------------------ level


def test_levels_are_relative_to_full_scale(make_tone):
    assert rms_dbfs(np.ones((2, 100), np.float32)) == pytest.approx(0)
    assert rms_dbfs(make_tone(amplitude=1.0).samples) == pytest.approx(-3.01, abs=0.01)
    assert rms_dbfs(np.zeros((1, 100), np.float32)) == -np.inf
    assert rms_dbfs(np.zeros((1, 0), np.float32)) == -np.inf


def test_mono_is_the_mean_of_the_channels():
    samples = noise(channels=2)
    mono = to_mono(Audio(samples, RATE, "WAV", "PCM_16"))
    np.testing.assert_allclose(mono.samples[0], samples.mean(axis=0), atol=1e-7)
    assert (mono.sample_rate, mono.container, mono.subtype) == (RATE, "WAV", "PCM_16")


def test_a_sound_knows_its_length():
    sound = Audio(np.zeros(24_000), RATE)
    assert (sound.channels, sound.duration, sound.samples.dtype) == (1, 1.5, np.float32)


def test_accepted_suffixes_include_what_people_have():
    common = ".wav .flac .ogg .opus .mp3 .m4a .webm .mp4 .mov"
    assert set(common.split()) <= AUDIO_SUFFIXES
