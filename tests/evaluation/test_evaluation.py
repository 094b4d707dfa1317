"""Sets become pairs, pairs become rows, rows become statements that hold."""

import math
import os
import shutil
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from frcrn_app import metrics
from frcrn_app.audio import Audio, load_audio, resample, save_audio
from frcrn_app.cli import main as cli
from frcrn_app.errors import Cancelled, MetricError, PairError
from frcrn_app.evaluation import (
    NOISY,
    Evaluation,
    Pair,
    PairSet,
    Row,
    evaluate_pairs,
    pair_archive,
    pair_folders,
    pair_manifest,
    summarise,
)
from frcrn_app.evaluation import pool as pool_module
from frcrn_app.evaluation.pool import ScoringPool
from frcrn_app.evaluation.sources import allowed_folder, extract_archive, pair_tree
from frcrn_app.evaluation.summary import bootstrap_means, holm, sign_flip_p, win_rate
from frcrn_app.evaluation.worker import ScoreTask, SoundScores, find_lag, fit, load_scored
from frcrn_app.i18n.chinese import in_chinese
from frcrn_app.web.evaluate_job import TestSet

RATE = metrics.SAMPLE_RATE
QUICK = ["stoi", "si_sdr"]  # metrics that cost next to nothing


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def paired(pairs: PairSet) -> dict[str, str]:
    """Stems of noisy files and of their clean ones."""
    return {pair.noisy.stem: pair.clean.stem for pair in pairs.pairs}


