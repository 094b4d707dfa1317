"""The whole recording comes out: joined, gapped, late, badly headed, cut off, in several tracks."""

import struct

import av
import numpy as np
import pytest
import soundfile

from frcrn_app.audio import Audio, list_tracks, load_audio, load_tracks, save_audio, save_tracks
from frcrn_app.errors import AudioError
from recordings import RATE, noise, snr_db, write_by_av


def codes(audio):
    return [note.code for note in audio.notes]


def tone(seconds, rate=RATE, frequency=440.0, channels=1):
    time = np.arange(round(seconds * rate)) / rate
    samples = 0.4 * np.sin(2 * np.pi * frequency * time)
    return Audio(np.repeat(samples[None], channels, axis=0), rate)


def write_packets(path, tracks, muxer, codec, *, rate=48_000, picture=0, skip=(), delays=None):
    """Tracks `[channels, samples]` with packets left out or late, beside seconds of picture."""
    with av.open(str(path), "w", format=muxer) as container:
        video = None
        if picture:
            video = container.add_stream("libvpx" if muxer == "webm" else "mpeg4", rate=10)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        streams = []
        for samples in tracks:
            layout = "mono" if len(samples) == 1 else "stereo"
            stream = container.add_stream(codec, rate=rate, layout=layout)
            stream.codec_context.format = av.Codec(codec, "w").audio_formats[-1]
            streams.append(stream)
        for index in range(picture * 10):
            still = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 5 * index, np.uint8))
            still.pts = index
            container.mux(video.encode(still))
        if video:
            container.mux(video.encode(None))
        for stream, samples, delay in zip(
            streams, tracks, delays or [0] * len(tracks), strict=False
        ):
            layout = "mono" if len(samples) == 1 else "stereo"
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples), format="fltp", layout=layout
            )
            frame.sample_rate, frame.pts = rate, 0
            resampler = av.AudioResampler(stream.codec_context.format, layout, rate)
            packets = [
                packet
                for part in (*resampler.resample(frame), *resampler.resample(None), None)
                for packet in stream.encode(part)
            ]
            for packet in packets:
                second = float(packet.pts * packet.time_base)
                if any(begin <= second < end for begin, end in skip):
                    continue
                packet.pts += round(delay / packet.time_base)
                packet.dts = packet.pts
                container.mux(packet)
    return path


# ------------------------------------------------------------------------------------ cut off


@pytest.mark.parametrize("part", [0.97, 0.6, 0.1])
@pytest.mark.parametrize(
    "suffix", ["wav", "rf64", "w64", "aiff", "au", "caf", "flac", "ogg", "opus", "mp3", "webm"]
)
def test_what_is_left_of_a_file_whose_end_is_missing(tmp_path, make_tone, suffix, part):
    audio = make_tone(4.0, 48_000)
    if suffix in ("ogg", "opus"):  # a tone takes hardly more than one page
        audio = Audio(noise(12 * 48_000), 48_000)
    path = tmp_path / f"a.{suffix}"
    if suffix == "rf64":
        soundfile.write(path, audio.samples[0], 48_000, format="RF64")
    else:
        assert save_audio(path, audio) == path
    whole = load_audio(path)
    assert whole.notes == ()
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])

    rest = load_audio(path)

    assert any(note.lost for note in rest.notes)
    expected = part * whole.samples.shape[1]
    margin = {"ogg": 48_000, "opus": 48_000, "webm": 24_000, "mp3": 12_000}.get(
        suffix, 5_000
    )  # a page, a cluster
    assert expected - margin < rest.samples.shape[1] < expected + margin
    count = rest.samples.shape[1] - 4_800  # at the end, MP3 and Opus lack what follows
    assert snr_db(whole.samples[:, :count], rest.samples[:, :count]) > 40


