"""Archives and folders of visitors are read, and only they."""

import stat
import zipfile

import pytest
from sets import touch, zipped

from frcrn_app.errors import PairError
from frcrn_app.evaluation import allowed_folder, extract_archive, pair_archive, pair_tree


def test_an_archive_with_its_usual_clutter(tmp_path):
    entries = {
        "my set/noisy/a.wav": b"n", "my set/noisy/b.wav": b"n", "my set/clean/a.wav": b"c",
        "my set/clean/b.wav": b"c", "my set/other/a.wav": b"o", "my set/other/b.wav": b"o",
        "__MACOSX/my set/noisy/._a.wav": b"junk", "my set/noisy/.DS_Store": b"junk",
        "my set/readme.txt": b"hello",
    }  # fmt: skip
    out = tmp_path / "out"
    out.mkdir()
    pairs = pair_archive(zipped(tmp_path / "set.zip", entries), out)
    assert [pair.name for pair in pairs.pairs] == ["a", "b"]
    assert pairs.systems == ("other",)
    assert pairs.unpaired == ()
    assert not list(out.rglob("*.txt"))
    assert not list(out.rglob("._*"))


@pytest.mark.parametrize("name", ["../evil.wav", "/evil.wav", "a/../../evil.wav", "C:/evil.wav"])
def test_an_archive_writes_nothing_outside_its_folder(tmp_path, name):
    out = tmp_path / "deep" / "out"
    out.mkdir(parents=True)
    with pytest.raises(PairError) as refused:
        extract_archive(zipped(tmp_path / "x.zip", {name: b"x"}), out)
    assert refused.value.code == "evaluation.archive_escape"
    assert not list(tmp_path.rglob("evil.wav"))


def test_links_in_an_archive_are_not_made(tmp_path):
    link = zipfile.ZipInfo("noisy/link.wav")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    out = tmp_path / "out"
    out.mkdir()
    extract_archive(tmp_path / "x.zip", out)
    assert not [path for path in out.rglob("*") if path.is_symlink() or path.is_file()]


def test_an_archive_is_stopped_at_its_real_size(tmp_path):
    bomb = zipped(tmp_path / "bomb.zip", {f"noisy/{n}.wav": bytes(10**6) for n in range(5)})
    assert bomb.stat().st_size < 10**5
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(PairError) as refused:
        extract_archive(bomb, out, max_bytes=2 * 10**6)
    assert refused.value.code == "evaluation.archive_bytes"
    assert sum(path.stat().st_size for path in out.rglob("*.wav")) <= 2 * 10**6
    with pytest.raises(PairError) as refused:
        extract_archive(bomb, out, max_files=3)
    assert refused.value.code == "evaluation.archive_files"


def test_no_archive_at_all_and_one_without_noisy(tmp_path):
    (tmp_path / "no.zip").write_bytes(b"RIFF....")
    with pytest.raises(PairError) as refused:
        pair_archive(tmp_path / "no.zip", tmp_path)
    assert refused.value.code == "evaluation.archive_damaged"
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(PairError) as refused:
        pair_archive(zipped(tmp_path / "a.zip", {"clean/a.wav": b"x"}), out)
    assert refused.value.code == "evaluation.no_noisy_folder"


def test_folders_of_the_server_are_read_only_where_allowed(tmp_path):
    root, secret = tmp_path / "open", tmp_path / "secret"
    touch(root, "noisy/a.wav", "clean/a.wav")
    touch(secret, "noisy/b.wav")
    (root / "way-out").symlink_to(secret)
    (root / "noisy" / "b.wav").symlink_to(secret / "noisy" / "b.wav")
    assert allowed_folder("noisy", [root]) == root / "noisy"
    for text in ("..", "../secret", str(secret), "way-out", "way-out/noisy", "absent", "/"):
        with pytest.raises(PairError):
            allowed_folder(text, [root])
    assert [pair.name for pair in pair_tree(root, [root]).pairs] == ["a"]
