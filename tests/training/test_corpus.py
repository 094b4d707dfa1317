"""Audio is found, cut and held out as the user arranged it."""

import csv

import numpy as np
import pytest
import soundfile

from frcrn_app.errors import UserError
from frcrn_app.training.corpus import Corpus

RATE = 16_000


def test_folders_become_clips_of_whole_files(speech_folder, noise_folder, cache):
    both = [
        Corpus.build(speech=[speech_folder], noise=[noise_folder], cache=cache, split=split)
        for split in ("train", "valid")
    ]
    assert sum(len(corpus.speech) for corpus in both) == 36
    assert sum(len(corpus.noise) for corpus in both) == 10
    for corpus in both:
        for clip in corpus.speech:
            stored, _ = soundfile.read(clip.path)
            np.testing.assert_allclose(corpus.read(clip), stored, atol=1 / 32768)


def test_any_rate_and_channels_arrive_mono_at_16_khz(noise_folder, cache):
    corpora = [
        Corpus.build(noise=[noise_folder], cache=cache, split=split) for split in ("train", "valid")
    ]
    stereo = next(c for corpus in corpora for c in corpus.noise if c.path.endswith("stereo.wav"))
    assert abs(stereo.seconds - 4.0) < 0.01


def test_training_and_validation_share_no_group(speech_folder, noise_folder, cache):
    train, valid = (
        Corpus.build(speech=[speech_folder], noise=[noise_folder], cache=cache, split=split)
        for split in ("train", "valid")
    )
    for kind in ("speech", "noise"):
        assert train.groups(kind)
        assert valid.groups(kind)
        assert not train.groups(kind) & valid.groups(kind)


def test_one_recording_is_held_out_at_its_end(noise_folder, cache):
    path = noise_folder / "noise0.flac"
    train, valid = (Corpus.build(noise=[path], cache=cache, split=s) for s in ("train", "valid"))
    (before,), (after,) = train.noise, valid.noise
    assert before.start + before.frames == after.start
    assert after.start + after.frames == soundfile.info(path).frames
    assert after.seconds > 0.5


def _write_index(folder, rows):
    with (folder / "index.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "kind", "source", "group", "start", "frames", "split", "licence"])
        writer.writerows(rows)
    return folder / "index.csv"


def test_index_cuts_exactly_its_frames(tmp_path):
    joined = (np.arange(5 * RATE) % 2000 - 1000) / 32768
    soundfile.write(tmp_path / "joined.wav", joined, RATE)
    index = _write_index(
        tmp_path,
        [
            ("joined.wav", "speech", "s", "a", 0, 20000, "train", "CC0"),
            ("joined.wav", "speech", "s", "b", 20000, 30000, "valid", "CC0"),
            ("joined.wav", "noise", "n", "c", 50000, 10000, "train", "CC0"),
        ],
    )
    train = Corpus.build(index=index, cache=tmp_path / "cache")
    valid = Corpus.build(index=index, cache=tmp_path / "cache", split="valid")
    assert [clip.group for clip in train.speech] == ["a"]
    np.testing.assert_allclose(valid.read(valid.speech[0]), joined[20000:50000], atol=1e-6)
    piece = valid.read(valid.speech[0], offset=100, frames=50)
    np.testing.assert_allclose(piece, joined[20100:20150], atol=1e-6)


def test_test_speakers_of_voicebank_are_never_trained_on(tmp_path):
    rng = np.random.default_rng(0)
    names = ["p226_001.wav", "p227_002.wav", "p232_001.wav", "p257_005.wav", "p232/clean.wav"]
    for name in [*names, "p2320_001.wav"]:
        (tmp_path / "speech" / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "speech" / name, rng.uniform(-0.1, 0.1, RATE), RATE)
    clips = []
    for split in ("train", "valid"):
        corpus = Corpus.build(speech=[tmp_path / "speech"], cache=tmp_path / "cache", split=split)
        clips += corpus.speech
    assert {clip.group for clip in clips} == {"p226_001", "p227_002", "p2320_001"}


def test_second_build_decodes_nothing(speech_folder, tmp_path):
    seen = []
    Corpus.build(speech=[speech_folder], cache=tmp_path, progress=lambda *at: seen.append(at))
    assert seen[0] == (0, 36)
    assert seen[-1] == (36, 36)
    seen.clear()
    Corpus.build(speech=[speech_folder], cache=tmp_path, progress=lambda *at: seen.append(at))
    assert seen == [(36, 36)]


def test_stopped_decoding_goes_on_where_it_was(speech_folder, tmp_path):
    def stop(done, count):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Corpus.build(speech=[speech_folder], cache=tmp_path, progress=stop)
    seen = []
    whole = Corpus.build(
        speech=[speech_folder], cache=tmp_path, progress=lambda *at: seen.append(at)
    )
    assert seen[0][0] >= 5
    assert all(len(whole.read(clip)) == clip.frames for clip in whole.speech)


def test_a_changed_file_is_decoded_again(tmp_path):
    for samples, length in ((np.zeros(RATE) + 0.1, RATE), (np.zeros(2 * RATE) + 0.2, 2 * RATE)):
        soundfile.write(tmp_path / "a.wav", samples, RATE)
        corpus = Corpus.build(noise=[tmp_path / "a.wav"], cache=tmp_path / "cache")
        (clip,) = corpus.noise
        assert clip.frames == pytest.approx(0.8 * length, abs=1)
        np.testing.assert_allclose(corpus.read(clip), samples[0], atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "code", "fields"),
    [
        ({"speech": ["nowhere"]}, "training.speech_folder_missing", {}),
        ({"noise": ["empty"]}, "training.noise_folder_empty", {}),
        ({"index": "nowhere.csv"}, "training.index_missing", {}),
        ({"index": "columns.csv"}, "training.index_column_missing", {"column": "source"}),
        ({"index": "row.csv"}, "training.index_row", {"line": 2}),
    ],
)
def test_what_is_missing_is_named(tmp_path, monkeypatch, arguments, code, fields):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "columns.csv").write_text("path,kind\na.wav,speech\n")
    (tmp_path / "row.csv").write_text(
        "path,kind,source,group,start,frames,split\na.wav,speech,s,g,zero,9,train\n"
    )
    with pytest.raises(UserError) as caught:
        Corpus.build(**arguments, cache=tmp_path / "cache")
    assert caught.value.code == code
    assert fields.items() <= caught.value.fields.items()
    assert caught.value.fields["path"].name in str(arguments)