@pytest.mark.parametrize("suffix", ["m4a", "mov"])
def test_mp4_without_its_index_is_refused_as_cut_off(tmp_path, make_tone, suffix):
    path = tmp_path / f"a.{suffix}"
    codec = "aac" if suffix == "m4a" else "pcm_s16le"
    write_by_av(
        path, make_tone(4.0).samples, RATE, codec=codec, muxer=suffix[:3].replace("m4a", "ipod")
    )
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(AudioError) as refused:
        load_audio(path)
    assert refused.value.code == "audio.cut_off"


def test_a_damaged_flac_keeps_what_follows_in_place(tmp_audio, make_tone):
    path = tmp_audio("a.flac", make_tone(5))
    whole = load_audio(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 64] = bytes(64)
    path.write_bytes(content)
    damaged = load_audio(path)
    assert "audio.note.damaged" in codes(damaged)
    assert any(note.lost for note in damaged.notes)
    assert damaged.samples.shape == whole.samples.shape
    np.testing.assert_array_equal(damaged.samples[:, :30_000], whole.samples[:, :30_000])
    np.testing.assert_array_equal(damaged.samples[:, -30_000:], whole.samples[:, -30_000:])
    assert np.isclose(damaged.samples, whole.samples).mean() > 0.8


def test_an_mp3_with_junk_between_its_frames(tmp_path, make_tone):
    path = save_audio(tmp_path / "a.mp3", make_tone(4.0, 44_100))
    content = path.read_bytes()
    path.write_bytes(content[:30_000] + b"\x00junk" * 2_000 + content[30_000:])
    assert any(note.lost for note in load_audio(path).notes)
    assert load_audio(path).duration == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("wav", "aac"),  # without any framing
        ("wav", "adpcm_ms"),
        ("wav", "libmp3lame"),
        ("w64", "adpcm_ima_wav"),
        ("asf", "wmav2"),
        ("avi", "libmp3lame"),
        ("flv", "aac"),
        ("au", "g722"),
        ("voc", "pcm_u8"),
        ("tta", "tta"),
    ],
)
def test_compressed_files_come_whole_however_they_are_joined_or_cut(
    tmp_path, speech, suffix, codec
):
    two_seconds = speech.samples[:, : 2 * RATE]
    rate = 24_000 if codec == "wmav2" else None  # bit/s; it has none of its own
    path = tmp_path / f"whole.{suffix}"
    whole = write_by_av(path, two_seconds, RATE, codec=codec, bit_rate=rate)
    content = whole.read_bytes()
    joined, cut = tmp_path / f"joined.{suffix}", tmp_path / f"cut.{suffix}"
    joined.write_bytes(content + content)
    cut.write_bytes(content[: len(content) * 6 // 10])
    held = load_audio(whole)
    assert held.duration == pytest.approx(2, abs=0.15)
    assert not any(note.lost for note in held.notes)
    both = load_audio(joined)
    assert both.duration == pytest.approx(2 * held.duration, abs=0.05)
    assert "audio.note.joined" in codes(both)
    assert not any(note.lost for note in both.notes)
    left = load_audio(cut)
    assert 0.5 < left.duration < 1.6
    assert any(note.lost for note in left.notes)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("ts", "aac"), ("mpg", "mp2"), ("ac3", "ac3"), ("eac3", "eac3"), ("mxf", "pcm_s16le")],
)
def test_a_stream_that_breaks_off_is_named(tmp_path, make_tone, suffix, codec):
    path = tmp_path / f"a.{suffix}"
    muxer = {"ts": "mpegts", "mpg": "mpeg", "mxf": "mxf_opatom"}.get(suffix, suffix)
    write_by_av(path, make_tone(2.0, 48_000).samples, 48_000, codec=codec, muxer=muxer)
    assert not any(note.lost for note in load_audio(path).notes)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    left = load_audio(path)
    assert left.duration == pytest.approx(1.2, abs=0.15)
    assert any(note.lost for note in left.notes)


