"""Names of files that come from anywhere and go back into anybody's file system."""

import os
from pathlib import PurePosixPath

import pytest

from frcrn_app.web.batch.names import result_names, safe_name, unique_name


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("talk.wav", "talk.wav"),
        ("season 2/一/第三集.m4a", "season 2/一/第三集.m4a"),
        ("../../etc/passwd", "etc/passwd"),
        ("/absolute/talk.wav", "absolute/talk.wav"),
        ("C:\\Users\\me\\talk.wav", "C:/Users/me/talk.wav"),
        ("a/./b//c.wav", "a/b/c.wav"),
        ("line\nbreak.wav", "line_x0abreak.wav"),
        ("..", "recording"),
        ("", "recording"),
    ],
)
def test_names_lead_nowhere_else(sent, kept):
    assert safe_name(sent) == PurePosixPath(kept)


def test_names_are_short_enough_for_every_file_system():
    name = safe_name("d" * 400 + "/" + "語" * 300 + ".flac")
    assert all(len(os.fsencode(part)) <= 255 for part in name.parts)
    assert name.suffix == ".flac"


def test_a_name_that_is_taken_gets_a_number():
    taken = [PurePosixPath("a/talk.wav"), PurePosixPath("a/Talk (2).wav")]
    assert unique_name(PurePosixPath("a/talk.wav"), taken) == PurePosixPath("a/talk (3).wav")
    assert unique_name(PurePosixPath("b/talk.wav"), taken) == PurePosixPath("b/talk.wav")


def test_results_keep_their_tree_and_no_two_have_one_name():
    recordings = ["a/talk.mp4", "a/talk.m4a", "b/talk.wav", "c/TALK.WAV", "c/talk.amr"]
    endings = [".m4a", ".m4a", ".wav", ".wav", ".wav"]
    names = result_names(zip(map(PurePosixPath, recordings), endings, strict=True))
    assert [name.as_posix() for name in names] == [
        "a/talk.m4a", "a/talk.m4a.m4a", "b/talk.wav", "c/TALK.WAV", "c/talk.amr.wav",
    ]  # fmt: skip
