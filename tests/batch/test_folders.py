"""Folders of files: what lands where, and that nothing is lost, replaced or half-written."""

import os
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from frcrn_app import Audio, Denoiser, load_audio, save_audio
from frcrn_app.batch import denoise_files, plan_files, run_plan
from frcrn_app.errors import AudioError, Cancelled


def untouched(audio, strength=1.0, progress=None):
    """A Denoiser at strength 0 without the time that loading takes: what comes in goes out."""
    if progress:
        progress(1, 2)
        progress(2, 2)
    return audio


def tone(seconds=0.5, sample_rate=16_000, channels=1):
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    phase = np.arange(channels)[:, None]
    return Audio(0.3 * np.sin(2 * np.pi * 440 * time + phase).astype(np.float32), sample_rate)


def write_tone(path, **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    audio = tone(**kwargs)
    soundfile.write(path, audio.samples.T, audio.sample_rate)
    return path


def write_by_av(path, muxer, codec, sample_rate=16_000):
    """A file of a container that soundfile does not write."""
    samples = tone(1.0, sample_rate).samples
    with av.open(str(path), "w", format=muxer) as container:
        stream = container.add_stream(codec, rate=sample_rate, layout="mono", bit_rate=64_000)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = sample_rate
        resampler = av.AudioResampler(
            format=stream.codec_context.format, layout="mono", rate=sample_rate
        )
        fifo = av.AudioFifo()
        for converted in resampler.resample(frame):
            fifo.write(converted)
        size = stream.codec_context.frame_size or 1024
        while part := fifo.read(size, partial=True):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def files_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_tree_comes_back_with_rates_channels_and_lengths(tmp_path):
    write_tone(tmp_path / "in/a.wav", sample_rate=44_100, channels=2)
    write_tone(tmp_path / "in/day 1/über.flac", seconds=0.37)
    write_tone(tmp_path / "in/day 1/late/C.WAV", sample_rate=8_000)
    results = denoise_files([tmp_path / "in"], tmp_path / "out", Denoiser())
    assert [result.status for result in results] == ["cleaned"] * 3
    assert files_in(tmp_path / "out") == files_in(tmp_path / "in")
    for result in results:
        noisy, enhanced = load_audio(result.source), load_audio(result.target)
        assert enhanced.samples.shape == noisy.samples.shape
        assert enhanced.sample_rate == noisy.sample_rate
        assert (enhanced.container, enhanced.subtype) == (noisy.container, noisy.subtype)
        assert result.duration == pytest.approx(noisy.duration)


def test_the_denoisers_own_output_is_what_is_written(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.05, 16_000).astype(np.float32)
    noisy = Audio(tone(1.0).samples[0] + noise, 16_000, "WAV", "FLOAT")
    save_audio(tmp_path / "noisy.wav", noisy)
    denoiser = Denoiser(precision="float32")
    [result] = denoise_files([tmp_path / "noisy.wav"], tmp_path / "out", denoiser, strength=0.7)
    written = load_audio(result.target).samples
    np.testing.assert_allclose(written, denoiser(noisy, 0.7).samples, atol=1e-5)
    assert not np.allclose(written, noisy.samples, atol=1e-3)


def test_files_given_by_themselves_land_in_the_output_folder(tmp_path):
    sources = [write_tone(tmp_path / "x/a.wav"), write_tone(tmp_path / "y/b.flac")]
    denoise_files(sources, tmp_path / "out", untouched)
    assert files_in(tmp_path / "out") == ["a.wav", "b.flac"]


def test_a_file_that_fails_stops_nothing_else_and_leaves_nothing(tmp_path):
    write_tone(tmp_path / "in/1.wav")
    (tmp_path / "in/2.wav").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    write_tone(tmp_path / "in/3.wav")
    missing = tmp_path / "missing.wav"
    results = denoise_files([tmp_path / "in", missing], tmp_path / "out", untouched)
    assert [result.status for result in results] == ["cleaned", "failed", "cleaned", "failed"]
    assert results[1].error.code == "audio.foreign"
    assert "2.wav" in str(results[1].error)
    assert (results[3].error.code, results[3].error.fields["path"]) == ("audio.missing", missing)
    assert files_in(tmp_path / "out") == ["1.wav", "3.wav"]


def test_a_fault_of_the_program_is_one_failed_file_with_a_reference_in_the_log(tmp_path, caplog):
    write_tone(tmp_path / "in/1.wav", channels=2)
    write_tone(tmp_path / "in/2.wav")

    def mono_only(audio, strength, progress):
        if audio.channels > 1:
            raise RuntimeError("size mismatch")
        return audio

    bad, good = denoise_files([tmp_path / "in"], tmp_path / "out", mono_only)
    assert (bad.status, good.status) == ("failed", "cleaned")
    assert bad.error.code == "fault.file"
    [record] = caplog.records
    assert bad.error.fields["reference"] in record.getMessage()
    assert "size mismatch" in str(record.exc_info[1])


def test_what_is_there_is_left_alone_until_overwriting_is_asked_for(tmp_path):
    write_tone(tmp_path / "in/a.wav")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.wav").write_bytes(b"kept")
    write_tone(tmp_path / "in/b.wav")
    results = denoise_files([tmp_path / "in"], tmp_path / "out", untouched)
    assert {result.source.name: result.status for result in results} == {
        "a.wav": "present",
        "b.wav": "cleaned",
    }
    assert (tmp_path / "out/a.wav").read_bytes() == b"kept"
    denoise_files([tmp_path / "in"], tmp_path / "out", untouched, overwrite=True)
    assert load_audio(tmp_path / "out/a.wav").duration == 0.5


def test_two_recordings_of_one_name_keep_apart(tmp_path):
    """interview.m4a beside interview.mp4: one clash must not stop a folder."""
    write_tone(tmp_path / "in/talk.wav")
    write_tone(tmp_path / "in/talk.flac")
    write_by_av(tmp_path / "in/interview.m4a", "ipod", "aac")
    write_by_av(tmp_path / "in/interview.mp4", "mp4", "aac")
    denoise_files([tmp_path / "in"], tmp_path / "out", untouched, format="wav16")
    assert files_in(tmp_path / "out") == [
        "interview.mp4.wav",
        "interview.wav",
        "talk.flac.wav",
        "talk.wav",
    ]
    denoise_files([tmp_path / "in"], tmp_path / "same", untouched)
    assert files_in(tmp_path / "same") == [
        "interview.m4a",
        "interview.mp4.m4a",
        "talk.flac",
        "talk.wav",
    ]
    assert plan_files([tmp_path / "in"], tmp_path / "same").jobs == []


def test_a_clash_of_whole_names_costs_its_own_row(tmp_path):
    first = write_tone(tmp_path / "in/talk.wav")
    other = write_tone(tmp_path / "other/talk.wav")
    third = write_tone(tmp_path / "other/third.wav")
    results = denoise_files([first, other, third], tmp_path / "out", untouched)
    assert {result.source: result.status for result in results} == {
        first: "cleaned",
        other: "failed",
        third: "cleaned",
    }
    [refused] = [result for result in results if result.status == "failed"]
    assert (refused.error.code, refused.error.fields["other"]) == ("batch.clash", first)


def test_a_source_named_twice_is_cleaned_once(tmp_path):
    path = write_tone(tmp_path / "in/a.wav")
    plan = plan_files([tmp_path / "in", path, path], tmp_path / "out")
    assert [job.source for job in plan.jobs] == [path]


@pytest.mark.parametrize("overwrite", [False, True])
def test_no_recording_is_ever_replaced_by_its_cleaned_version(tmp_path, overwrite):
    path = write_tone(tmp_path / "in/a.wav")
    before = path.read_bytes()
    for sources in ([path], [tmp_path / "in"]):
        with pytest.raises(AudioError) as refused:
            denoise_files(sources, tmp_path / "in", untouched, overwrite=overwrite)
        assert refused.value.code in ("batch.replaces_source", "batch.output_is_source")
    assert path.read_bytes() == before


def test_an_output_folder_inside_the_input_folder_is_not_cleaned_again(tmp_path):
    write_tone(tmp_path / "in/a.wav")
    write_tone(tmp_path / "in/sub/b.wav")
    for _ in range(2):
        denoise_files([tmp_path / "in"], tmp_path / "in/cleaned", untouched, overwrite=True)
    assert files_in(tmp_path / "in/cleaned") == ["a.wav", "sub", "sub/b.wav"]


def test_hidden_and_other_files_of_a_folder_are_named_as_ignored(tmp_path):
    write_tone(tmp_path / "in/a.wav")
    write_tone(tmp_path / "in/.hidden.wav")
    write_tone(tmp_path / "in/.cache/b.wav")
    (tmp_path / "in/notes.txt").write_text("take 2 is better")
    plan = plan_files([tmp_path / "in"], tmp_path / "out")
    assert [job.source.name for job in plan.jobs] == ["a.wav"]
    assert sorted(path.name for path in plan.ignored) == [".cache", ".hidden.wav", "notes.txt"]


def test_an_output_that_is_a_file_is_refused(tmp_path):
    path = write_tone(tmp_path / "a.wav")
    (tmp_path / "out").write_text("")
    with pytest.raises(AudioError) as refused:
        plan_files([path], tmp_path / "out")
    assert refused.value.code == "batch.output_is_file"


@pytest.mark.parametrize(
    ("name", "muxer", "codec"),
    [
        ("a.mp4", "mp4", "aac"),
        ("a.mov", "mov", "aac"),
        ("a.m4a", "ipod", "aac"),
        ("a.aac", "adts", "aac"),
        ("a.mkv", "matroska", "aac"),
        ("a.webm", "webm", "libopus"),
        ("a.avi", "avi", "mp3"),
        ("a.wma", "asf", "wmav2"),
    ],
)
def test_where_a_container_lands_is_known_beforehand(tmp_path, name, muxer, codec):
    """Otherwise what is already cleaned would not be found again."""
    rate = 44_100 if codec == "wmav2" else 16_000
    source = write_by_av(tmp_path / name, muxer, codec, rate)
    [job] = plan_files([source], tmp_path / "out").jobs
    [result] = denoise_files([source], tmp_path / "out", untouched)
    assert (result.status, result.target) == ("cleaned", job.target), result.error
    assert load_audio(result.target).duration == pytest.approx(1.0, abs=0.1)
    assert plan_files([source], tmp_path / "out").jobs == []


@pytest.mark.parametrize("suffix", [".ogg", ".mp3", ".aiff", ".au", ".caf", ".w64", ".flac"])
@pytest.mark.parametrize("format", ["same", "wav16", "flac"])
def test_where_a_format_lands_is_known_beforehand(tmp_path, suffix, format):
    source = write_tone(tmp_path / f"a{suffix}")
    [job] = plan_files([source], tmp_path / "out", format=format).jobs
    [result] = denoise_files([source], tmp_path / "out", untouched, format=format)
    assert (result.status, result.target) == ("cleaned", job.target), result.error


def test_a_sound_that_its_format_cannot_hold_gets_a_name_that_meets_no_other(tmp_path):
    """WAV at 96 kHz in a file named .mp3: there is no MP3 at 96 kHz."""
    wav = write_tone(tmp_path / "in/talk.wav", sample_rate=96_000)
    (tmp_path / "in/talk.mp3").write_bytes(wav.read_bytes())
    results = denoise_files([tmp_path / "in"], tmp_path / "out", untouched)
    assert {result.status for result in results} == {"cleaned"}
    assert files_in(tmp_path / "out") == ["talk.mp3.wav", "talk.wav"]
    assert plan_files([tmp_path / "in"], tmp_path / "out").jobs == []


def test_a_name_with_a_dot_keeps_it(tmp_path):
    path = write_tone(tmp_path / "a.wav").rename(tmp_path / "take.v2")
    [result] = denoise_files([path], tmp_path / "out", untouched)
    assert result.target.name == "take.v2.wav"
    assert load_audio(result.target).duration == 0.5


def test_progress_rises_to_the_number_of_files(tmp_path):
    for name in ("a.wav", "b.wav", "c.wav"):
        write_tone(tmp_path / "in" / name)
    (tmp_path / "in/b.wav").write_bytes(b"")
    calls = []
    plan = plan_files([tmp_path / "in"], tmp_path / "out")
    run_plan(plan, untouched, progress=lambda *call: calls.append(call))
    done = [done for done, _ in calls]
    assert done == sorted(done)
    assert 0.5 in done
    assert calls[-1] == (3, 3)


@pytest.mark.parametrize("stop", [Cancelled, KeyboardInterrupt])
def test_a_stopped_run_leaves_whole_files_only(tmp_path, stop):
    for name in ("a.wav", "b.wav", "c.wav"):
        write_tone(tmp_path / "in" / name)

    def progress(done, total):
        if done > 1:
            raise stop

    plan = plan_files([tmp_path / "in"], tmp_path / "out")
    with pytest.raises(stop):
        run_plan(plan, untouched, progress=progress)
    assert files_in(tmp_path / "out") == ["a.wav"]
    assert load_audio(tmp_path / "out/a.wav").duration == 0.5


def test_a_target_that_cannot_be_written_fails_alone_and_leaves_no_draft(tmp_path):
    sources = [write_tone(tmp_path / "a.wav"), write_tone(tmp_path / "b.wav")]
    (tmp_path / "out/a.wav").mkdir(parents=True)
    results = denoise_files(sources, tmp_path / "out", untouched, overwrite=True)
    assert [result.status for result in results] == ["failed", "cleaned"]
    assert files_in(tmp_path / "out") == ["a.wav", "b.wav"]


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_names_may_be_any_bytes(tmp_path):
    folder = os.fsencode(tmp_path / "in")
    os.mkdir(folder)
    names = [
        b"caf\xe9.wav",
        "会议".encode("gbk") + b".flac",
        b"two\nlines.wav",
        b"s" * 251 + b".wav",
    ]
    for name in names:
        samples = tone().samples[0]
        with open(os.path.join(folder, name), "wb") as file:
            soundfile.write(file, samples, 16_000, format="FLAC" if b"flac" in name else "WAV")
    results = denoise_files([tmp_path / "in"], tmp_path / "out", untouched)
    assert [str(result.error) for result in results if result.error] == []
    assert sorted(os.listdir(os.fsencode(tmp_path / "out"))) == sorted(names)
    results[0].source.name.encode("utf-8", "surrogateescape")


def test_a_long_name_is_shortened_where_its_ending_grows(tmp_path):
    """83 Chinese characters are 249 bytes; three letters more would be too many."""
    source = write_by_av(tmp_path / ("会" * 83 + ".aac"), "adts", "aac")
    [result] = denoise_files([source], tmp_path / "out", untouched, format="flac")
    assert result.status == "cleaned", result.error
    assert len(os.fsencode(result.target.name)) <= 255
    assert result.target.name.endswith("会.flac")


def test_linked_folders_are_cleaned_once(tmp_path):
    write_tone(tmp_path / "elsewhere/b.wav")
    write_tone(tmp_path / "in/real/a.wav")
    (tmp_path / "in/also").symlink_to(tmp_path / "in/real")
    (tmp_path / "in/around").symlink_to(tmp_path / "in")
    (tmp_path / "in/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/gone.wav").symlink_to(tmp_path / "nowhere.wav")
    plan = plan_files([tmp_path / "in"], tmp_path / "out")
    found = sorted(job.target.relative_to(tmp_path / "out").as_posix() for job in plan.jobs)
    assert found == ["linked/b.wav", "real/a.wav"]
    assert plan.ignored == []
    [gone] = plan.refused
    assert (gone.source.name, gone.error.code) == ("gone.wav", "batch.link_leads_nowhere")


def test_a_folder_that_may_not_be_read_costs_its_own_row(tmp_path, monkeypatch):
    write_tone(tmp_path / "in/a.wav")
    (tmp_path / "in/closed").mkdir()
    scandir = os.scandir

    def guarded(path):
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    results = denoise_files([tmp_path / "in"], tmp_path / "out", untouched)
    assert sorted(result.status for result in results) == ["cleaned", "failed"]
    assert {result.error.code for result in results if result.error} == {"batch.folder_unreadable"}


def test_files_of_unknown_endings_are_taken_by_their_content(tmp_path):
    write_tone(tmp_path / "in/a.wav").rename(tmp_path / "in/recording.bak")
    write_tone(tmp_path / "in/b.flac").rename(tmp_path / "in/nameless")
    (tmp_path / "in/module.ts").write_text("export const rate = 16_000;\n" * 20)
    plan = plan_files([tmp_path / "in"], tmp_path / "out")
    assert [job.target.name for job in plan.jobs] == ["nameless.wav", "recording.bak.wav"]
    assert [path.name for path in plan.ignored] == ["module.ts"]
    results = denoise_files([tmp_path / "in"], tmp_path / "out", untouched)
    assert [result.target.name for result in results] == ["nameless.wav", "recording.bak.wav"]
    assert plan_files([tmp_path / "in"], tmp_path / "out").jobs == []