def test_a_lossless_file_of_which_no_block_is_whole_is_refused_as_cut_off(tmp_path, make_tone):
    path = write_by_av(tmp_path / "a.wv", make_tone(1.0).samples, RATE, codec="wavpack", muxer="wv")
    content = path.read_bytes()
    path.write_bytes(content + content)
    assert load_audio(path).duration == pytest.approx(2.0)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(AudioError) as refused:
        load_audio(path)
    assert refused.value.code == "audio.cut_off"


def voc(*blocks):
    """A Creative Voice file of blocks (kind, content)."""
    content = b"".join(bytes([kind]) + struct.pack("<I", len(c))[:3] + c for kind, c in blocks)
    return b"Creative Voice File\x1a" + struct.pack("<HHH", 26, 0x10A, 0x1129) + content + b"\0"


@pytest.mark.parametrize("silence_first", [False, True])
def test_blocks_of_silence_keep_what_follows_in_place(tmp_path, silence_first):
    """Decoders pass over them."""
    samples = np.rint(noise(8_000) * 128) / 128
    setup = bytes([131, 0])  # 8 kHz, 8 bits
    sound = (1, setup + (samples[0] * 128 + 128).astype(np.uint8).tobytes())
    silence = (3, struct.pack("<HB", 3_999, 131))
    path = tmp_path / "a.voc"
    path.write_bytes(voc(*((silence, sound) if silence_first else (sound, silence)), sound))
    audio = load_audio(path)
    pause = np.zeros((1, 4_000))
    parts = [pause, samples, samples] if silence_first else [samples, pause, samples]
    np.testing.assert_array_equal(audio.samples, np.concatenate(parts, axis=1))
    assert audio.notes == ()


# ------------------------------------------------------------------------------------- joined


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_16"),
        ("a.w64", "PCM_24"),
        ("a.aiff", "PCM_16"),
        ("a.flac", "PCM_24"),
        ("a.ogg", "VORBIS"),
        ("a.opus", "OPUS"),
        ("a.mp3", "MPEG_LAYER_III"),
        ("a.m4a", "AAC"),
        ("a.webm", "OPUS"),
    ],
)
def test_files_joined_end_to_end_come_out_whole(tmp_path, name, subtype):
    container = {".opus": "OGG", ".webm": "WEBM", ".m4a": "MP4"}.get(name[1:])
    parts = []
    for index, seconds in enumerate((2.0, 1.5)):
        audio = tone(seconds, 48_000, 300.0 * (1 + index))
        audio = Audio(audio.samples, 48_000, container or name[2:].upper(), subtype)
        parts.append(save_audio(tmp_path / f"{index}-{name}", audio))
    joined = tmp_path / f"joined-{name}"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))

    whole = load_audio(joined)

    assert codes(whole) == ["audio.note.joined"]
    assert not any(note.lost for note in whole.notes)
    first, second = (load_audio(part).samples for part in parts)
    assert whole.samples.shape[1] == first.shape[1] + second.shape[1]
    np.testing.assert_array_equal(whole.samples, np.concatenate([first, second], axis=1))
    if subtype.startswith("PCM"):  # the second file once went along as a chunk of tags
        written = load_audio(save_audio(tmp_path / f"written-{name}", whole))
        np.testing.assert_array_equal(written.samples, whole.samples)


def without_count(content):
    """An MP3 without the frame that counts the others."""
    frame = content.index(b"Info") if b"Info" in content[:200] else content.index(b"Xing")
    following = content.index(content[:2], frame)
    return content[following:]


def test_joined_mp3s_whose_second_counts_nothing(tmp_path):
    parts = [save_audio(tmp_path / f"{n}.mp3", tone(2.0, 44_100, 300.0 * n)) for n in (1, 2)]
    path = tmp_path / "a.mp3"
    path.write_bytes(parts[0].read_bytes() + without_count(parts[1].read_bytes()))
    whole = load_audio(path)
    assert whole.duration == pytest.approx(4.0, abs=0.06)
    spectrum = np.abs(np.fft.rfft(whole.samples[0, -44_100:]))
    assert np.argmax(spectrum) == pytest.approx(600, abs=2)


