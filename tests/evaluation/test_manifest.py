"""A CSV file means the files that whoever wrote it meant, or it is said that this is in doubt."""

import pytest

from frcrn_app.errors import PairError
from frcrn_app.evaluation import among, list_sounds, pair_folders, pair_manifest
from sets import touch


def test_uploads_of_one_name_are_in_doubt_and_both_are_named(tmp_path):
    """Before, the last upload of a name stood for both, and clean was scored against clean."""
    touch(tmp_path, "up/1/x.flac", "up/2/x.flac")
    manifest = tmp_path / "m.csv"
    manifest.write_text("noisy,clean\nnoisy/x.flac,clean/x.flac\n")
    with pytest.raises(PairError) as refused:
        pair_manifest(manifest, among([tmp_path / "up/1/x.flac", tmp_path / "up/2/x.flac"]))
    assert refused.value.code == "evaluation.manifest_unusable"
    assert "x.flac, x.flac" in str(refused.value)
    assert "noisy/x.flac" in str(refused.value)


def test_a_file_is_not_its_own_reference(tmp_path):
    touch(tmp_path, "x.flac", "y.flac", "z.flac")
    manifest = tmp_path / "m.csv"
    manifest.write_text("noisy,clean\nnoisy/x.flac,clean/x.flac\ny.flac,z.flac\n")
    pairs = pair_manifest(manifest, among(tmp_path.glob("*.flac")))
    assert [pair.name for pair in pairs.pairs] == ["y"]
    [item] = pairs.unpaired
    assert item.reason.fields["problem"].code == "evaluation.same_file"
    manifest.write_text("noisy,clean\nx.flac,x.flac\n")
    with pytest.raises(PairError) as refused:
        pair_manifest(manifest)
    assert "at once" in str(refused.value)


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("noisy/x.wav", "noisy/x.wav"),
        ("noisy\\x.wav", "noisy/x.wav"),
        ("D:\\sets\\mine\\clean\\x.wav", "clean/x.wav"),
        ("/home/somebody/clean/x.wav", "clean/x.wav"),
        ("a/b/y.wav", "deep/a/b/y.wav"),
        ("y.wav", "deep/a/b/y.wav"),
        ("other/x.wav", None),
        ("", None),
    ],
)
def test_a_path_counts_as_far_as_it_goes(tmp_path, cell, found):
    touch(tmp_path, "noisy/x.wav", "clean/x.wav", "deep/a/b/y.wav")
    path = among(list_sounds(tmp_path))(cell)
    assert path == (None if found is None else tmp_path / found)
    with pytest.raises(PairError) as doubt:
        among(list_sounds(tmp_path))("x.wav")
    assert doubt.value.fields["names"] == "clean/x.wav, noisy/x.wav"


def test_backslashes_of_windows_are_read_everywhere(tmp_path):
    touch(tmp_path, "noisy/x.wav", "clean/x.wav")
    manifest = tmp_path / "m.csv"
    manifest.write_text("noisy,clean\nnoisy\\x.wav,clean\\x.wav\n")
    [pair] = pair_manifest(manifest).pairs
    assert pair.clean is not None
    assert pair.clean.samefile(tmp_path / "clean/x.wav")


def test_speakers_and_texts_are_no_systems(tmp_path):
    touch(tmp_path, "x.wav", "y.wav")
    manifest = tmp_path / "m.csv"
    manifest.write_text('noisy,speaker,session,text\nx.wav,p1,s1,"Hello,\nworld"\ny.wav,,s2,\n')
    pairs = pair_manifest(manifest)
    assert pairs.systems == ()
    assert [(pair.cluster, pair.text) for pair in pairs.pairs] == [
        ("p1", "Hello,\nworld"), (None, None)
    ]  # fmt: skip


def test_a_line_that_names_the_separator(tmp_path):
    touch(tmp_path, "x.wav", "y.wav")
    manifest = tmp_path / "m.csv"
    manifest.write_text("sep=;\nnoisy;clean\nx.wav;y.wav\n")
    [pair] = pair_manifest(manifest).pairs
    assert (pair.noisy.name, pair.clean and pair.clean.name) == ("x.wav", "y.wav")


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-8-sig", "utf-8", "utf-16"])
def test_what_excel_saves_in_a_code_page_is_read(tmp_path, encoding):
    touch(tmp_path, "會議錄音.wav" if encoding == "big5" else "会议录音.wav")
    [name] = [path.name for path in tmp_path.iterdir()]
    manifest = tmp_path / "m.csv"
    manifest.write_bytes(f"noisy,group\r\n{name},街\r\n".encode(encoding))
    [pair] = pair_manifest(manifest).pairs
    assert (pair.noisy.name, pair.group) == (name, "街")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("noisy," + "," * 2000 + "\n" + ("," * 2000 + "\n") * 600, "manifest_cells"),
        ("noisy\n" + "x\n" * 100_001, "manifest_rows"),
        ("noisy\n" + " " * (33 << 20), "manifest_bytes"),
    ],
)
def test_a_table_without_end_is_refused_early(tmp_path, content, code):
    manifest = tmp_path / "m.csv"
    manifest.write_text(content)
    with pytest.raises(PairError) as refused:
        pair_manifest(manifest, lambda name: None)
    assert refused.value.code == f"evaluation.{code}"


