"""frcrn denoise as a person meets it: what is printed, what is written, how it exits."""

import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from command_line import run_frcrn, write_noise
from films import two_track_film
from frcrn_app import Denoiser, load_audio
from frcrn_app.audio import load_tracks, loudness, save_audio, true_peak
from frcrn_app.batch import run as batch_run
from frcrn_app.cli import main as cli
from frcrn_app.cli.main import build_parser, main
from frcrn_app.errors import AudioError
from frcrn_app.metrics import si_sdr
from paths import ROOT


def test_without_arguments_an_input_folder_is_made_and_explained(folder, capsys):
    assert main(["denoise"]) == 0
    assert (folder / "input").is_dir()
    assert "input/ has been made: put recordings into it" in capsys.readouterr().out
    assert main(["denoise"]) == 0
    assert "input/ is empty" in capsys.readouterr().out
    assert not (folder / "output").exists()


def test_without_arguments_everything_in_input_lands_in_output(folder, capsys):
    write_noise(folder / "input/a.wav")
    write_noise(folder / "input/monday/b.flac")
    (folder / "input/notes.txt").write_text("quiet room")
    assert main(["denoise", "--device", "cpu"]) == 0
    out = capsys.readouterr().out
    assert "ignored, as hidden or not audio: input/notes.txt" in out
    assert "cleaned 2 files (1.0 s of audio" in out
    for name in ("a.wav", "monday/b.flac"):
        noisy, enhanced = load_audio(folder / "input" / name), load_audio(folder / "output" / name)
        assert enhanced.samples.shape == noisy.samples.shape
        assert np.sum(enhanced.samples**2) < 0.5 * np.sum(noisy.samples**2)  # it was all noise
    assert main(["denoise"]) == 0
    assert "left alone 2 files already in output (--overwrite" in capsys.readouterr().out


def test_the_example_recordings_come_out_cleaner(folder):
    pairs = ROOT / "examples" / "pairs"
    assert main(["denoise", str(pairs / "noisy"), "--weights", "frcrn-small"]) == 0
    gains = []
    for path in sorted((pairs / "clean").iterdir()):
        clean, noisy, enhanced = (
            load_audio(folder_ / path.name).samples[0]
            for folder_ in (pairs / "clean", pairs / "noisy", folder / "output")
        )
        gains.append(si_sdr(clean, enhanced) - si_sdr(clean, noisy))
    assert len(gains) == 6
    assert np.mean(gains) > 6  # dB


def test_options_reach_the_cleaning(folder):
    noisy = load_audio(write_noise(folder / "a.flac"))
    assert (
        main(["denoise", "a.flac", "-o", "same", "--strength", "0", "--format", "wav-float"]) == 0
    )
    same = load_audio(folder / "same/a.wav")
    np.testing.assert_array_equal(same.samples, noisy.samples)
    assert same.subtype == "FLOAT"
    precise = ["--precision", "float32", "--weights", "frcrn-small", "--device", "cpu"]
    assert main(["denoise", "a.flac", "-o", "cleaned", *precise, "--format", "wav-float"]) == 0
    expected = Denoiser("frcrn-small", device="cpu", precision="float32")(noisy).samples
    cleaned = load_audio(folder / "cleaned/a.wav").samples
    np.testing.assert_allclose(cleaned, expected, atol=1e-6)