def test_mp3s_without_any_count_are_joined_without_loss(tmp_path):
    frames = without_count(save_audio(tmp_path / "1.mp3", tone(2.0, 44_100)).read_bytes())
    tag = b"ID3\x03\0\0\0\0\0\x0aTIT2\0\0\0\0\0\0"
    for between in (b"", tag):
        path = tmp_path / "a.mp3"
        path.write_bytes(frames + between + frames)
        whole = load_audio(path)
        assert whole.duration == pytest.approx(4.0, abs=0.15)
        assert not any(note.lost for note in whole.notes)


def test_an_mp3_whose_rate_changes_midway_goes_on_at_the_first(tmp_path):
    first = save_audio(tmp_path / "1.mp3", tone(2.0, 44_100)).read_bytes()
    second = save_audio(tmp_path / "2.mp3", tone(2.0, 22_050)).read_bytes()
    path = tmp_path / "a.mp3"
    path.write_bytes(first + without_count(second))
    whole = load_audio(path)
    assert (whole.sample_rate, whole.duration) == (44_100, pytest.approx(4.0, abs=0.1))
    assert "audio.note.rate_changed" in codes(whole)
    spectrum = np.abs(np.fft.rfft(whole.samples[0, -44_100:]))
    assert np.argmax(spectrum) == pytest.approx(440, abs=2)


def test_a_chained_ogg_of_other_channels(tmp_path):
    parts = [save_audio(tmp_path / f"{n}.ogg", tone(1.0, channels=n)) for n in (2, 1)]
    path = tmp_path / "a.ogg"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    whole = load_audio(path)
    assert whole.samples.shape == (2, 2 * RATE)
    assert "audio.note.channels_changed" in codes(whole)
    assert np.abs(whole.samples[1, RATE:]).max() > 0.3


# ------------------------------------------------------------------------------------ headers


def test_a_recorder_that_died_before_it_wrote_the_length(tmp_path):
    samples = noise(20_000)
    path = tmp_path / "a.wav"
    soundfile.write(path, samples[0], RATE)
    content = path.read_bytes()
    junk = b"JUNK" + struct.pack("<I", 28) + bytes(28)
    header = b"RIFF" + bytes(4) + b"WAVE" + junk + content[12:36] + b"data" + bytes(4)
    path.write_bytes(header + content[44:] + b"\x01")  # half a sample more
    died = load_audio(path)
    assert died.tags.chunks == ()
    assert codes(died) == ["audio.note.no_length"]
    assert died.samples.shape == (1, 20_000)
    assert np.abs(died.samples - samples).max() < 1 / 32_000


def with_size(path, size):
    content = bytearray(path.read_bytes())
    place = content.index(b"data") + 4
    content[place : place + 4] = struct.pack("<I", size)
    path.write_bytes(content)


def test_a_header_that_promises_a_little_more(tmp_path):
    samples = noise(20_000)
    path = tmp_path / "a.wav"
    soundfile.write(path, samples[0], RATE)
    with_size(path, 40_036)
    audio = load_audio(path)
    assert codes(audio) == ["audio.note.header_wrong"]
    assert not audio.notes[0].lost
    assert audio.samples.shape == (1, 20_000)


def test_a_header_that_promises_less(tmp_path):
    """Beyond 4 GB, and where a recorder died after it last wrote the length."""
    samples = noise(20_000)
    path = tmp_path / "a.wav"
    soundfile.write(path, samples[0], RATE)
    with_size(path, 8_000)
    audio = load_audio(path)
    assert audio.samples.shape == (1, 20_000)
    [note] = audio.notes
    assert note.code == "audio.note.header_short"
    assert (note.fields["stated"], note.fields["held"]) == (0.25, 1.25)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0, 8_000])
