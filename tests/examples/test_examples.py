"""The shipped sounds are small, are what their labels say, and name their authors."""

import re

import numpy as np
import pytest

from frcrn_app.audio import load_audio, rms_dbfs
from paths import EXAMPLES

LICENSES = (EXAMPLES / "LICENSES.md").read_text(encoding="utf-8")
SOUNDS = sorted(
    path
    for folder in ("noisy", "pairs")
    for path in (EXAMPLES / folder).rglob("*")
    if path.is_file()
)


def licence_row(path):
    name = path.relative_to(EXAMPLES).as_posix()
    [row] = [line for line in LICENSES.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_they_are_at_most_4_mib_together():
    assert sum(path.stat().st_size for path in SOUNDS) <= 4 * 2**20


def test_there_are_enough_of_them(example_clips, example_pairs):
    assert 4 <= len(example_clips) <= 6
    assert len(example_pairs) == 6
    assert all(noisy.is_file() and clean.is_file() for noisy, clean in example_pairs)
    assert len(list((EXAMPLES / "pairs" / "noisy").iterdir())) == 6


@pytest.mark.parametrize("path", SOUNDS, ids=lambda path: path.name)
def test_each_sounds_as_a_recording_does(path):
    audio = load_audio(path)
    assert 5 <= audio.duration <= 9
    assert -40 < rms_dbfs(audio.samples) < -15
    assert np.abs(audio.samples).max() < 0.999  # nothing clips
    assert abs(audio.samples.mean()) < 1e-3  # no offset
    if path.parent.parent.name == "pairs":
        assert (audio.sample_rate, audio.channels) == (16_000, 1)


def test_one_clip_is_what_a_phone_or_camera_records(example_clips):
    assert {(c.sample_rate, c.channels) for c in map(load_audio, example_clips)} == {
        (16_000, 1),
        (44_100, 2),
    }


def test_pairs_have_the_signal_to_noise_ratio_of_their_label(example_pairs):
    ratios = []
    for noisy_path, clean_path in example_pairs:
        noisy, clean = load_audio(noisy_path).samples, load_audio(clean_path).samples
        assert noisy.shape == clean.shape
        ratio = rms_dbfs(clean) - rms_dbfs(noisy - clean)
        labelled = float(licence_row(noisy_path)[3].removesuffix(" dB"))
        assert ratio == pytest.approx(labelled, abs=0.1)
        ratios.append(ratio)
    assert min(ratios) < 0
    assert max(ratios) > 10
    assert sum(0 <= ratio <= 8.1 for ratio in ratios) >= 4


def test_clean_speech_is_clean(example_pairs):
    for _, path in example_pairs:
        samples = load_audio(path).samples[0]
        frames = samples[: len(samples) // 320 * 320].reshape(-1, 320)  # 20 ms
        levels = np.sort([rms_dbfs(frame) for frame in frames])
        assert levels[int(0.95 * len(levels))] - levels[int(0.05 * len(levels))] > 25  # dB


@pytest.mark.parametrize("path", SOUNDS, ids=lambda path: path.name)
def test_each_has_its_source_and_licence(path):
    _, speech, noise, _, licence = licence_row(path)
    assert re.search(r"asterisk-core-sounds-\w\w-g722", speech)
    assert licence in ("CC-BY-SA-3.0", "CC-BY-3.0")
    if licence == "CC-BY-3.0":  # what others licensed share-alike is in none of these
        assert noise == "none"
    package = re.search(r"asterisk-core-sounds-\w\w-g722", speech).group()
    assert re.search(rf"^\| {package} \| [\d.-]+ \| .+ \| CC-BY(-SA)?-3.0 \|$", LICENSES, re.M)


def test_no_licence_is_kept_for_what_is_not_there():
    rows = re.findall(r"^\| ((?:noisy|pairs)/\S+) \|", LICENSES, re.M)
    assert sorted(rows) == sorted(path.relative_to(EXAMPLES).as_posix() for path in SOUNDS)


def test_several_languages_and_both_sexes_speak():
    languages = {licence_row(path)[1].split(", ")[1] for path in SOUNDS}
    assert languages == {"English", "French", "Italian", "Russian", "Spanish"}
    speakers = {licence_row(path)[1].split(", ")[0] for path in SOUNDS}
    assert {"Allison Smith", "Carlo Flora"} <= speakers
