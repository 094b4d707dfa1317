"""Pairs become rows of scores that are right, whatever else is in the set."""

import math

import numpy as np
import pytest

from frcrn_app import metrics
from frcrn_app.audio import Audio, load_audio, resample, save_audio
from frcrn_app.errors import Cancelled, MetricError
from frcrn_app.evaluation import (
    NOISY,
    PairSet,
    SoundScores,
    load_scored,
    pair_folders,
    pair_manifest,
    summarise,
)
from frcrn_app.evaluation.alignment import find_lag, fit
from frcrn_app.evaluation.scoring import ScoreTask, score_pair
from sets import evaluate, pairs_of

RATE = metrics.SAMPLE_RATE
QUICK = ["stoi", "si_sdr"]  # metrics that cost next to nothing


def test_rows_hold_the_scores_of_the_sounds(small_set):
    evaluation = evaluate(pairs_of(small_set), metrics=QUICK)
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
    one, two = (evaluate(pairs_of(small_set), metrics=QUICK, workers=n) for n in (1, 2))
    assert [row.name for row in one.rows] == [row.name for row in two.rows]
    for metric in QUICK:
        np.testing.assert_array_equal(one.values("other", metric), two.values("other", metric))


def test_any_rate_and_channel_count_is_scored_at_16_khz_mono(small_set, own_set):
    path = own_set / "other" / "english_fan.wav"
    audio = load_audio(path)
    upsampled = resample(audio.samples, RATE, 48_000)
    save_audio(path, Audio(np.vstack([upsampled, upsampled]), 48_000), format="wav-float")
    expected, actual = (
        evaluate(pairs_of(root), metrics=["stoi"]).values("other", "stoi")
        for root in (small_set, own_set)
    )
    np.testing.assert_allclose(actual, expected, atol=0.002)


def test_one_bad_file_costs_one_row(own_set):
    names = sorted(path.stem for path in (own_set / "noisy").iterdir())
    (own_set / "other" / f"{names[0]}.wav").write_bytes(b"this is no sound")
    clean = load_audio(own_set / "clean" / f"{names[1]}.wav")
    silent = clean.with_samples(np.zeros_like(clean.samples))
    save_audio(own_set / "clean" / f"{names[1]}.wav", silent, format="wav-float")
    evaluation = evaluate(pairs_of(own_set), metrics=QUICK)
    first, second, third = evaluation.rows
    assert math.isnan(first.sounds["other"].scores["stoi"])
    assert math.isfinite(first.sounds[NOISY].scores["stoi"])
    assert f"{names[0]}.wav" in first.problems
    assert first.problems_in("zh").startswith("other: ")
    assert "silent" in second.problems
    assert second.problems_in("zh") == "stoi, si_sdr: 干净音频是静音（低于 -90 dBFS）。"
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
        evaluation = evaluate(pairs_of(own_set), metrics=["si_sdr"])
        sound = evaluation.rows[0].sounds["other"]
        assert math.isfinite(sound.scores["si_sdr"]) == scored
        assert (sound.error is not None and "50 ms" in str(sound.error)) == (not scored)
        assert not scored or sound.cut == pytest.approx(cut / RATE)