def test_a_file_behind_one_whose_length_is_unknown_or_wrong(tmp_path, size):
    first, second = noise(20_000), noise(10_000, seed=1)
    path = tmp_path / "a.wav"
    soundfile.write(path, first[0], RATE)
    with_size(path, size)
    soundfile.write(tmp_path / "b.wav", second[0], RATE)
    path.write_bytes(path.read_bytes() + (tmp_path / "b.wav").read_bytes())
    whole = load_audio(path)
    assert "audio.note.joined" in codes(whole)
    assert whole.samples.shape == (1, 30_000)
    assert np.abs(whole.samples[:, 20_000:] - second).max() < 1 / 32_000


def test_an_odd_chunk_without_padding(tmp_path):
    samples = noise(20_000)
    path = tmp_path / "a.wav"
    soundfile.write(path, samples[0], RATE)
    content = path.read_bytes()
    path.write_bytes(content[:12] + b"LIST" + struct.pack("<I", 5) + b"INFO\0" + content[12:])
    audio = load_audio(path)
    assert (audio.samples.shape, audio.notes) == ((1, 20_000), ())
    assert np.abs(audio.samples - samples).max() < 1 / 32_000


def test_two_chunks_of_samples_in_one_file(tmp_path):
    """Decoders read one of them."""
    samples = noise(20_000)
    path = tmp_path / "a.wav"
    soundfile.write(path, samples[0], RATE)
    content = path.read_bytes()
    second = b"data" + struct.pack("<I", 16_000) + content[44 + 24_000 :]
    path.write_bytes(content[: 44 + 24_000] + second)
    with_size(path, 24_000)
    audio = load_audio(path)
    assert (audio.samples.shape, audio.notes) == ((1, 20_000), ())
    assert np.abs(audio.samples - samples).max() < 1 / 32_000


def test_an_ogg_behind_something_else(tmp_path):
    path = save_audio(tmp_path / "a.opus", tone(1.0, 48_000))
    path.write_bytes(b"HTTP/1.0 200 OK\r\n\r\n" + path.read_bytes())
    assert load_audio(path).samples.shape == (1, 48_000)


def test_a_corpus_file_of_nist_and_what_is_left_of_one(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(20_000)[0], RATE, "PCM_16", format="NIST")
    assert (load_audio(path).samples.shape, load_audio(path).notes) == ((1, 20_000), ())
    path.write_bytes(path.read_bytes()[:21_024])
    audio = load_audio(path)
    assert (codes(audio), audio.samples.shape) == (["audio.note.cut_off_at"], (1, 10_000))


@pytest.mark.parametrize("subtype", ["MS_ADPCM", "IMA_ADPCM", "GSM610"])
def test_the_end_of_compressed_samples_is_missed(tmp_path, subtype):
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(64_000)[0], 8_000, subtype)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    [note] = load_audio(path).notes
    assert (note.code, note.lost) == ("audio.note.cut_off_at", True)
    assert note.fields["stated"] == pytest.approx(8.0, abs=0.1)
    assert note.fields["held"] == pytest.approx(4.0, abs=0.1)


def test_what_follows_the_samples_is_no_audio(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(20_000)[0], RATE)
    for tail in (b"LIST" + struct.pack("<I", 20) + b"INFOINAM\x08\0\0\0a title\0", bytes(5_000)):
        content = path.read_bytes()[:40_044]
        path.write_bytes(content + tail)
        audio = load_audio(path)
        assert audio.samples.shape == (1, 20_000)
        assert audio.notes == ()


@pytest.mark.parametrize("size", [b"\xff\xff\xff\xff", b"\x00\xf0\xff\x7f"])
def test_wav_streamed_without_knowing_its_length(tmp_audio, make_tone, size):
    path = tmp_audio("a.wav", make_tone())
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = size
    path.write_bytes(content)
    audio = load_audio(path)
    assert (audio.samples.shape, audio.notes) == ((1, 16_000), ())