def _voices_and_bad_files(folder):
    """Two good speakers, and beside them files that are no audio, empty, silent or too quiet."""
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        soundfile.write(folder / f"{name}.wav", rng.uniform(-0.1, 0.1, RATE), RATE)
    soundfile.write(folder / "silent.wav", np.zeros(RATE), RATE)
    soundfile.write(folder / "dither.wav", rng.integers(-1, 2, RATE).astype(np.int16), RATE)
    soundfile.write(folder / "no_samples.wav", np.zeros(0), RATE)
    (folder / "broken.wav").write_bytes(b"not audio at all" * 50)
    (folder / "nothing.flac").touch()
    return {"silent.wav", "dither.wav", "no_samples.wav", "broken.wav", "nothing.flac"}


def test_silent_and_damaged_files_are_left_out_and_named(tmp_path):
    folder = tmp_path / "speech"
    folder.mkdir()
    bad = _voices_and_bad_files(folder)
    for _ in range(2):  # decoded, and from the cache
        corpus = Corpus.build(speech=[folder], cache=tmp_path / "cache", split="all")
        assert {clip.group for clip in corpus.speech} == {"a", "b"}
        assert {at.path.name for at in corpus.left_out} == bad
        for at in corpus.left_out:
            assert at.path.name in str(at.problem)


def test_an_index_that_names_missing_files_is_used_without_them(tmp_path):
    soundfile.write(tmp_path / "here.wav", np.random.default_rng(0).normal(0, 0.1, RATE), RATE)
    rows = [(f"{name}.wav", "speech", "s", name, 0, 8000, "train", "") for name in ("here", "gone")]
    corpus = Corpus.build(index=_write_index(tmp_path, rows), cache=tmp_path / "cache")
    assert [clip.group for clip in corpus.speech] == ["here"]
    (left_out,) = corpus.left_out
    assert left_out.problem.code == "training.file_missing"


def test_where_no_file_can_be_used_one_error_says_so(tmp_path):
    folder = tmp_path / "noise"
    folder.mkdir()
    (folder / "broken.wav").write_bytes(b"not audio at all" * 50)
    soundfile.write(folder / "silent.wav", np.zeros(RATE), RATE)
    with pytest.raises(UserError) as caught:
        Corpus.build(noise=[folder], cache=tmp_path / "cache")
    assert caught.value.code == "training.noise_all_left_out"
    assert caught.value.fields["count"] == 2
    assert "broken.wav" in str(caught.value)


def test_a_source_of_weight_zero_is_not_even_decoded(tmp_path):
    for name in ("kept", "other", "more"):
        (tmp_path / name).mkdir()
        noise = np.random.default_rng(0).normal(0, 0.1, RATE)
        soundfile.write(tmp_path / name / f"{name}.wav", noise, RATE)
    folders = [tmp_path / name for name in ("kept", "other", "more")]

    def sources(*weights):
        seen = []
        corpus = Corpus.build(
            noise=folders,
            cache=tmp_path / "cache",
            split="all",
            source_weights=weights,
            progress=lambda *at: seen.append(at),
        )
        assert seen[-1][1] == len({clip.source for clip in corpus.noise})
        return {clip.source for clip in corpus.noise}

    assert sources() == {"kept", "other", "more"}
    assert sources(("other", 0)) == {"kept", "more"}
    assert sources(("*", 0), ("kept", 2)) == {"kept"}  # the last that fits counts
    with pytest.raises(UserError) as caught:
        sources(("nowhere", 0))
    assert caught.value.code == "training.unknown_source"