def test_alignment_takes_a_delay_out_and_reports_it(own_set):
    path = own_set / "other" / "english_fan.wav"
    audio = load_audio(path)
    delayed = np.pad(audio.samples, ((0, 0), (640, 0)))[:, : 2 * RATE]
    save_audio(path, audio.with_samples(delayed), format="wav-float")
    plain, aligned = (
        evaluate(pairs_of(own_set), metrics=["si_sdr"], align=align).rows[0].sounds["other"]
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
    first, second, _ = fit(clean, shifted, lag=lag)
    np.testing.assert_array_equal(first[2000:-2000], second[2000:-2000])


def test_the_lag_of_a_long_recording_is_found_stretch_by_stretch(speech, monkeypatch):
    monkeypatch.setattr("frcrn_app.evaluation.alignment._STRETCH", 7_000)
    clean = speech.samples[0]
    for lag in (-900, 0, 1600):
        assert find_lag(clean, np.roll(clean, lag)[: clean.size - 300]) == lag


def test_eleven_minutes_are_scored_and_what_was_mended_is_said(tmp_path, speech, noisy_speech):
    repeats = 660 // 7 + 1
    for side, audio in (("clean", speech), ("noisy", noisy_speech)):
        long = audio.with_samples(np.tile(audio.samples, (1, repeats)))
        save_audio(tmp_path / side / "long.wav", long, format="wav16")
    noisy = tmp_path / "noisy" / "long.wav"
    content = bytearray(noisy.read_bytes())
    content[40:44] = bytes(4)  # as a recorder leaves it that died: no length
    noisy.write_bytes(content)
    pairs = pair_folders(tmp_path / "noisy", tmp_path / "clean")
    [row] = evaluate(pairs, metrics=["si_sdr"]).rows
    assert row.problems == ""
    assert row.duration > 660
    expected, _ = metrics.score(speech.samples[0], noisy_speech.samples[0], ["si_sdr"])
    assert row.sounds[NOISY].scores["si_sdr"] == pytest.approx(expected["si_sdr"], abs=0.01)
    assert "states no length" in row.notes_in("en")


def test_without_clean_sounds_only_dnsmos_is_scored(small_set):
    pairs = pair_folders(small_set / "noisy")
    pairs = PairSet(pairs.pairs[:1])
    evaluation = evaluate(pairs, metrics=["stoi", "dnsmos_ovrl"])
    assert evaluation.metrics == ["dnsmos_ovrl"]
    assert 1 < evaluation.values(NOISY, "dnsmos_ovrl")[0] < 5
    with pytest.raises(MetricError) as refused:
        evaluate(pairs, metrics=["stoi"])
    assert refused.value.code == "evaluation.needs_clean"


def test_our_own_network_is_a_system_with_its_speed(small_set, tmp_path):
    from frcrn_app import Denoiser

    pairs = PairSet(pair_folders(small_set / "noisy", small_set / "clean").pairs[:2])
    denoiser = Denoiser("frcrn-small")
    evaluation = evaluate(pairs, denoiser=denoiser, metrics=["si_sdr"], enhanced_folder=tmp_path)
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

    evaluation = evaluate(pairs_of(small_set), metrics=QUICK, progress=stop_after_two)
    assert evaluation.cancelled
    assert [row.name for row in evaluation.rows] == ["english_fan", "french_street"]
    assert evaluation.total == 3
    assert np.isfinite(evaluation.values("other", "stoi")).all()


def test_a_delay_that_explains_a_bad_score_is_named(own_set):
    path = own_set / "noisy" / "english_fan.wav"
    audio = load_audio(path)
    late = np.pad(audio.samples, ((0, 0), (480, 0)))[:, : 2 * RATE]
    save_audio(path, audio.with_samples(late), format="wav-float")
    evaluation = evaluate(pairs_of(own_set), metrics=["si_sdr"])
    first, second, _ = evaluation.rows
    [note] = first.sounds[NOISY].notes
    assert note.code == "evaluation.late"
    assert note.fields["milliseconds"] == pytest.approx(30, abs=0.2)
    assert "--align" in first.notes_in("en")
    assert "--align" in first.notes_in("zh")
    assert first.problems == second.notes_in("en") == ""
    aligned = evaluate(pairs_of(own_set), metrics=["si_sdr"], align=True)
    assert aligned.rows[0].notes_in("en") == ""


def scored(pair, degraded, path, metric: str = "si_sdr", **options) -> SoundScores:
    """What is said of samples [1, samples] that a system made of a pair."""
    save_audio(path, Audio(degraded, RATE), format="wav-float")
    task = ScoreTask(pair.clean, pair.noisy, {"new": path}, {"new": (metric,)}, **options)
    return score_pair(task).sounds["new"]


def test_only_a_delay_that_explains_is_named(small_set, tmp_path):
    """150 ms are beyond reach: before, some other lag was said to explain the score."""
    pair = pairs_of(small_set).pairs[0]
    late = np.pad(load_audio(pair.noisy).samples, ((0, 0), (2400, 0)))[:, : 2 * RATE]
    sound = scored(pair, late, tmp_path / "late.wav")
    assert sound.scores["si_sdr"] < -10
    assert sound.notes == []


@pytest.mark.parametrize("lag", [1440, -1440])
def test_lengths_that_differ_by_a_delay_say_so(small_set, tmp_path, lag):
    pair = pairs_of(small_set).pairs[0]
    samples = load_audio(pair.noisy).samples
    shifted = np.pad(samples, ((0, 0), (max(0, lag), 0)))[:, max(0, -lag) :]
    sound = scored(pair, shifted, tmp_path / "shifted.wav")
    assert sound.error.code == f"evaluation.lengths_{'late' if lag > 0 else 'early'}"
    assert sound.error.fields["milliseconds"] == 90
    assert "--align" in sound.problems
    plain = scored(pair, samples, tmp_path / "plain.wav")
    aligned = scored(pair, shifted, tmp_path / "shifted.wav", align=True)
    assert aligned.scores["si_sdr"] == pytest.approx(plain.scores["si_sdr"], abs=1)


def test_inverted_polarity_is_named_where_it_costs_a_score(small_set, tmp_path):
    pair = pairs_of(small_set).pairs[0]
    samples = load_audio(pair.systems["other"]).samples
    for sign, metric, codes in (
        (-1, "seg_snr", ["evaluation.inverted"]), (-1, "si_sdr", []), (1, "seg_snr", [])
    ):  # fmt: skip
        sound = scored(pair, sign * samples, tmp_path / "turned.wav", metric)
        assert [note.code for note in sound.notes] == codes


def test_channels_that_cancel_are_named(own_set):
    path = own_set / "noisy" / "english_fan.wav"
    mono = load_audio(path).samples
    for second, code in ((-mono, "channels_cancel"), (-0.95 * mono, "channels_weaken")):
        save_audio(path, Audio(np.vstack([mono, second]), RATE), format="wav-float")
        [row] = evaluate(PairSet(pairs_of(own_set).pairs[:1]), metrics=["stoi"]).rows
        sound = row.sounds[NOISY]
        said = sound.notes[0] if sound.error is None else sound.error.fields["problem"]
        assert said.code == f"evaluation.{code}"
        assert math.isnan(sound.scores["stoi"]) == (code == "channels_cancel")


def test_rows_say_what_the_noisy_file_shows(own_set):
    narrow, clipped = (
        own_set / "noisy" / f"{name}.wav" for name in ("english_fan", "french_street")
    )
    audio = load_audio(narrow)
    telephone = resample(resample(audio.samples, RATE, 8000), 8000, RATE)[:, : 2 * RATE]
    save_audio(narrow, audio.with_samples(telephone), format="wav-float")
    audio = load_audio(clipped)
    loud = np.clip(audio.samples * 3 / np.abs(audio.samples).max(), -1, 1)
    save_audio(clipped, audio.with_samples(loud), format="wav-float")
    first, second, third = evaluate(pairs_of(own_set), metrics=["si_sdr"]).rows
    assert 3500 < first.input_band_hz < 4500
    assert second.input_band_hz > 7000
    assert second.input_clipped > 0.01
    assert first.input_clipped == third.input_clipped == 0


def test_words_are_counted_where_a_manifest_has_them(own_set, example_pairs):
    pytest.importorskip("jiwer")
    pytest.importorskip("pocketsphinx")
    noisy, clean = next(pair for pair in example_pairs if pair[1].stem == "english_fan")
    text = "Congratulations! You have successfully installed and executed the Asterisk"
    manifest = own_set / "set.csv"
    manifest.write_text(
        f"noisy,clean,better,text\n{noisy},,{clean},{text} open source PBX.\n"
        "noisy/french_street.wav,clean/french_street.wav,,\n"
    )
    evaluation = evaluate(pair_manifest(manifest), metrics=["si_sdr", "wer"])
    heard, better = (evaluation.values(system, "wer") for system in (NOISY, "better"))
    assert better[0] <= 25 < 75 < heard[0]
    assert math.isnan(heard[1])
    assert evaluation.rows[1].sounds[NOISY].problems == ""
