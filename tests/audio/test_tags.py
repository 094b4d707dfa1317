"""What a file says about its audio survives: chunks, ID3, Vorbis comments, MP4 tags, cover art."""

import io
import struct

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from frcrn_app.audio import Audio, Tags, load_audio, save_audio, save_tracks
from frcrn_app.audio.types import Chapter, Picture
from recordings import RATE, noise

BEXT = b"Interview, take 2".ljust(256, b"\0") + b"Sound Devices".ljust(346, b"\0")
IXML = b"<BWFXML><SCENE>12A</SCENE><TAKE>2</TAKE></BWFXML>"
CUE = struct.pack("<II4sIIII", 1, 1, b"data"[:4], 0, 0, 0, 4_000)[:28]


def chunk(name, content, order="<"):
    return struct.pack(order + "4sI", name, len(content)) + content + b"\0" * (len(content) % 2)


def wav_with_chunks(path):
    """A Broadcast WAV: bext before the samples, the rest behind them."""
    soundfile.write(path, noise()[0], RATE, "PCM_24")
    content = path.read_bytes()
    info = b"INFO" + chunk(b"INAM", b"A title\0") + chunk(b"IART", "Zoë".encode() + b"\0")
    body = chunk(b"bext", BEXT) + content[12:] + chunk(b"iXML", IXML)
    body += chunk(b"cue ", CUE) + chunk(b"LIST", info)
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body)
    return path


def chunks_of(path):
    content, position, found = path.read_bytes(), 12, {}
    while position + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, position)
        found[name] = content[position + 8 : position + 8 + size]
        position += 8 + size + size % 2
    assert struct.unpack_from("<I", content, 4)[0] == len(content) - 8
    return found


def cover(kind="JPEG"):
    file = io.BytesIO()
    Image.new("RGB", (32, 32), (200, 30, 30)).save(file, kind)
    return Picture(f"image/{kind.lower()}", file.getvalue())


FIELDS = (("title", "夜航"), ("artist", "Zoë"), ("date", "2024"), ("comment", "take 2"))


def tagged(container, subtype, rate=44_100, pictures=()):
    audio = Audio(noise(rate), rate, container, subtype)
    return Audio(audio.samples, rate, container, subtype, tags=Tags(FIELDS, tuple(pictures)))


def test_broadcast_wav_keeps_its_chunks_byte_for_byte(tmp_path):
    loaded = load_audio(wav_with_chunks(tmp_path / "a.wav"))
    written = save_audio(tmp_path / "b.wav", loaded)
    chunks = chunks_of(written)
    assert chunks[b"bext"] == BEXT
    assert chunks[b"iXML"] == IXML
    assert chunks[b"cue "] == CUE
    assert b"Zo\xc3\xab" in chunks[b"LIST"]
    again = load_audio(written)
    assert again.tags == loaded.tags
    np.testing.assert_array_equal(again.samples, loaded.samples)


def test_what_another_container_cannot_hold_is_named(tmp_path):
    loaded = load_audio(wav_with_chunks(tmp_path / "a.wav"))
    written = save_tracks(tmp_path / "b.flac", [loaded], format="flac")
    [note] = written.notes
    assert note.code == "audio.note.metadata_left"
    assert note.fields["names"] == "bext, iXML, cue"
    fields = dict(load_audio(written.path).tags.fields)
    assert (fields["title"], fields["artist"]) == ("A title", "Zoë")


def test_aiff_keeps_its_chunks(tmp_path):
    path = tmp_path / "a.aiff"
    soundfile.write(path, noise()[0], RATE, "PCM_16", format="AIFF")
    content = path.read_bytes() + chunk(b"NAME", b"A title ", ">") + chunk(b"ANNO", b"take 2", ">")
    path.write_bytes(content[:4] + struct.pack(">I", len(content) - 8) + content[8:])
    loaded = load_audio(path)
    again = load_audio(save_audio(tmp_path / "b.aiff", loaded))
    assert dict(again.tags.fields) == {"title": "A title", "comment": "take 2"}
    np.testing.assert_array_equal(again.samples, loaded.samples)