@pytest.mark.parametrize(
    ("name", "place", "width"),
    [("a.aiff", b"SSND", 4), ("a.caf", b"data", 8), ("a.au", b".snd", 4)],
)
def test_other_containers_without_a_length(tmp_path, name, place, width):
    samples = noise(20_000)
    path = save_audio(tmp_path / name, Audio(samples, RATE))
    content = bytearray(path.read_bytes())
    offset = content.index(place) + (8 if name == "a.au" else 4)
    content[offset : offset + width] = bytes(width)
    if name == "a.aiff":
        frames = content.index(b"COMM") + 10
        content[frames : frames + 4] = bytes(4)
    path.write_bytes(content)
    audio = load_audio(path)
    assert codes(audio) == ["audio.note.no_length"]
    assert audio.samples.shape == (1, 20_000)


def test_mp3_in_wav(tmp_path):
    frames = save_audio(tmp_path / "a.mp3", tone(2.0, 44_100)).read_bytes()
    layout = struct.pack("<HHIIHHHHIHHH", 0x55, 1, 44_100, 16_000, 1, 0, 12, 1, 2, 1_152, 1, 1_393)
    fact = struct.pack("<4sII", b"fact", 4, 90_000)  # an estimate, and too much
    chunks = b"fmt " + struct.pack("<I", len(layout)) + layout + fact
    chunks += b"data" + struct.pack("<I", len(frames)) + frames
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    audio = load_audio(path)
    assert audio.notes == ()
    assert (audio.container, audio.duration) == ("WAV", pytest.approx(2.0, abs=0.06))
    assert save_audio(tmp_path / "b.wav", audio).name == "b.wav"


# --------------------------------------------------------------------------- gaps and late starts


@pytest.mark.parametrize(
    ("name", "muxer", "codec"),
    [
        ("a.mp4", "mp4", "aac"),
        ("a.mkv", "matroska", "aac"),
        ("a.webm", "webm", "libopus"),
        ("a.ts", "mpegts", "aac"),
    ],
)
def test_missing_packets_are_silence(tmp_path, name, muxer, codec):
    samples = tone(4.0, 48_000).samples
    path = write_packets(tmp_path / name, [samples], muxer, codec, skip=[(1.5, 2.5)])
    audio = load_audio(path)
    assert audio.duration == pytest.approx(4.0, abs=0.08)
    assert "audio.note.gap" in codes(audio)
    [note] = [note for note in audio.notes if note.code == "audio.note.gap"]
    assert note.fields["seconds"] == pytest.approx(1.0, abs=0.1)
    inner = audio.samples[0, int(1.65 * 48_000) : int(2.4 * 48_000)]
    assert np.abs(inner).max() < 1e-3
    after = audio.samples[0, int(2.7 * 48_000) : int(3.7 * 48_000)]
    assert np.abs(after).max() > 0.3


@pytest.mark.parametrize(
    ("name", "muxer", "codec"),
    [("a.mp4", "mp4", "aac"), ("a.mkv", "matroska", "aac"), ("a.webm", "webm", "libopus")],
)
def test_audio_that_starts_late_stays_under_its_picture(tmp_path, name, muxer, codec):
    samples = tone(2.0, 48_000).samples
    path = write_packets(tmp_path / name, [samples], muxer, codec, picture=3, delays=[0.8])
    audio = load_audio(path)
    assert "audio.note.late" in codes(audio)
    onset = np.argmax(np.abs(audio.samples[0]) > 0.2) / 48_000
    assert onset == pytest.approx(0.8, abs=0.03)


# ------------------------------------------------------------------------------------- tracks


@pytest.fixture
def two_tracks(tmp_path):
    """A film of desktop audio in stereo and a microphone in mono, as OBS records it."""
    desktop = tone(2.0, 48_000, 300.0, channels=2).samples / 2
    microphone = tone(2.0, 48_000, 1_000.0).samples / 2
    tracks = [desktop, microphone]
    return write_packets(tmp_path / "a.mkv", tracks, "matroska", "aac", picture=2)


