"""Files as people really have them: surround, tags and junk around the audio, rare containers."""

import struct

import av
import numpy as np
import pytest

from frcrn_app.audio import Audio, load_audio, save_audio
from recordings import noise, write_by_av

RATE = 48_000


def codes(audio):
    return [note.code for note in audio.notes]


def surround(channels, seconds=0.4):
    """A tone of its own in each channel, the deep one lowest; its frequencies in Hz."""
    tones = [300 + 100 * channel for channel in range(channels)]
    if channels >= 6:
        tones[3] = 60
    time = np.arange(round(seconds * RATE)) / RATE
    samples = 0.3 * np.sin(2 * np.pi * np.array(tones)[:, None] * time)
    return Audio(samples, RATE), tones


def heard(samples, rate=RATE):
    """The strongest frequency of each channel in Hz, to the nearest 20."""
    spectra = np.abs(np.fft.rfft(samples[:, -rate // 5 :]))
    return [20 * round(int(peak) * 5 / 20) for peak in spectra.argmax(axis=1)]


def by_ffmpeg_alone(path):
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", container.streams.audio[0].layout, RATE)
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        joined = np.concatenate([frame.to_ndarray()[0] for frame in frames])
        return joined.reshape(-1, frames[0].layout.nb_channels).T


@pytest.mark.parametrize("channels", [3, 5, 6, 8])
@pytest.mark.parametrize("suffix", ["ogg", "opus"])
def test_surround_of_vorbis_and_opus_keeps_its_speakers(tmp_path, suffix, channels):
    audio, tones = surround(channels)
    path = save_audio(tmp_path / f"a.{suffix}", audio)
    assert heard(by_ffmpeg_alone(path)) == tones
    again = load_audio(path)
    assert heard(again.samples) == tones
    assert heard(load_audio(save_audio(tmp_path / "b.wav", again, format="wav16")).samples) == tones


def test_eight_channels_of_a_codec_with_planes(tmp_path):
    audio, tones = surround(8)
    path = save_audio(tmp_path / "a.m4a", Audio(audio.samples, RATE, "MP4", "AAC"))
    assert path.suffix == ".m4a"
    assert heard(load_audio(path).samples) == tones


def test_a_film_whose_channels_stand_in_a_rare_order(tmp_path):
    samples = noise(4_800, channels=8)
    path = tmp_path / "a.mov"
    with av.open(str(path), "w", format="mov") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="7.1")
        pcm = np.rint(samples * 32768).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm.T.reshape(1, -1)), "s16", "7.1")
        frame.sample_rate, frame.pts = RATE, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    content = path.read_bytes()
    place = content.index(b"chan") + 8
    rare = struct.pack(">II", 0x0080_0008, 0)  # 7.1 with the sides before the back, of a camera
    path.write_bytes(content[:place] + rare + content[place + 8 :])
    audio = load_audio(path)
    assert np.array_equal(audio.samples, pcm / np.float32(32768))


@pytest.mark.parametrize(
    "before", [b"ID3\x03\0\0\0\0\x01\0" + bytes(128), b"\r\n", b"\xef\xbb\xbf"]
)
@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "m4a", "webm"])
def test_what_a_tagger_or_a_broken_download_put_before_a_file(tmp_path, suffix, before):
    audio = Audio(noise(9_600), RATE, *{"webm": ("WEBM", "OPUS")}.get(suffix, (None, "PCM_16")))
    path = save_audio(tmp_path / f"a.{suffix}", audio)
    expected = load_audio(path).samples
    path.write_bytes(before + path.read_bytes())
    assert np.array_equal(load_audio(path).samples, expected)


def test_the_words_of_a_song_behind_an_mp3_are_no_damage(tmp_path):
    path = save_audio(tmp_path / "a.mp3", Audio(noise(48_000), RATE))
    expected = load_audio(path).samples
    words = b"LYRICSBEGIN" + b"LYR04500" + b"la la la " * 500 + b"004519LYRICS200"
    path.write_bytes(path.read_bytes() + words + b"TAG" + bytes(125))
    audio = load_audio(path)
    assert codes(audio) == []
    assert np.array_equal(audio.samples, expected)