@pytest.mark.parametrize(
    "table",
    [
        'noisy;clean;"mine, as of May"\nx.wav;y.wav;z.wav\n',  # commas within a name
        "noisy|clean|mine\nx.wav|y.wav|z.wav\n",
    ],
)
def test_the_separator_is_the_one_that_makes_columns(tmp_path, table):
    touch(tmp_path, "x.wav", "y.wav", "z.wav")
    manifest = tmp_path / "m.csv"
    manifest.write_text(table)
    pairs = pair_manifest(manifest)
    [pair] = pairs.pairs
    assert pair.clean == tmp_path / "y.wav"
    assert dict(pair.systems) == {pairs.systems[0]: tmp_path / "z.wav"}


def test_columns_of_numbers_are_no_systems_and_that_is_said_once_each(tmp_path):
    """Before, each was a system without scores, and every file counted as failed."""
    touch(tmp_path, "x.wav", "y.wav", "made.wav")
    manifest = tmp_path / "m.csv"
    manifest.write_text("noisy,snr,mine,comment\nx.wav,5,made.wav,\ny.wav,10,lost.wav,good\n")
    pairs = pair_manifest(manifest)
    assert pairs.systems == ("mine",)
    said = [(item.role, item.reason.code) for item in pairs.unpaired]
    assert said == [
        ("mine", "evaluation.line"),
        ("snr", "evaluation.no_system"),
        ("comment", "evaluation.no_system"),
    ]


def test_no_line_is_lost_in_an_open_quotation_mark(tmp_path):
    touch(tmp_path, "x.wav", "y.wav", "z.wav")
    manifest = tmp_path / "m.csv"
    manifest.write_text('noisy,text\nx.wav,fine\ny.wav,"hello\nz.wav,lost\n')
    with pytest.raises(PairError) as refused:
        pair_manifest(manifest)
    assert refused.value.code == "evaluation.manifest_quote"
    assert refused.value.fields["number"] == 3


def test_names_are_unique_and_tell_equal_ones_by_their_folders(tmp_path):
    """Reports are compared by name, and a line's number is another one in another manifest."""
    touch(tmp_path, "p1/noisy/x.wav", "p2/noisy/x.wav", "y.wav", "z.wav")
    manifest = tmp_path / "m.csv"
    lines = [f"{tmp_path}/p1/noisy/x.wav,", f"{tmp_path}/p2/noisy/x.wav,", "y.wav,n", "z.wav,n"]
    manifest.write_text("\n".join(["noisy,name", *lines, "y.wav,n (5)"]))
    names = [pair.name for pair in pair_manifest(manifest).pairs]
    assert names == ["p1/noisy/x", "p2/noisy/x", "n", "n (5)", "n (5) (6)"]


def test_two_cells_never_mean_one_upload_unless_they_say_the_same(tmp_path):
    """Before, mine/x.wav was the only x.wav there is, the clean one, and scored 4.64."""
    touch(tmp_path, "x_noisy.wav", "x.wav")
    manifest = tmp_path / "m.csv"
    manifest.write_text("noisy,clean,mine,oracle\nx_noisy.wav,clean/x.wav,mine/x.wav,clean/x.wav\n")
    pairs = pair_manifest(manifest, among(tmp_path.glob("*.wav")))
    assert list(pairs.pairs[0].systems) == ["oracle"]
    [item] = pairs.unpaired
    assert (item.role, item.reason.fields["problem"].code) == ("mine", "evaluation.same_made")


def test_names_that_look_the_same_are_the_same(tmp_path):
    """A Mac writes é as two characters, and Windows does not tell cases apart."""
    touch(tmp_path, "noisy/cafe\u0301.wav", "clean/caf\u00e9.wav", "Clean/B.WAV")
    [pair] = pair_folders(tmp_path / "noisy", tmp_path / "clean").pairs
    assert pair.clean == tmp_path / "clean/caf\u00e9.wav"
    resolve = among(list_sounds(tmp_path))
    assert resolve("noisy/caf\u00e9.wav") == pair.noisy
    assert resolve("clean/b.wav") == tmp_path / "Clean/B.WAV"
    manifest = tmp_path / "m.csv"
    manifest.write_text("noisy\nnoisy/caf\u00e9.wav\n", encoding="utf-8")
    assert pair_manifest(manifest).pairs[0].noisy.samefile(pair.noisy)