def strongest(samples, rate=48_000):
    """Hz of the strongest tone in the middle second."""
    middle = samples[rate // 2 : rate // 2 + rate]
    return int(np.argmax(np.abs(np.fft.rfft(middle))) * rate / len(middle))


def test_every_track_can_be_had(two_tracks):
    first, second = load_tracks(two_tracks)
    assert (first.channels, second.channels) == (2, 1)
    assert (strongest(first.samples[0]), strongest(second.samples[0])) == (300, 1_000)
    np.testing.assert_array_equal(load_audio(two_tracks, track=2).samples, second.samples)
    assert [(track.number, track.channels) for track in list_tracks(two_tracks)] == [(1, 2), (2, 1)]
    with pytest.raises(AudioError) as refused:
        load_audio(two_tracks, track=3)
    assert (refused.value.code, refused.value.fields["count"]) == ("audio.track_missing", 2)


def test_one_audio_of_several_tracks_is_their_sum_and_says_so(two_tracks):
    mixed = load_audio(two_tracks)
    first, second = load_tracks(two_tracks)
    np.testing.assert_allclose(mixed.samples, first.samples + second.samples, atol=1e-6)
    assert mixed.notes[-1].code == "audio.mixed"


def test_tracks_are_written_back_as_tracks(two_tracks, tmp_path):
    tracks = load_tracks(two_tracks)
    written = save_tracks(tmp_path / "out.mkv", tracks)
    assert written.path.name == "out.mka"
    again = load_tracks(written.path)
    assert [track.channels for track in again] == [2, 1]
    for before, after in zip(tracks, again, strict=True):
        assert before.samples.shape == after.samples.shape
        assert snr_db(before.samples, after.samples) > 15
    mixed = save_tracks(tmp_path / "out.mkv", tracks, format="flac")
    assert (mixed.path.name, [note.code for note in mixed.notes]) == ("out.flac", ["audio.mixed"])


# ----------------------------------------------------------------------------------- full scale


@pytest.mark.parametrize("bits", [16, 24, 32])
def test_float_files_in_the_range_of_integers_are_scaled(tmp_path, bits):
    samples = noise(channels=2)
    soundfile.write(tmp_path / "a.wav", samples.T * 2.0 ** (bits - 1), RATE, "FLOAT")
    audio = load_audio(tmp_path / "a.wav")
    np.testing.assert_allclose(audio.samples, samples, atol=1e-6)
    [note] = audio.notes
    assert (note.code, note.fields["bits"], note.lost) == ("audio.scaled", bits, False)


def test_real_overs_are_left_alone(tmp_path):
    samples = noise(amplitude=0.9) * 12  # 20 dB above full scale
    soundfile.write(tmp_path / "a.wav", samples[0], RATE, "FLOAT")
    audio = load_audio(tmp_path / "a.wav")
    np.testing.assert_array_equal(audio.samples, samples)
    assert audio.notes == ()


# ------------------------------------------------------------------------------------- lossless


def test_flac_in_ogg_stays_flac_in_ogg(tmp_path):
    samples = noise(channels=2)
    for codec_format, subtype in (("s16", "PCM_16"), ("s32", "PCM_24")):
        path = tmp_path / "a.oga"
        with av.open(str(path), "w", format="ogg") as container:
            stream = container.add_stream("flac", rate=RATE, layout="stereo")
            stream.codec_context.format = codec_format
            width = np.int16 if codec_format == "s16" else np.int32
            scaled = (samples * (2.0 ** (8 * width().itemsize - 1) - 1)).astype(width)
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(scaled.T.reshape(1, -1)), format=codec_format, layout="stereo"
            )
            frame.sample_rate, frame.pts = RATE, 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        loaded = load_audio(path)
        assert (loaded.container, loaded.subtype) == ("OGG", subtype)
        copy = save_audio(tmp_path / "b.oga", loaded)
        again = load_audio(copy)
        assert (copy.name, again.container, again.subtype) == ("b.oga", "OGG", subtype)
        np.testing.assert_array_equal(again.samples, loaded.samples)