# ---- pairing -----------------------------------------------------------------------------------


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
    assert "several" in found["noisy", "c_noisy.wav"]


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
    for noisy, clean in (("n", "c"), ("n", "empty"), ("empty", "c"), ("n", "absent")):
        with pytest.raises(PairError):
            pair_folders(tmp_path / noisy, tmp_path / clean)
    with pytest.raises(PairError, match="called"):
        pair_folders(tmp_path / "n", None, {"Noisy": tmp_path / "c"})


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
    assert {(item.role, item.reason) for item in pairs.unpaired} == {
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


# ---- archives and folders of visitors ----------------------------------------------------------


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


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
    with pytest.raises(PairError, match="leads out"):
        extract_archive(zipped(tmp_path / "x.zip", {name: b"x"}), out)
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
    with pytest.raises(PairError, match="unpacks to more"):
        extract_archive(bomb, out, max_bytes=2 * 10**6)
    assert sum(path.stat().st_size for path in out.rglob("*.wav")) <= 2 * 10**6
    with pytest.raises(PairError, match="files"):
        extract_archive(bomb, out, max_files=3)


def test_no_archive_at_all_and_one_without_noisy(tmp_path):
    (tmp_path / "no.zip").write_bytes(b"RIFF....")
    with pytest.raises(PairError, match="zip"):
        pair_archive(tmp_path / "no.zip", tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(PairError, match="noisy"):
        pair_archive(zipped(tmp_path / "a.zip", {"clean/a.wav": b"x"}), out)


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
    with pytest.raises(PairError, match="local-folders"):
        given["folders"].pairs(tmp_path / "scratch", ())


# ---- scoring -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_set(example_pairs, tmp_path_factory) -> Path:
    """noisy/, clean/ and other/, which halves the noise: three pairs of two seconds."""
    root = tmp_path_factory.mktemp("set")
    for noisy_path, clean_path in example_pairs[:3]:
        noisy, clean = (load_audio(path).samples[:, RATE : 3 * RATE] for path in
                        (noisy_path, clean_path))  # fmt: skip
        better = clean + 0.5 * (noisy - clean)
        for folder, samples in (("noisy", noisy), ("clean", clean), ("other", better)):
            path = root / folder / f"{clean_path.stem}.wav"
            save_audio(path, Audio(samples, RATE), format="wav-float")
    return root


@pytest.fixture
def own_set(small_set, tmp_path) -> Path:
    """A copy of it that a test may spoil."""
    return Path(shutil.copytree(small_set, tmp_path / "own"))


def pairs_of(root: Path) -> PairSet:
    return pair_folders(root / "noisy", root / "clean", {"other": root / "other"})


def test_rows_hold_the_scores_of_the_sounds(small_set):
    evaluation = evaluate_pairs(pairs_of(small_set), metrics=QUICK, workers=1)
    assert evaluation.systems == [NOISY, "other"]
    for row in evaluation.rows:
        clean = load_scored(row.pair.clean)
        for system, path in ((NOISY, row.pair.noisy), ("other", row.pair.systems["other"])):
            expected, _ = metrics.score(clean, load_scored(path), QUICK)
            assert row.sounds[system].scores == pytest.approx(expected)
        assert row.duration == 2.0
        assert row.problems == ""
        gain = row.sounds["other"].scores["si_sdr"] - row.input_snr
        assert gain == pytest.approx(20 * math.log10(2), abs=1.5)  # half the noise


def test_the_number_of_processes_changes_nothing(small_set):
    one, two = (evaluate_pairs(pairs_of(small_set), metrics=QUICK, workers=n) for n in (1, 2))
    assert [row.name for row in one.rows] == [row.name for row in two.rows]
    for metric in QUICK:
        np.testing.assert_array_equal(one.values("other", metric), two.values("other", metric))


def test_any_rate_and_channel_count_is_scored_at_16_khz_mono(small_set, own_set):
    path = own_set / "other" / "english_fan.wav"
    audio = load_audio(path)
    upsampled = resample(audio.samples, RATE, 48_000)
    save_audio(path, Audio(np.vstack([upsampled, upsampled]), 48_000), format="wav-float")
    expected, actual = (
        evaluate_pairs(pairs_of(root), metrics=["stoi"]).values("other", "stoi")
        for root in (small_set, own_set)
    )
    np.testing.assert_allclose(actual, expected, atol=0.002)


def test_one_bad_file_costs_one_row(own_set):
    names = sorted(path.stem for path in (own_set / "noisy").iterdir())
    (own_set / "other" / f"{names[0]}.wav").write_bytes(b"this is no sound")
    clean = load_audio(own_set / "clean" / f"{names[1]}.wav")
    silent = clean.with_samples(np.zeros_like(clean.samples))
    save_audio(own_set / "clean" / f"{names[1]}.wav", silent, format="wav-float")
    evaluation = evaluate_pairs(pairs_of(own_set), metrics=QUICK)
    first, second, third = evaluation.rows
    assert math.isnan(first.sounds["other"].scores["stoi"])
    assert math.isfinite(first.sounds[NOISY].scores["stoi"])
    assert f"{names[0]}.wav" in first.problems
    assert "silent" in second.problems
    assert first.problems_in(in_chinese).startswith(f"other: “{names[0]}.wav”无法作为声音读取")
    assert second.problems_in(in_chinese) == "stoi, si_sdr: 干净声音是静音（低于 -90 dBFS）。"
    assert all(math.isnan(s.scores["si_sdr"]) for s in second.sounds.values())
    assert third.problems == ""
    score = summarise(evaluation).score("other", "stoi")
    assert (score.score.n, score.files) == (1, 3)
    assert score.score.mean == third.sounds["other"].scores["stoi"]


def test_lengths_up_to_50_ms_are_cut_and_larger_ones_refused(own_set):
    path = own_set / "other" / "english_fan.wav"
    audio = load_audio(path)
    for cut, scored in ((0, True), (700, True), (900, False)):
        save_audio(path, audio.with_samples(audio.samples[:, : 2 * RATE - cut]))
        evaluation = evaluate_pairs(pairs_of(own_set), metrics=["si_sdr"])
        sound = evaluation.rows[0].sounds["other"]
        assert math.isfinite(sound.scores["si_sdr"]) == scored
        assert ("50 ms" in sound.error) == (not scored)
        assert not scored or sound.cut == pytest.approx(cut / RATE)


def test_alignment_takes_a_delay_out_and_reports_it(own_set):
    path = own_set / "other" / "english_fan.wav"
    audio = load_audio(path)
    delayed = np.pad(audio.samples, ((0, 0), (640, 0)))[:, : 2 * RATE]
    save_audio(path, audio.with_samples(delayed), format="wav-float")
    plain, aligned = (
        evaluate_pairs(pairs_of(own_set), metrics=["si_sdr"], align=align).rows[0].sounds["other"]
        for align in (False, True)
    )
    assert plain.lag == 0
    assert aligned.lag == pytest.approx(0.04)
    assert plain.scores["si_sdr"] < -10
    assert aligned.scores["si_sdr"] > 0


@pytest.mark.parametrize("lag", [-1600, -7, 0, 320, 1600])
def test_the_lag_is_found_to_the_sample(lag, speech):
    clean = speech.samples[0]
    shifted = np.roll(clean, lag)
    assert find_lag(clean, -0.3 * shifted) == lag
    first, second, seconds, _ = fit(clean, shifted, align=True)
    assert seconds == lag / RATE
    np.testing.assert_array_equal(first[2000:-2000], second[2000:-2000])


def test_without_clean_sounds_only_dnsmos_is_scored(small_set):
    pairs = pair_folders(small_set / "noisy")
    pairs = PairSet(pairs.pairs[:1])
    evaluation = evaluate_pairs(pairs, metrics=["stoi", "dnsmos_ovrl"])
    assert evaluation.metrics == ["dnsmos_ovrl"]
    assert 1 < evaluation.values(NOISY, "dnsmos_ovrl")[0] < 5
    with pytest.raises(MetricError, match="clean"):
        evaluate_pairs(pairs, metrics=["stoi"])


def test_our_own_network_is_a_system_with_its_speed(small_set, tmp_path):
    from frcrn_app import Denoiser

    pairs = PairSet(pair_folders(small_set / "noisy", small_set / "clean").pairs[:2])
    denoiser = Denoiser("frcrn-small")
    evaluation = evaluate_pairs(
        pairs, denoiser=denoiser, metrics=["si_sdr"], enhanced_folder=tmp_path
    )
    assert evaluation.systems == [NOISY, "frcrn-small"]
    assert evaluation.real_time_factor() > 0
    assert evaluation.provenance["weights"]["sha256"] == denoiser.sha256
    for row in evaluation.rows:
        made = load_audio(row.enhanced)
        expected = denoiser(load_audio(row.pair.noisy))
        np.testing.assert_allclose(made.samples, expected.samples, atol=1e-6)
        clean = load_scored(row.pair.clean)
        score = metrics.si_sdr(clean, made.samples[0])
        assert row.sounds["frcrn-small"].scores["si_sdr"] == pytest.approx(score)


def test_cancelling_keeps_what_is_scored(small_set):
    def stop_after_two(done: int, total: int) -> None:
        assert total == 3
        if done == 2:
            raise Cancelled

    evaluation = evaluate_pairs(
        pairs_of(small_set), metrics=QUICK, workers=1, progress=stop_after_two
    )
    assert evaluation.cancelled
    assert [row.name for row in evaluation.rows] == ["english_fan", "french_street"]
    assert evaluation.total == 3
    assert np.isfinite(evaluation.values("other", "stoi")).all()


# ---- resuming ----------------------------------------------------------------------------------


def test_a_resumed_run_scores_nothing_again(small_set, tmp_path, monkeypatch):
    journal = tmp_path / "journal.jsonl"
    first = evaluate_pairs(pairs_of(small_set), metrics=QUICK, journal=journal)
    with journal.open("a", encoding="utf-8") as file:
        file.write('{"key": "torn by a power cut, "sc')

    def refuse(self, tasks):
        assert list(tasks) == []
        return iter(())

    monkeypatch.setattr(ScoringPool, "run", lambda self, tasks: _closable(refuse(self, tasks)))
    again = evaluate_pairs(pairs_of(small_set), metrics=QUICK, journal=journal, resume=True)
    assert again.resumed == 6
    assert [row.sounds for row in again.rows] == [row.sounds for row in first.rows]
    assert [row.input_snr for row in again.rows] == [row.input_snr for row in first.rows]


def _closable(items):
    yield from items


def test_an_interrupted_run_goes_on_where_it_was(small_set, tmp_path):
    journal = tmp_path / "journal.jsonl"

    def stop_after_one(done: int, total: int) -> None:
        if done == 1:
            raise Cancelled

    evaluate_pairs(
        pairs_of(small_set), metrics=QUICK, workers=1, journal=journal, progress=stop_after_one
    )
    resumed = evaluate_pairs(pairs_of(small_set), metrics=QUICK, journal=journal, resume=True)
    assert resumed.resumed == 2  # noisy and other of one pair
    whole = evaluate_pairs(pairs_of(small_set), metrics=QUICK)
    np.testing.assert_array_equal(resumed.values("other", "stoi"), whole.values("other", "stoi"))


def test_what_changed_is_scored_again(own_set, tmp_path):
    journal = tmp_path / "journal.jsonl"
    evaluate_pairs(pairs_of(own_set), metrics=["si_sdr"], journal=journal)
    path = own_set / "other" / "english_fan.wav"
    audio = load_audio(path)
    noise = np.random.default_rng(0).normal(scale=0.1, size=audio.samples.shape)
    save_audio(path, audio.with_samples(audio.samples + noise), format="wav-float")

    def run(**options) -> Evaluation:
        return evaluate_pairs(pairs_of(own_set), journal=journal, resume=True, **options)

    changed = run(metrics=["si_sdr"])
    assert changed.resumed == 5
    fresh = evaluate_pairs(pairs_of(own_set), metrics=["si_sdr"])
    np.testing.assert_array_equal(
        changed.values("other", "si_sdr"), fresh.values("other", "si_sdr")
    )
    assert run(metrics=["si_sdr"], align=True).resumed == 0
    assert run(metrics=["si_sdr", "stoi"]).resumed == 0
    assert run(metrics=["si_sdr", "stoi"]).resumed == 6


# ---- processes ---------------------------------------------------------------------------------

CRASHING = """
import os
from frcrn_app.evaluation import worker
score_pair = worker.score_pair
def crash(task):
    if "crash" in task.noisy.name:
        os.kill(os.getpid(), 11)
    marker = task.noisy.with_name("died before")
    if "once" in task.noisy.name and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), 9)
    if "hang" in task.noisy.name:
        import time
        time.sleep(3600)
    return score_pair(task)
worker.score_pair = crash
worker.serve()
"""


def test_a_crashed_or_hanging_process_costs_its_pair_alone(small_set, tmp_path, monkeypatch):
    monkeypatch.setattr(pool_module, "_SERVE", CRASHING)
    clean, noisy = (next((small_set / side).iterdir()) for side in ("clean", "noisy"))
    tasks = []
    for name in ("1", "crash", "2", "hang", "once"):
        copy = Path(shutil.copy(noisy, tmp_path / f"{name}.wav"))
        tasks.append(ScoreTask(clean, copy, {NOISY: copy}, {NOISY: ("si_sdr",)}))
    with ScoringPool(1, task_seconds=15) as pool:
        results = dict(pool.run(iter(tasks)))
    errors = [results[place].sounds[NOISY].error for place in range(5)]
    assert "signal 11" in errors[1]
    assert "longer than 15 s" in errors[3]
    # "once" died too, as if killed for its memory: a second try was given.
    assert (tmp_path / "died before").exists()
    assert [errors[place] for place in (0, 2, 4)] == ["", "", ""]
    assert math.isnan(results[1].sounds[NOISY].scores["si_sdr"])
    assert math.isfinite(results[4].sounds[NOISY].scores["si_sdr"])


def test_tasks_are_taken_only_as_they_can_be_worked_on(small_set):
    clean, noisy = (next((small_set / side).iterdir()) for side in ("clean", "noisy"))
    taken = []

    def tasks():
        for number in range(50):
            taken.append(number)
            yield ScoreTask(clean, noisy, {NOISY: noisy}, {NOISY: ("si_sdr",)})

    with ScoringPool(1) as pool:
        results = pool.run(tasks())
        next(results)
        results.close()
    assert len(taken) < 50


# ---- statistics --------------------------------------------------------------------------------


def evaluation_of(scores: dict[str, dict[str, list[float]]], **columns) -> Evaluation:
    """An evaluation with given scores by system and metric, without any sound."""
    systems = list(scores)
    keys = list(scores[systems[0]])
    rows = []
    for number in range(len(scores[systems[0]][keys[0]])):
        sounds = {
            system: SoundScores(scores={key: scores[system][key][number] for key in keys})
            for system in systems
        }
        group = columns.get("group", {}).get(number)
        pair = Pair(f"f{number}", Path("noisy.wav"), Path("clean.wav"), group=group)
        rows.append(
            Row(
                pair,
                sounds,
                duration=columns.get("duration", [3.0] * 1000)[number],
                input_snr=columns.get("input_snr", [7.0] * 1000)[number],
            )
        )
    return Evaluation(rows, systems, keys, [], len(rows), False, {}, {})


def test_means_rest_on_the_files_that_have_scores():
    nan = math.nan
    evaluation = evaluation_of(
        {
            NOISY: {"stoi": [0.5, 0.6, nan, 0.8, 0.9, 0.7, 0.5]},
            "a": {"stoi": [0.6, nan, 0.9, 0.9, 0.9, 0.6, 0.7]},
        }
    )
    summary = summarise(evaluation)
    score = summary.score("a", "stoi")
    assert score.score.n == 6
    assert score.score.mean == pytest.approx(4.6 / 6)
    assert score.median == pytest.approx(0.8)
    assert score.gain.n == 5  # both sides are needed
    assert score.gain.mean == pytest.approx((0.1 + 0.1 + 0.0 - 0.1 + 0.2) / 5)
    assert score.win_rate == pytest.approx((3 + 0.5) / 5)
    assert score.gain.low <= score.gain.mean <= score.gain.high


def test_gains_are_paired():
    """A constant gain has no uncertainty, however different the files are."""
    noisy = list(np.random.default_rng(0).normal(5, 4, 40))
    evaluation = evaluation_of(
        {NOISY: {"si_sdr": noisy}, "a": {"si_sdr": [value + 2 for value in noisy]}}
    )
    gain = summarise(evaluation).score("a", "si_sdr").gain
    assert (gain.low, gain.mean, gain.high) == pytest.approx((2, 2, 2))


def test_statistics_repeat_with_their_seed_and_move_with_it():
    values = list(np.random.default_rng(0).normal(size=30))
    evaluation = evaluation_of({NOISY: {"si_sdr": values}, "a": {"si_sdr": values[::-1]}})
    assert summarise(evaluation, seed=3) == summarise(evaluation, seed=3)
    first, second = (summarise(evaluation, seed=s).score("a", "si_sdr").score for s in (3, 4))
    assert first.low != second.low
    assert first.low == pytest.approx(second.low, abs=0.05)


def test_bootstrap_intervals_have_the_width_of_theory():
    values = np.random.default_rng(0).normal(size=400)
    [mean] = bootstrap_means(values[None], seed=0)
    width = 2 * 1.96 * values.std() / math.sqrt(400)
    assert mean.high - mean.low == pytest.approx(width, rel=0.05)


def test_few_files_get_no_interval_and_no_test():
    [mean] = bootstrap_means(np.array([[1.0, 2.0, 3.0, 4.0]]), seed=0)
    assert mean.mean == 2.5
    assert math.isnan(mean.low)
    assert math.isnan(sign_flip_p(np.ones((1, 5)), seed=0)[0])


def test_sign_flips_are_exact_for_few_files():
    columns = np.array([[1.0, 2, 3, 4, 5, 6, math.nan], [1.0, -1, 2, -2, 3, -3, math.nan]])
    assert sign_flip_p(columns, seed=0) == [2 / 64, 1.0]


def test_sign_flips_of_many_files_agree_with_a_t_test():
    from scipy.stats import ttest_1samp

    values = np.random.default_rng(1).normal(0.25, 1, (3, 60))
    values[1, 20:30] = math.nan
    expected = [ttest_1samp(column[np.isfinite(column)], 0).pvalue for column in values]
    assert sign_flip_p(values, seed=0) == pytest.approx(expected, abs=0.012)


def test_holm_by_hand():
    corrected = holm([0.01, 0.04, math.nan, 0.03, 0.005])
    assert corrected[:2] == pytest.approx([0.03, 0.06])
    assert corrected[3:] == pytest.approx([0.06, 0.02])
    assert math.isnan(corrected[2])


def test_no_difference_is_seldom_called_significant():
    ps = sign_flip_p(np.random.default_rng(0).normal(size=(400, 20)), seed=0)
    assert 0.02 < np.mean(np.array(ps) < 0.05) < 0.09


def test_the_direction_of_a_metric_decides_who_wins():
    assert win_rate(np.array([-1.0, -2, 3, 0]), "lsd") == pytest.approx(2.5 / 4)
    noisy = [10.0] * 12
    better = [8 + 0.1 * number for number in range(12)]
    evaluation = evaluation_of({NOISY: {"lsd": noisy}, "a": {"lsd": better}})
    [comparison] = summarise(evaluation).comparisons
    assert comparison.difference.mean < 0
    assert comparison.better == "a"


def test_groups_by_snr_duration_and_label():
    evaluation = evaluation_of(
        {NOISY: {"stoi": [0.1, 0.2, 0.3, 0.4]}},
        input_snr=[-0.1, 0.0, 4.9, math.nan],
        duration=[1.0, 2.0, 70.0, 3.0],
        group={0: "café", 1: "street", 2: "café"},
    )
    groups = summarise(evaluation).groups
    found = {
        name: [(group.label, group.files, round(group.scores[0].score.mean, 3)) for group in of]
        for name, of in groups.items()
    }
    assert found == {
        "input_snr": [("-5 to 0 dB", 1, 0.1), ("0 to 5 dB", 2, 0.25)],
        "duration": [("under 2 s", 1, 0.1), ("2 to 5 s", 2, 0.3), ("60 s and more", 1, 0.3)],
        "group": [("café", 2, 0.2), ("street", 1, 0.2)],
    }


# ---- the command line --------------------------------------------------------------------------


def evaluate_command(root: Path, *options: str) -> int:
    return cli.main(
        ["evaluate", "--clean", str(root / "clean"), "--noisy", str(root / "noisy"),
         "--system", f"other={root / 'other'}", "--no-denoise", "--metrics", "stoi,si_snr",
         *options]
    )  # fmt: skip


def test_the_command_prints_and_writes_and_resumes(small_set, tmp_path, capsys):
    outputs = [f"--{kind}={tmp_path / f'r.{kind}'}" for kind in ("csv", "json", "html")]
    assert evaluate_command(small_set, *outputs) == 0
    printed = capsys.readouterr().out
    evaluation = evaluate_pairs(pairs_of(small_set), metrics=QUICK)
    mean = evaluation.values("other", "stoi").mean()
    assert f"{mean:.4f}" in printed
    assert "3 of 3 pairs" in printed
    first = (tmp_path / "r.csv").read_text()
    assert evaluate_command(small_set, *outputs, "--resume") == 0
    assert (tmp_path / "r.csv").read_text() == first
    assert '"resumed": 6' in (tmp_path / "r.json").read_text()


def test_the_command_tells_of_bad_files_and_bad_words(own_set, tmp_path, capsys):
    (own_set / "other" / "english_fan.wav").write_bytes(b"no sound")
    assert evaluate_command(own_set, f"--csv={tmp_path / 'r.csv'}") == 1
    assert "english_fan" in capsys.readouterr().err
    assert (tmp_path / "r.csv").exists()
    (tmp_path / "folder.html").mkdir()
    for wrong in (
        ["--metrics", "loudness"],
        ["--system", "nameless"],
        ["--manifest", "x.csv"],
        ["--html", str(tmp_path / "folder.html")],
        ["--json", str(tmp_path / "r.csv" / "r.json")],
        ["--workers", "0"],
    ):
        assert evaluate_command(own_set, *wrong) == 2
        assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Unix only")
def test_a_pipe_in_a_folder_does_not_hang_a_run(own_set):
    os.mkfifo(own_set / "noisy" / "pipe.wav")
    assert len(pairs_of(own_set).pairs) == 3
