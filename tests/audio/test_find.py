"""What counts as audio in a folder, and how far links lead."""

import errno

import av
import pytest
import soundfile

from frcrn_app.audio import AUDIO_SUFFIXES, find_audio
from frcrn_app.audio.decode import DEMUXERS
from recordings import RATE, noise

PICTURES = {"avif", "heic", "heif"}
# Of formats that FFmpeg reads as something else than audio or film.
OTHERS = {"mks", "str", "mjpg", "gsm"}


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        soundfile.write(file, noise(1_000)[0], RATE, format="WAV")
    return path


@pytest.mark.parametrize("demuxer", DEMUXERS)
def test_every_ending_of_the_allowed_demuxers_is_taken(demuxer):
    endings = av.format.ContainerFormat(demuxer, "r").extensions - PICTURES - OTHERS
    assert {f".{ending}" for ending in endings} <= AUDIO_SUFFIXES


def test_what_phones_cameras_and_recorders_write_is_taken():
    common = ".wav .flac .ogg .opus .mp3 .m4a .webm .mp4 .mov .3ga .3gp .amr .awb .mts .m2ts .mpg"
    assert set(common.split()) <= AUDIO_SUFFIXES
    assert {
        ".mp2",
        ".ts",
        ".flv",
        ".wv",
        ".ape",
        ".tta",
        ".dsf",
        ".aifc",
        ".au",
        ".w64",
        ".rf64",
        ".caf",
        ".wma",
    } <= (AUDIO_SUFFIXES)


def test_links_stay_within_bounds(tmp_path):
    write(tmp_path / "outside/secret.wav")
    write(tmp_path / "root/a.wav")
    (tmp_path / "root/linked").symlink_to(tmp_path / "outside")
    (tmp_path / "root/b.wav").symlink_to(tmp_path / "outside/secret.wav")
    names = [path.name for path in find_audio(tmp_path / "root").files]
    assert names == ["a.wav", "b.wav", "secret.wav"]
    bounded = find_audio(tmp_path / "root", within=[tmp_path / "root"])
    assert [path.name for path in bounded.files] == ["a.wav"]
    assert sorted(path.name for path in bounded.ignored) == ["b.wav", "linked"]


def test_links_that_lead_nowhere_are_named_where_audio_is_missed(tmp_path):
    write(tmp_path / "a.wav")
    (tmp_path / "b.wav").symlink_to("b.wav")
    (tmp_path / "c").symlink_to("d")
    (tmp_path / "d").symlink_to("c")
    (tmp_path / "e.flac").symlink_to("gone.flac")
    (tmp_path / "f").symlink_to("gone")
    found = find_audio(tmp_path)
    assert [path.name for path in found.files] == ["a.wav"]
    assert [path.name for path in found.ignored] == ["c", "d", "f"]
    missed = [(path.name, reason.errno) for path, reason in found.unreadable]
    assert missed == [("b.wav", errno.ELOOP), ("e.flac", errno.ENOENT)]


def test_order_is_by_name_through_folders(tmp_path):
    for name in ("b/1.wav", "a/2.wav", "c.wav", "a/b/0.wav"):
        write(tmp_path / name)
    found = [path.relative_to(tmp_path).as_posix() for path in find_audio(tmp_path).files]
    assert found == ["a/2.wav", "a/b/0.wav", "b/1.wav", "c.wav"]


def test_hundreds_of_nested_folders(tmp_path):
    folder = tmp_path
    for _ in range(300):
        folder = folder / "deep"
    write(folder / "a.wav")
    assert len(find_audio(tmp_path).files) == 1