@pytest.mark.parametrize(
    ("name", "muxer", "codec", "written"),
    [
        ("a.m4a", "ipod", "alac", "b.m4a"),
        ("a.wv", "wv", "wavpack", "b.flac"),
        ("a.tta", "tta", "tta", "b.flac"),
    ],
)
def test_lossless_codecs_stay_lossless(tmp_path, name, muxer, codec, written):
    source = write_by_av(tmp_path / name, noise(channels=2), 44_100, codec=codec, muxer=muxer)
    loaded = load_audio(source)
    copy = save_audio(tmp_path / f"b{source.suffix}", loaded)
    again = load_audio(copy)
    assert copy.name == written
    np.testing.assert_array_equal(again.samples, loaded.samples)


def test_surround_audio_of_a_film_gets_a_sensible_name(tmp_path):
    samples = noise(48_000, channels=6, amplitude=0.05)
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("ac3", rate=48_000, layout="5.1")
        stream.bit_rate = 448_000
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="5.1")
        frame.sample_rate, frame.pts = 48_000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    loaded = load_audio(path)
    copy = save_audio(tmp_path / "out.mkv", loaded)
    assert (loaded.channels, copy.name, load_audio(copy).channels) == (6, "out.webm", 6)


def test_a_quiet_float_file_of_whole_numbers_is_scaled(tmp_path):
    whole = np.rint(noise()[0] * 40)  # peaks at some 35 of 32,768
    soundfile.write(tmp_path / "a.wav", whole, RATE, "FLOAT")
    audio = load_audio(tmp_path / "a.wav")
    np.testing.assert_allclose(audio.samples[0], whole / 32_768)


def test_rf64_and_wave64_of_a_recorder_that_died(tmp_path):
    samples = noise(20_000)
    for name, container, place in (("a.wav", "RF64", 28), ("a.w64", "W64", None)):
        path = tmp_path / name
        soundfile.write(path, samples[0], RATE, "PCM_16", format=container)
        content = bytearray(path.read_bytes())
        if place is None:
            place = content.index(b"data") + 16
        else:
            content[place - 8 : place] = bytes(8)
        for unknown in (bytes(8), b"\xff" * 8) if name == "a.wav" else (bytes(8),):
            content[place : place + 8] = unknown
            path.write_bytes(content)
            audio = load_audio(path)
            assert codes(audio) == ["audio.note.no_length"]
            assert audio.samples.shape == (1, 20_000)


def test_dsd_becomes_pcm(tmp_path):
    """A DSF file: one bit a sample at 2.8 MHz, here of a sine by a first-order modulator."""
    rate, seconds = 2_822_400, 0.25
    wave = 0.4 * np.sin(2 * np.pi * 1_000 * np.arange(int(rate * seconds)) / rate)
    steps = np.floor(np.cumsum(wave / 2 + 0.5))
    bits = np.diff(steps, prepend=0).astype(np.uint8)
    content = np.packbits(bits, bitorder="little").tobytes()
    content += bytes(-len(content) % 4_096)
    layout = struct.pack("<IIIIIIQII", 1, 0, 1, 1, rate, 1, len(bits), 4_096, 0)
    chunks = b"fmt " + struct.pack("<Q", 52) + layout
    chunks += b"data" + struct.pack("<Q", 12 + len(content)) + content
    path = tmp_path / "a.dsf"
    path.write_bytes(b"DSD " + struct.pack("<QQQ", 28, 28 + len(chunks), 0) + chunks)
    audio = load_audio(path)
    assert audio.duration == pytest.approx(seconds, abs=0.02)
    spectrum = np.abs(np.fft.rfft(audio.samples[0, 2_000:19_640]))
    assert np.argmax(spectrum[1:]) + 1 == pytest.approx(200, abs=2)
    assert save_audio(tmp_path / "b.dsf", audio).name == "b.wav"
