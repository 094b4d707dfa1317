"""Files find their partners, or it is said why not."""

from pathlib import Path

import pytest

from frcrn_app.errors import PairError
from frcrn_app.evaluation import PairSet, pair_folders, pair_manifest
from sets import touch


def paired(pairs: PairSet) -> dict[str, str]:
    """Stems of noisy files and of their clean ones."""
    return {pair.noisy.stem: pair.clean.stem for pair in pairs.pairs}


@pytest.mark.parametrize(
    ("noisy", "clean"),
    [
        ("p232_001.wav", "p232_001.flac"),
        ("noisy_p232_001.wav", "clean_p232_001.wav"),
        ("p232_001_noisy.wav", "p232_001.wav"),
        ("P232-001-Noisy.WAV", "p232-001-clean.wav"),
        ("book_00_chp_0001_reader_1_snr5_fileid_12.wav", "clean_fileid_12.wav"),
        ("fan_snr5_fileid_007_noisy.wav", "clean_fileid_7.wav"),
    ],
)
def test_names_that_go_together(tmp_path, noisy, clean):
    touch(tmp_path, f"n/{noisy}", f"c/{clean}", "n/another.wav", "c/another.wav")
    pairs = pair_folders(tmp_path / "n", tmp_path / "c")
    assert paired(pairs)[Path(noisy).stem] == Path(clean).stem
    assert len(pairs.pairs) == 2
    assert pairs.unpaired == ()


def test_an_equal_name_goes_before_a_pattern(tmp_path):
    touch(tmp_path, "n/a.wav", "n/a_noisy.wav", "c/a.wav", "c/a_noisy.wav")
    pairs = pair_folders(tmp_path / "n", tmp_path / "c")
    assert paired(pairs) == {"a": "a", "a_noisy": "a_noisy"}


def test_what_cannot_be_paired_is_listed_with_its_reason(tmp_path):
    touch(tmp_path, "n/a.wav", "n/b.wav", "n/c_noisy.wav", "n/noisy_c.wav")
    touch(tmp_path, "c/a.wav", "c/c.wav", "c/z.wav", "s/a.wav", "s/q.wav")
    pairs = pair_folders(tmp_path / "n", tmp_path / "c", {"other": tmp_path / "s"})
    assert paired(pairs) == {"a": "a"}
    found = {(item.role, item.name): item.reason for item in pairs.unpaired}
    assert set(found) == {
        ("noisy", "b.wav"), ("noisy", "c_noisy.wav"), ("noisy", "noisy_c.wav"),
        ("clean", "c.wav"), ("clean", "z.wav"), ("other", "q.wav"),
    }  # fmt: skip
    assert found["noisy", "c_noisy.wav"].code == "evaluation.several_claim"


def test_one_clean_file_serves_several_noise_levels(tmp_path):
    touch(tmp_path, "n/snr0/a.wav", "n/snr5/a.wav", "c/a.wav", "s/snr0/a.wav", "s/snr5/a.wav")
    pairs = pair_folders(tmp_path / "n", tmp_path / "c", {"other": tmp_path / "s"})
    assert [pair.name for pair in pairs.pairs] == ["snr0/a", "snr5/a"]
    assert [pair.group for pair in pairs.pairs] == ["snr0", "snr5"]
    assert [pair.systems["other"].parent.name for pair in pairs.pairs] == ["snr0", "snr5"]
    assert {pair.clean for pair in pairs.pairs} == {tmp_path / "c" / "a.wav"}


def test_pairs_are_in_natural_order_whatever_the_file_system(tmp_path):
    names = [f"f_{number}.wav" for number in (10, 2, 1, 21, 3)]
    for side in ("n", "c"):
        touch(tmp_path, *(f"{side}/{name}" for name in names))
    pairs = pair_folders(tmp_path / "n", tmp_path / "c")
    assert [pair.name for pair in pairs.pairs] == ["f_1", "f_2", "f_3", "f_10", "f_21"]


def test_empty_and_mismatched_folders_are_refused(tmp_path):
    touch(tmp_path, "n/a.wav", "c/b.wav", "empty/readme.txt")
    for noisy, clean, code in (
        ("n", "c", "no_pair"),
        ("n", "empty", "no_clean_file"),
        ("empty", "c", "no_noisy_file"),
        ("n", "absent", "no_folder"),
        ("n", "n", "same_file"),
    ):
        with pytest.raises(PairError) as refused:
            pair_folders(tmp_path / noisy, tmp_path / clean)
        assert refused.value.code == f"evaluation.{code}"
    with pytest.raises(PairError) as refused:
        pair_folders(tmp_path / "n", None, {"Noisy": tmp_path / "c"})
    assert refused.value.code == "evaluation.system_name"


def test_a_manifest_names_groups_systems_and_its_bad_lines(tmp_path):
    touch(tmp_path, "x/1.wav", "x/2.wav", "y/1.wav", "z/1.wav")
    manifest = tmp_path / "set.csv"
    manifest.write_text(
        "\ufeffclean;noisy;group;mine\n"
        "y/1.wav;x/1.wav;café;z/1.wav\n"
        ";x/2.wav;street;\n"
        "y/9.wav;x/1.wav;street;z/1.wav\n\n",
        encoding="utf-8",
    )
    pairs = pair_manifest(manifest)
    assert [(pair.name, pair.group) for pair in pairs.pairs] == [("1", "café"), ("2", "street")]
    assert pairs.pairs[0].systems == {"mine": tmp_path / "z/1.wav"}
    assert pairs.pairs[1].clean is None
    assert {(item.role, str(item.reason)) for item in pairs.unpaired} == {
        ("mine", "line 3: the cell is empty"),
        ("clean", "line 4: there is no such file"),
    }


@pytest.mark.parametrize(
    "content", [b"", b"clean,other\na,b\n", b"noisy,noisy\na,b\n", b"noisy\nnowhere.wav\n", b"\xff"]
)
def test_a_manifest_that_cannot_be_used_is_refused(tmp_path, content):
    manifest = tmp_path / "set.csv"
    manifest.write_bytes(content)
    with pytest.raises(PairError):
        pair_manifest(manifest)
