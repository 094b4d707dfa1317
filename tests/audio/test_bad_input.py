"""What cannot be read is refused in one sentence; what can is read and said."""

import os
import struct
import tracemalloc

import numpy as np
import pytest
import soundfile
from films import silent_film
from recordings import RATE, noise, write_by_av

from frcrn_app.audio import (
    Audio,
    load_audio,
    require_samples,
    save_audio,
)
from frcrn_app.errors import AudioError


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
        require_samples(Audio(np.zeros((1, 0)), RATE))
    samples = noise(channels=2)
    samples[1, 8_000 - 1] = np.nan
    with pytest.raises(AudioError, match="NaN"):
        require_samples(Audio(samples, RATE))
