"""What cannot be read is refused, by one code and in one sentence."""

import os
import struct
import tracemalloc

import numpy as np
import pytest
import soundfile

from films import silent_film
from frcrn_app.audio import (
    Audio,
    load_audio,
    require_samples,
    save_audio,
)
from frcrn_app.errors import AudioError
from recordings import RATE, noise, write_by_av


def refused(path, code, **kwargs):
    """Check by which code a file is refused: in one sentence that names it and says what to do."""
    with pytest.raises(AudioError) as caught:
        load_audio(path, **kwargs)
    error = caught.value
    assert error.code == code
    for language, end in (("en", "."), ("zh", "。")):
        sentence = error.sentence(language, path=lambda path: path.name)
        assert "\n" not in sentence
        assert path.name in sentence
        assert sentence.endswith(end)
        assert str(path.parent) not in sentence
    return error.fields


def test_paths_that_are_no_files(tmp_path):
    refused(tmp_path / "none.wav", "audio.missing")
    refused(tmp_path, "audio.folder")
    refused(tmp_path / ("x" * 300 + ".wav"), "audio.not_opened")
    os.mkfifo(tmp_path / "pipe.wav")
    refused(tmp_path / "pipe.wav", "audio.no_file")


def test_a_file_that_may_not_be_read(tmp_audio, make_tone):
    path = tmp_audio("a.wav", make_tone())
    path.chmod(0)
    user = os.geteuid()
    try:
        if user == 0:  # root may read everything, nobody may not
            os.seteuid(65_534)
        refused(path, "audio.forbidden")
    finally:
        os.seteuid(user)


def test_files_without_a_single_sample(tmp_path):
    (tmp_path / "empty.wav").touch()
    refused(tmp_path / "empty.wav", "audio.empty")
    soundfile.write(tmp_path / "none.wav", np.zeros(0), RATE)
    refused(tmp_path / "none.wav", "audio.no_samples")


def test_files_that_are_not_sound(tmp_path):
    from PIL import Image

    for name, kind in (("PNG", "PNG"), ("JPEG", "JPEG"), ("GIF", "GIF")):
        Image.new("RGB", (32, 32)).save(tmp_path / "picture.wav", name)
        fields = refused(tmp_path / "picture.wav", "audio.foreign")
        assert fields["kind"].sentence("en") == f"a {kind} picture"
    (tmp_path / "report.mp3").write_bytes(b"%PDF-1.7 ...")
    refused(tmp_path / "report.mp3", "audio.foreign")
    (tmp_path / "text.wav").write_text("hello " * 1000)
    refused(tmp_path / "text.wav", "audio.unreadable")
    for suffix in ("wav", "mp3", "m4a", "raw", "au", "gsm", "ogg"):
        path = tmp_path / f"random.{suffix}"
        path.write_bytes(np.random.default_rng(1).bytes(50_000))
        refused(path, "audio.unreadable")


def test_a_playlist_reads_no_other_file(tmp_path, make_tone):
    """FFmpeg follows HLS playlists; an uploaded one must not reach the server's files."""
    secret = write_by_av(tmp_path / "secret.aac", make_tone().samples, RATE, codec="aac")
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n"
    for name in ("list.m3u8", "list.wav"):
        (tmp_path / name).write_text(playlist)
        refused(tmp_path / name, "audio.unreadable")
    (tmp_path / "list.txt").write_text(f"ffconcat version 1.0\nfile {secret.name}\n")
    refused(tmp_path / "list.txt", "audio.unreadable")


def test_a_film_without_sound(tmp_path):
    refused(silent_film(tmp_path / "silent.mp4"), "audio.no_track")


def test_flac_streamed_without_knowing_its_length_is_read_to_its_end(tmp_audio, make_tone):
    path = tmp_audio("a.flac", make_tone())
    whole = load_audio(path).samples
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)
    np.testing.assert_array_equal(load_audio(path).samples, whole)
    refused(path, "audio.too_long", max_seconds=0.5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -1e30])
def test_samples_that_are_no_numbers(tmp_path, value):
    samples = noise(channels=2)
    samples[1, 4_000] = value
    soundfile.write(tmp_path / "a.wav", samples.T, RATE, "FLOAT")
    assert refused(tmp_path / "a.wav", "audio.not_finite")["second"] == 0.25


