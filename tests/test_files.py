"""Names of files in one line, whatever bytes they are made of."""

import os

import pytest

from frcrn_app.files import shown


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("会议　录音.wav", "会议　录音.wav"),  # with a space as wide as a character
        ("caf\u00e9 1.wav", "caf\u00e9 1.wav"),
        ("a\nb.wav", "a\\x0ab.wav"),
        ("\u202ewav.exe", "\\u202ewav.exe"),  # which would turn the rest of the line around
        (os.fsdecode(b"caf\xe9.wav"), "caf\\xe9.wav"),
    ],
)
def test_names_are_shown_in_one_line(name, line):
    assert shown(name) == line
