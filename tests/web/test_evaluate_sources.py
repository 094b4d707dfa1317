"""What visitors give for an evaluation becomes pairs."""

import pickle

import pytest

from frcrn_app.errors import PairError
from frcrn_app.web.evaluate import TestSet
from sets import touch


def test_what_visitors_give_becomes_pairs(tmp_path):
    touch(tmp_path, "up/1/a_noisy.wav", "up/2/a.wav", "up/3/a_enh.wav", "open/set/noisy/b.wav")
    touch(tmp_path, "open/set/clean/b.wav", "open/set/mine/b.wav", "outside/b.wav")
    noisy, clean, made = (str(next((tmp_path / "up" / n).iterdir())) for n in "123")
    manifest = tmp_path / "m.csv"
    manifest.write_text("noisy,clean,mine\nanywhere\\a_noisy.wav,x/a.wav,a_enh.wav\n")
    roots = (tmp_path / "open",)
    given = {
        "files": TestSet("files", noisy=[noisy], clean=[clean], system=[made], system_name="mine"),
        "manifest": TestSet(
            "manifest", manifest=str(manifest), manifest_sounds=[noisy, clean, made]
        ),
        "one folder": TestSet("folders", noisy_folder="set"),
        "folders": TestSet(
            "folders",
            noisy_folder="set/noisy",
            clean_folder=str(tmp_path / "open/set/clean"),
            system_folders="mine=set/mine\n\n",
        ),
    }
    for name, test_set in given.items():
        pairs = test_set.pairs(tmp_path / "scratch", roots)
        assert pairs.systems == ("mine",), name
        assert len(pairs.pairs) == 1, name
        assert pairs.pairs[0].clean is not None, name
        assert pairs.pairs[0].systems["mine"].exists(), name
    secret = TestSet("folders", noisy_folder="set/noisy", clean_folder=str(tmp_path / "outside"))
    for wrong in (secret, TestSet("zip"), TestSet("files"), TestSet("manifest"), TestSet("cloud")):
        with pytest.raises(PairError):
            wrong.pairs(tmp_path / "scratch", roots)
    with pytest.raises(PairError):
        given["folders"].pairs(tmp_path / "scratch", ())


class Named(str):
    """A string as Gradio's are, for which a reader would have to import its module."""


def test_what_goes_to_a_reader_is_plain_text():
    given = TestSet("files", archive=Named("set.zip"), noisy=[Named("a.wav")])
    assert b"Named" not in pickle.dumps(given)
    assert given == TestSet("files", archive="set.zip", noisy=["a.wav"])
