"""Archives and folders of visitors are read, and only they."""

import os
import stat
import zipfile

import pytest

from frcrn_app.errors import PairError
from frcrn_app.evaluation import (
    allowed_folder,
    extract_archive,
    list_sounds,
    pair_archive,
    pair_tree,
)
from frcrn_app.evaluation.encodings import encoding_of
from sets import touch, zipped


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


def test_an_archive_of_next_to_nothing_but_zeros_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("frcrn_app.evaluation.archives.ANY_RATIO_BYTES", 10**6)
    bomb = zipped(tmp_path / "bomb.zip", {"noisy/a.wav": bytes(2 * 10**6), "clean/a.wav": b"c"})
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(PairError) as refused:
        extract_archive(bomb, out)
    assert refused.value.code == "evaluation.archive_ratio"
    assert list(out.iterdir()) == []
    extract_archive(zipped(tmp_path / "small.zip", {"noisy/a.wav": bytes(9 * 10**5)}), out)
    assert (out / "noisy" / "a.wav").stat().st_size == 9 * 10**5  # silence is no crime


def test_no_archive_at_all_and_one_without_noisy(tmp_path):
    (tmp_path / "no.zip").write_bytes(b"RIFF....")
    named = zipped(tmp_path / "ä.zip", {"noisy/ä.wav": b"n"})  # a name that says it is UTF-8
    named.write_bytes(named.read_bytes().replace("ä".encode(), b"\xff\xff"))
    for damaged in (tmp_path / "no.zip", named):
        with pytest.raises(PairError) as refused:
            pair_archive(damaged, tmp_path)
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


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("会议", "gb18030"),
        ("測試錄音", "big5"),
        ("テスト録音", "cp932"),
        ("시끄러운거리녹음", "cp949"),
        ("Запись шума улица", "cp866"),
        ("Привет шум улица", "cp1251"),
        ("Müller café", "cp1252"),
    ],
)
def test_names_of_other_code_pages_come_out_right(name, encoding):
    found = encoding_of(f"noisy/{name}.wav\nclean/{name}.wav".encode(encoding))
    assert found is not None
    assert name.encode(encoding).decode(found) == name


def test_an_archive_of_a_chinese_windows_pairs(tmp_path):
    name = "会议录音"
    path = tmp_path / "set.zip"
    raw = {f"set\\{side}\\{name}.wav".encode("gbk"): side for side in ("noisy", "clean")}
    placeholders = {f"{side}-{'x' * (len(bytes_) - 6)}": bytes_ for bytes_, side in raw.items()}
    zipped(path, dict.fromkeys(placeholders, b"RIFF"))
    content = path.read_bytes()
    for placeholder, bytes_ in placeholders.items():
        assert len(placeholder) == len(bytes_)
        content = content.replace(placeholder.encode(), bytes_)
    path.write_bytes(content)
    out = tmp_path / "out"
    out.mkdir()
    [pair] = pair_archive(path, out).pairs
    assert pair.name == name
    assert pair.clean is not None


def test_a_colon_in_a_name_is_a_character(tmp_path):
    entries = {"noisy/10:30 take.wav": b"n", "clean/10:30 take.wav": b"c"}
    out = tmp_path / "out"
    out.mkdir()
    [pair] = pair_archive(zipped(tmp_path / "set.zip", entries), out).pairs
    assert pair.name == "10:30 take"


def test_a_name_too_long_costs_its_own_file(tmp_path):
    long = "x" * 300
    entries = {f"{side}/{name}.wav": b"x" for side in ("noisy", "clean") for name in ("a", long)}
    out = tmp_path / "out"
    out.mkdir()
    pairs = pair_archive(zipped(tmp_path / "set.zip", entries), out)
    assert [pair.name for pair in pairs.pairs] == ["a"]
    assert {item.reason.code for item in pairs.unpaired} == {"evaluation.not_unpacked"}


def test_names_that_are_no_text_can_be_printed(tmp_path):
    (tmp_path / "a\nb.wav").touch()
    with open(os.fsencode(tmp_path) + b"/caf\xe9.wav", "wb"):
        pass
    names = [file.relative for file in list_sounds(tmp_path)]
    assert sorted(names) == ["a\\x0ab.wav", "caf\\xe9.wav"]
    assert all(file.path.is_file() for file in list_sounds(tmp_path))


def test_a_link_to_the_folder_itself_counts_nothing_twice(tmp_path):
    touch(tmp_path, "a.wav", "sub/b.wav")
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    assert [file.relative for file in list_sounds(tmp_path)] == ["a.wav", "sub/b.wav"]


def test_what_an_archive_holds_beside_its_set_is_named(tmp_path):
    """Before, a second set, and an archive within the archive, went without a word."""
    inner = zipped(tmp_path / "inner.zip", {"noisy/b.wav": b"", "clean/b.wav": b""}).read_bytes()
    names = [f"{s}/{k}/{n}.wav" for s, n in (("s1", "a"), ("s2", "b")) for k in ("clean", "noisy")]
    entries = dict.fromkeys(names, b"") | {"more.zip": inner, "readme.txt": b""}
    (tmp_path / "out").mkdir()
    pairs = pair_archive(zipped(tmp_path / "set.zip", entries), tmp_path / "out")
    assert [pair.name for pair in pairs.pairs] == ["a"]
    assert [(item.name, item.role, item.reason.code) for item in pairs.unpaired] == [
        ("s2/clean", "folder", "evaluation.outside_set"),
        ("s2/noisy", "folder", "evaluation.outside_set"),
        ("more.zip", "archive", "evaluation.nested"),
    ]
    (tmp_path / "alone").mkdir()
    with pytest.raises(PairError) as refused:
        pair_archive(zipped(tmp_path / "alone.zip", {"inner.zip": inner}), tmp_path / "alone")
    assert "inner.zip" in str(refused.value)
    assert "manifest.csv" in str(refused.value)