@pytest.mark.parametrize(
    ("name", "container", "subtype", "rate"),
    [
        ("a.flac", "FLAC", "PCM_24", 44_100),
        ("a.ogg", "OGG", "VORBIS", 44_100),
        ("a.opus", "OGG", "OPUS", 48_000),
        ("a.mp3", "MP3", "MPEG_LAYER_III", 44_100),
        ("a.m4a", "MP4", "AAC", 44_100),
        ("a.oga", "OGG", "PCM_16", 44_100),
        ("a.webm", "WEBM", "OPUS", 48_000),
        ("a.wav", "WAV", "PCM_16", 44_100),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_fields_and_cover_art_come_back(tmp_path, name, container, subtype, rate, kind):
    plain = save_audio(tmp_path / f"plain-{name}", Audio(noise(rate), rate, container, subtype))
    audio = tagged(container, subtype, rate, [cover(kind)])
    written = save_tracks(tmp_path / name, [audio])
    again = load_audio(written.path)
    fields = dict(again.tags.fields)
    for field, text in FIELDS:
        assert fields[field] == text, fields
    if name.endswith((".webm", ".wav")):
        assert [note.code for note in written.notes] == ["audio.note.cover_left"]
    else:
        assert written.notes == ()
        assert [picture.data for picture in again.tags.pictures] == [cover(kind).data]
    assert again.notes == ()
    np.testing.assert_array_equal(again.samples, load_audio(plain).samples)
    copied = load_audio(save_audio(tmp_path / f"copy-{name}", again))
    assert dict(copied.tags.fields) == dict(again.tags.fields)
    assert copied.tags.pictures == again.tags.pictures


def test_the_id3_of_an_mp3_is_kept_byte_for_byte(tmp_path):
    frame = b"TXXX" + struct.pack(">I", 12) + b"\0\0" + b"\0mood\0calm\0\0"
    id3 = b"ID3\x03\0\0\0\0\0" + bytes([len(frame)]) + frame
    path = tmp_path / "a.mp3"
    frames = save_audio(path, Audio(noise(44_100), 44_100)).read_bytes()
    tail = b"TAG" + b"A title".ljust(125, b"\0")
    path.write_bytes(id3 + frames + tail)
    loaded = load_audio(path)
    copy = save_audio(tmp_path / "b.mp3", loaded)
    content = copy.read_bytes()
    assert content.startswith(id3)
    assert content.endswith(tail)
    assert load_audio(copy).samples.shape == loaded.samples.shape


def test_tracks_keep_title_and_language(tmp_path):
    tracks = [
        Audio(
            noise(48_000), 48_000, "WEBM", "OPUS", tags=Tags((("title", title), ("language", code)))
        )
        for title, code in (("Desktop", "eng"), ("麦克风", "chi"))
    ]
    written = save_tracks(tmp_path / "a.mka", tracks)
    with av.open(str(written.path)) as container:
        titles = [stream.metadata["title"] for stream in container.streams.audio]
        languages = [stream.metadata["language"] for stream in container.streams.audio]
    assert (titles, languages) == (["Desktop", "麦克风"], ["eng", "chi"])


CHAPTERS = (Chapter(0.0, 0.4, "Intro"), Chapter(0.4, 1.0, "Gespräch"))


@pytest.mark.parametrize(
    ("name", "container", "subtype"),
    [
        ("a.m4a", "MP4", "AAC"),
        ("a.webm", "WEBM", "OPUS"),
        ("a.flac", "FLAC", "PCM_16"),
        ("a.ogg", "OGG", "VORBIS"),
        ("a.opus", "OGG", "OPUS"),
    ],
)
def test_chapters_come_back(tmp_path, name, container, subtype):
    audio = Audio(noise(48_000), 48_000, container, subtype, tags=Tags(chapters=CHAPTERS))
    again = load_audio(save_audio(tmp_path / name, audio))
    assert [chapter.title for chapter in again.tags.chapters] == ["Intro", "Gespräch"]
    assert [chapter.start for chapter in again.tags.chapters] == [0.0, 0.4]


@pytest.mark.parametrize(
    ("name", "names"),
    [("a.wav", "lyrics"), ("a.aiff", "date, lyrics"), ("a.au", "title, date, lyrics")],
)
def test_whatever_finds_no_room_is_named(tmp_path, name, names):
    fields = (("title", "Talk"), ("date", "2026"), ("lyrics", "la"))
    tags = Tags(fields, (Picture("image/png", b""),), CHAPTERS)
    written = save_tracks(tmp_path / name, [Audio(noise(), RATE, tags=tags)])
    assert [(note.code, note.fields.get("names")) for note in written.notes] == [
        ("audio.note.metadata_left", names),
        ("audio.note.cover_left", None),
        ("audio.note.chapters_left", None),
    ]


@pytest.mark.parametrize(
    ("name", "chunk"),
    [
        ("a.caf", (b"mark", bytes(range(16)))),
        ("a.w64", (b"bext\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a", b"Scene 7")),
    ],
)
def test_chunks_of_caf_and_wave64_come_back_byte_for_byte(tmp_path, name, chunk):
    family = {"a.caf": "CAF", "a.w64": "W64"}[name]
    tags = Tags(family=family, chunks=(chunk,))
    samples = noise(999)
    audio = load_audio(save_audio(tmp_path / name, Audio(samples, RATE, tags=tags)))
    assert (audio.tags.chunks, audio.samples.shape) == ((chunk,), samples.shape)
    again = load_audio(save_audio(tmp_path / ("b" + name), audio))
    assert (again.tags.chunks, again.notes) == ((chunk,), ())
    assert np.array_equal(again.samples, audio.samples)


def test_a_caf_takes_over_title_and_artist(tmp_path):
    fields = (("title", "漢字"), ("artist", "José"))
    path = save_audio(tmp_path / "a.caf", Audio(noise(), RATE, tags=Tags(fields)))
    assert load_audio(path).tags.fields == fields
    with av.open(str(path)) as container:
        assert container.metadata["title"] == "漢字"
