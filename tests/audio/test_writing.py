"""What is written: formats, names, full scale, and whole files or none."""

import os
import re

import numpy as np
import pytest
import soundfile

from frcrn_app.audio import (
    Audio,
    encode,
    load_audio,
    save_audio,
)
from frcrn_app.errors import AudioError
from recordings import RATE, noise, snr_db


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32"])
def test_overs_are_turned_down_never_squared_or_wrapped(tmp_path, subtype, caplog):
    samples = np.array([1.0, 1.5, 4.0, -1.0, -1.5, -4.0, 0.0], np.float32)
    path = save_audio(tmp_path / "a.wav", Audio(samples, RATE, "WAV", subtype))
    step = 2.0 ** -(int(re.sub(r"\D", "", subtype)) - 1)
    np.testing.assert_allclose(soundfile.read(path)[0], samples / 4, atol=step)
    assert "turned down by 12.0 dB" in caplog.text


@pytest.mark.parametrize("name", ["a.mp3", "a.ogg", "a.m4a"])
def test_overs_keep_their_shape_in_lossy_codecs(tmp_path, make_tone, name):
    loud = make_tone(1.0, 44_100, amplitude=4.0)
    again = load_audio(save_audio(tmp_path / name, loud))
    assert snr_db(loud.samples / 4, again.samples) > 20


def test_full_scale_is_no_over(tmp_path, caplog):
    samples = np.array([1.0, -1.0, 0.5, 1.0005], np.float32)
    path = save_audio(tmp_path / "a.wav", Audio(samples, RATE))
    np.testing.assert_array_equal(
        soundfile.read(path, dtype="int16")[0], [32767, -32768, 16384, 32767]
    )
    assert caplog.text == ""


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
    monkeypatch.setattr(encode, "_WAV_LIMIT", 10_000)
    path = save_audio(tmp_path / "a.wav", Audio(noise(), RATE, "WAV", "PCM_16"))
    assert (path.suffix, soundfile.info(path).format) == (".wav", "RF64")
    assert load_audio(path).samples.shape == (1, 8_000)


def test_a_failing_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = save_audio(tmp_path / "a.wav", Audio(noise(), RATE))
    before = path.read_bytes()

    def full(self, block):
        raise soundfile.LibsndfileError(2)

    monkeypatch.setattr(soundfile.SoundFile, "write", full)
    with pytest.raises(AudioError) as caught:
        save_audio(path, Audio(noise(seed=1), RATE))
    assert caught.value.code in ("audio.not_written", "audio.disk_full")
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
    with pytest.raises(AudioError, match=r"Only Audio can be written, not ndarray"):
        save_audio(tmp_path / "a.wav", noise())
    with pytest.raises(AudioError, match="names no file"):
        save_audio(".", Audio(noise(), RATE))