def test_a_failing_file_is_reported_at_the_end_with_exit_code_1(folder, capsys):
    write_noise(folder / "in/1.wav")
    (folder / "in/2.wav").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    write_noise(folder / "in/3.wav")
    assert main(["denoise", "in", "-o", "out"]) == 1
    printed = capsys.readouterr()
    assert "cleaned 2 files" in printed.out
    [line] = [line for line in printed.err.splitlines() if line.startswith("failed: ")]
    assert line.startswith("failed: in/2.wav: ")
    assert "PNG" in line
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["1.wav", "3.wav"]


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["a.wav", "-o", "cleaned.wav"], "-o takes a folder"),
        (["a.wav", "-o", "."], "name another folder"),
        (["a.wav", "-o", "empty.txt"], "is a file"),
        (["folder"], "no audio file in folder"),
        (["a.wav", "--weights", "nowhere.safetensors"], "nowhere.safetensors"),
        (["a.wav", "--device", "abacus"], "abacus"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(folder, capsys, argv, sentence):
    before = write_noise(folder / "a.wav").read_bytes()
    (folder / "folder").mkdir()
    (folder / "empty.txt").write_text("")
    assert main(["denoise", *argv]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert sentence in err
    assert (folder / "a.wav").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["a.wav", "empty.txt", "folder"]


@pytest.mark.parametrize("strength", ["2", "-0.1", "nan", "much"])
def test_a_strength_outside_0_to_1_is_refused(folder, capsys, strength):
    with pytest.raises(SystemExit) as stopped:
        main(["denoise", "--strength", strength])
    assert stopped.value.code == 2
    assert "is not a number from 0 to 1" in capsys.readouterr().err


def test_an_input_that_is_no_folder_is_one_sentence(folder, capsys):
    (folder / "input").write_text("")
    assert main(["denoise"]) == 2
    assert "name files or folders" in capsys.readouterr().err


def test_a_fault_in_one_file_tells_where_the_trace_is(folder, capsys, monkeypatch):
    def fault(path, **options):
        raise RuntimeError("the trace tells this")

    monkeypatch.setattr(batch_run, "load_tracks", fault)
    monkeypatch.setattr(cli.tempfile, "gettempdir", lambda: str(folder))
    write_noise(folder / "a.wav")
    assert main(["denoise", "a.wav"]) == 1
    err = capsys.readouterr().err
    log = Path(re.search(r"is in (\S+)", err).group(1)).read_text()
    assert re.search(r"reference (\w+)", err).group(1) in log
    assert "the trace tells this" in log


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_leaves_whole_files_only_and_exits_with_130(folder):
    write_noise(folder / "in/1.wav")
    write_noise(folder / "in/2.wav", seconds=180)
    process = run_frcrn("denoise", "in", "--device", "cpu", cwd=folder)
    first = folder / "output/1.wav"
    give_up = time.monotonic() + 300
    while not first.exists() and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert err.strip() == "stopped"
    assert load_audio(first).duration == 0.5
    assert [path.name for path in (folder / "output").iterdir()] == ["1.wav"]


def test_what_is_said_about_files_and_what_exit_code_1_means(folder, capsys):
    """One run over a header that is wrong, a lost end, odd names and an unexpanded pattern."""
    write_noise(folder / "in/short header.wav", seconds=2)
    content = bytearray((folder / "in/short header.wav").read_bytes())
    content[40:44] = (8_000).to_bytes(4, "little")
    (folder / "in/short header.wav").write_bytes(content)
    odd = os.fsencode(folder / "in") + b"/caf\xe9\nbar.wav"
    write_noise(folder / "in/plain.wav").rename(os.fsdecode(odd))
    assert main(["denoise", "in/*.wav", "--strength", "0", "-o", "whole"]) == 0
    printed = capsys.readouterr()
    assert "cleaned 2 files (2.5 s of audio" in printed.out
    assert "note: in/short header.wav: Its header states 0.2 s, but the file holds 2.0 s" in (
        printed.out
    )
    assert "failed" not in printed.err
    content[40:44] = (200_000).to_bytes(4, "little")
    (folder / "in/short header.wav").write_bytes(content)
    assert main(["denoise", "in", "--strength", "0", "-o", "cut"]) == 1
    err = capsys.readouterr().err
    assert "incomplete: in/short header.wav: Its end is missing: 2.0 of 6.2 s are there." in err
    assert load_audio(folder / "cut/short header.wav").duration == 2.0


def test_tracks_and_films_on_the_command_line(folder, capsys):
    film = two_track_film(folder / "screen.mkv")
    for argv, name, channels in (
        ([], "screen.mka", [2, 1]),
        (["--track", "2"], "screen.webm", [1]),
        (["--film"], "screen.mkv", [2, 1]),
        (["--format", "flac"], "screen.flac", [2]),
    ):
        out = "-".join(["out", *argv]).replace("--", "")
        assert main(["denoise", str(film), "-o", out, "--strength", "0", *argv]) == 0
        assert [path.name for path in (folder / out).iterdir()] == [name]
        assert [track.channels for track in load_tracks(folder / out / name)] == channels
        assert ("It has 2 audio tracks" in capsys.readouterr().out) == (argv != ["--track", "2"])
    assert main(["denoise", str(film), "-o", "none", "--track", "3"]) == 1
    assert "has no track 3: it has 2." in capsys.readouterr().err


def test_files_come_out_at_the_loudness_that_was_asked_for(folder, capsys, example_clips):
    clip = folder / "talk.wav"
    whole = load_audio(example_clips[0])
    save_audio(clip, whole.with_samples(whole.samples[:, :32_000]))
    for target in ("-23", "-9"):  # the second is beyond what its peaks allow
        command = ["denoise", str(clip), "--loudness", target, "--format", "wav-float"]
        assert main([*command, "--overwrite"]) == 0
        cleaned = load_audio(folder / "output" / f"{clip.stem}.wav")
        heard = loudness(cleaned.samples, cleaned.sample_rate)
        assert true_peak(cleaned.samples) <= -1 + 1e-4
        said = re.search(r"It reaches (\S+) LUFS, not -9", capsys.readouterr().out)
        assert heard == pytest.approx(float(said[1]) if said else -23, abs=0.1)
        assert (said is None) == (target == "-23")
    assert main(["denoise", str(clip), "--loudness", "3"]) == 2
    assert "from -50 to -5 LUFS, not 3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["talk.wav", "-o", "note.txt/cleaned"], "batch.output_unusable"),
        (["talk.wav", "-o", ""], "batch.no_name"),
        ([""], "batch.no_name"),
    ],
)
def test_where_nothing_could_be_kept_nothing_is_cleaned(folder, monkeypatch, argv, code):
    """An unset variable of a shell's would otherwise name the folder at hand."""
    write_noise(folder / "talk.wav")
    (folder / "note.txt").touch()
    monkeypatch.setattr("frcrn_app.inference.Denoiser", None)
    with pytest.raises(AudioError) as refused:
        parse_and_run(["denoise", *argv])
    assert refused.value.code == code


def parse_and_run(argv):
    args = build_parser().parse_args(argv)
    return args.run(args)