@pytest.mark.parametrize("rate", [4_000, 7_999, 192_001, 384_000])
def test_rates_out_of_range(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", noise()[0], rate)
    assert refused(tmp_path / "a.wav", "audio.rate")["rate"] == rate


def test_an_unknown_rate(tmp_audio, make_tone):
    path = tmp_audio("a.wav", make_tone())
    content = bytearray(path.read_bytes())
    content[24:28] = struct.pack("<I", 0)
    path.write_bytes(content)
    refused(path, "audio.rate_unknown")


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.ogg", "a.m4a", "a.webm"])
def test_sounds_longer_than_the_limit(tmp_path, make_tone, name):
    path = save_audio(tmp_path / name, make_tone(2.0, 48_000))
    assert load_audio(path, max_seconds=2.01).samples.shape == (1, 96_000)
    assert refused(path, "audio.too_long", max_seconds=1.9)["limit"] == 1.9


def test_a_header_that_tells_the_length_saves_the_decoding(tmp_path):
    path = save_audio(tmp_path / "a.flac", Audio(np.zeros((2, 48_000 * 120), np.float32), 48_000))
    tracemalloc.start()
    refused(path, "audio.too_long", max_seconds=60)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20  # bytes; the sound has 46 million


def test_decoding_stops_at_the_limit_where_the_header_does_not_tell(tmp_path):
    """Raw AAC has no length in it, and hours of silence are a small file."""
    silence = np.zeros((1, 8_000 * 600), np.float32)
    path = write_by_av(tmp_path / "a.aac", silence, 8_000, codec="aac", muxer="adts")
    tracemalloc.start()
    refused(path, "audio.too_long", max_seconds=10)
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


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.m4a"])
def test_samples_of_all_channels_count(tmp_path, make_tone, name):
    path = save_audio(tmp_path / name, make_tone(1.0, 48_000, channels=2))
    assert load_audio(path, max_samples=100_000).channels == 2  # AAC is decoded with its padding
    assert refused(path, "audio.too_large", max_samples=95_000)["limit"] == 95_000


HOSTILE_HEADERS = {
    "caf": b"caff\0\1\0\0" + struct.pack(">4sq", b"free", -12),
    "caf that goes back": b"caff\0\1\0\0" + struct.pack(">4sq", b"desc", -(2**62)) + bytes(64),
    "wave64": b"riff\x2e\x91\xcf\x11" + bytes(32) + b"junk" + bytes(12) + bytes(8) + bytes(64),
    "riff of empty chunks": b"RIFF\xff\xff\xff\x7fWAVE" + b"junk\0\0\0\0" * 20_000,
    "aiff": b"FORM\0\0\0\0AIFF" + struct.pack(">4sI", b"COMM", 0xFFFFFFFF) + bytes(64),
    "mp4 of empty boxes": b"\0\0\0\0ftyp" + bytes(100) + b"\0\0\0\1moov" * 1_000,
    "ogg": b"OggS" * 5_000,
    "matroska": b"\x1a\x45\xdf\xa3" * 5_000,
    "mp3": b"ID3\4\0\0\0\0\0\0" * 5_000,
    "flac": b"fLaC\0\0\0\x22" * 5_000,
    "aiff without room": b"FORM\0\0\0\x2eAIFF"
    + struct.pack(">4sIHIH", b"COMM", 8, 1, 0, 16)
    + struct.pack(">4sI", b"SSND", 2)
    + bytes(6),
    "one byte": b"\xff",
    "au": b".snd" + b"\xff" * 40,
    "voc": b"Creative Voice File\x1a" + bytes(6) + b"\3\3\0\0\xff\xff\0" * 5_000,
    "mpeg": b"\0\0\1\xba" + b"\0\0\1\xbd\0\0" * 5_000,
    "ac3": b"\x0b\x77\0\0\x3f\x58" * 5_000,
}


@pytest.mark.parametrize("kind", HOSTILE_HEADERS)
def test_a_walk_over_headers_always_ends(tmp_path, kind):
    """A 20-byte CAF with a negative chunk once held a thread for ever."""
    path = tmp_path / "a.wav"
    path.write_bytes(HOSTILE_HEADERS[kind])
    with pytest.raises(AudioError):
        load_audio(path)


@pytest.mark.parametrize("rate", ["16000", None, float("nan"), float("inf")])
def test_a_sample_rate_that_is_no_number_is_refused_in_a_sentence(rate):
    with pytest.raises(AudioError) as refused:
        Audio(np.zeros(9, np.float32), rate)
    assert refused.value.code == "audio.rate_unknown"