def test_a_live_webm_that_breaks_off_says_so(tmp_path):
    path = tmp_path / "a.webm"
    with path.open("wb") as file:
        pipe = type("Pipe", (), {"write": lambda _, content: file.write(content)})()  # no seeking
        with av.open(pipe, "w", format="webm") as container:
            stream = container.add_stream("libopus", rate=RATE, layout="mono")
            frame = av.AudioFrame.from_ndarray(noise(96_000), "fltp", "mono")
            frame.sample_rate, frame.pts = RATE, 0
            for part in (*av.AudioResampler("flt", "mono", RATE).resample(frame), None):
                container.mux(stream.encode(part))
    assert codes(load_audio(path)) == []
    path.write_bytes(path.read_bytes()[:-1_000])
    audio = load_audio(path)
    assert codes(audio) == ["audio.note.cut_off"]
    assert 1.7 < audio.duration < 2.0


def test_wma_does_not_start_late(tmp_path):
    samples = noise(44_100)
    path = write_by_av(tmp_path / "a.wma", samples, 44_100, codec="wmav2", bit_rate=192_000)
    audio = load_audio(path)
    assert codes(audio) == []
    assert abs(audio.duration - 1.0) < 0.15


def test_aac_as_radio_sends_it(tmp_path):
    audio, tones = surround(1)
    path = tmp_path / "a.loas"
    write_by_av(path, audio.samples, RATE, codec="aac", muxer="latm")
    again = load_audio(path)
    assert heard(again.samples) == tones
    assert abs(again.duration - audio.duration) < 0.1


@pytest.mark.parametrize("suffix", ["ogg", "opus", "oga"])
def test_a_damaged_page_costs_no_more_than_itself(tmp_path, suffix):
    """Its header is as it was: nothing but its check sum tells."""
    coding = ("OGG", "PCM_16") if suffix == "oga" else (None, None)
    path = save_audio(tmp_path / f"a.{suffix}", Audio(noise(6 * RATE), RATE, *coding))
    content = bytearray(path.read_bytes())
    place = content.index(b"OggS", len(content) // 2) + 600
    content[place : place + 500] = bytes(500)
    path.write_bytes(content)
    audio = load_audio(path)
    assert audio.duration == pytest.approx(6.0, abs=0.02)
    assert codes(audio) == ["audio.note.damaged"]
    tail = audio.samples[0, -RATE:]
    assert np.sqrt(np.mean(tail**2)) == pytest.approx(0.2, rel=0.2)


def test_the_last_page_of_an_ogg_is_damaged(tmp_path):
    path = save_audio(tmp_path / "a.ogg", Audio(noise(6 * RATE), RATE))
    content = bytearray(path.read_bytes())
    content[-100:-50] = bytes(50)
    path.write_bytes(content)
    audio = load_audio(path)
    assert "audio.note.cut_off" in codes(audio)
    assert audio.duration < 6.0


def test_a_webm_whose_last_cluster_is_damaged(tmp_path):
    samples = noise(3 * RATE)
    path = write_by_av(tmp_path / "a.webm", samples, RATE, codec="libopus", muxer="webm")
    assert codes(load_audio(path)) == []
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3_000] = bytes(range(1, 251)) * 12
    path.write_bytes(content)
    audio = load_audio(path)
    assert audio.duration < 2.0
    assert codes(audio) == ["audio.note.cut_off"]


def test_an_mp3_is_damaged_where_it_is_damaged(tmp_path):
    path = save_audio(tmp_path / "a.mp3", Audio(noise(6 * RATE), RATE))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 6_000] = bytes(6_000)
    path.write_bytes(content)
    [note] = load_audio(path).notes
    assert note.code == "audio.note.damaged"
    assert 2.5 < note.fields["second"] < 3.5
