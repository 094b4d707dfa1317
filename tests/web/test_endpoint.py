"""The demo over its network interface: what programs and hostile visitors meet."""

import logging
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from films import two_track_film
from frcrn_app.audio import Audio, has_picture, load_audio, load_tracks, save_audio
from frcrn_app.metrics import si_sdr
from frcrn_app.web.options import WebOptions
from paths import ROOT

API_TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
MAX_SECONDS = 20.0  # that the fixture `demo` takes


def documented(language: str) -> str:
    """The example of docs/api.md in a language."""
    return re.search(rf"```{language}\n(.*?)```", API_TEXT, re.DOTALL)[1]


@pytest.fixture(scope="module")
def client(demo):
    from gradio_client import Client

    return Client(demo.address, verbose=False)


def denoise(client, path, **settings):
    from gradio_client import handle_file

    return client.predict(handle_file(path), api_name="/denoise", **settings)


def sentence_of(client, path, **settings) -> str:
    """What a visitor reads when a request is refused."""
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError) as refused:
        denoise(client, path, **settings)
    return str(refused.value)


# What it is for


def test_a_noisy_example_comes_back_clean(client, example_pairs):
    noisy_path, clean_path = example_pairs[0]
    cleaned_path, facts = denoise(client, noisy_path)
    noisy, clean, cleaned = (load_audio(p) for p in (noisy_path, clean_path, cleaned_path))
    assert cleaned.samples.shape == noisy.samples.shape
    assert cleaned.sample_rate == noisy.sample_rate
    assert Path(cleaned_path).name == f"{noisy_path.stem}_denoised{noisy_path.suffix}"
    gained = si_sdr(clean.samples[0], cleaned.samples[0]) - si_sdr(
        clean.samples[0], noisy.samples[0]
    )
    assert gained > 2
    assert facts["seconds"] == pytest.approx(noisy.duration, abs=1e-3)
    assert facts["real_time_factor"] > 0
    assert all(facts[name] for name in ("weights", "licence", "device", "precision"))


def test_strength_zero_gives_the_recording_back(client, noisy_speech, tmp_path):
    recording = save_audio(tmp_path / "talk.wav", noisy_speech, format="wav16")
    cleaned_path, _ = denoise(client, recording, strength=0)
    assert np.array_equal(load_audio(cleaned_path).samples, load_audio(recording).samples)


def test_tracks_films_and_the_band_above_can_be_chosen(client, tmp_path):
    film = two_track_film(tmp_path / "talk.mp4")
    cleaned, facts = denoise(client, film, output_format="film", band="speech")
    assert facts["tracks"] == len(load_tracks(cleaned)) == 2
    assert has_picture(cleaned)
    assert facts["band"] == "speech"
    cleaned, facts = denoise(client, film, track=2)
    assert facts["tracks"] == len(load_tracks(cleaned)) == 1
    assert facts["channels"] == 1
    assert "no track 3" in sentence_of(client, film, track=3)
    assert "full, speech" in sentence_of(client, film, band="wide")


@pytest.mark.parametrize(
    ("output_format", "suffix", "subtype"),
    [("wav16", ".wav", "PCM_16"), ("wav-float", ".wav", "FLOAT"), ("flac", ".flac", "PCM_16")],
)
def test_the_format_can_be_chosen(client, speech, tmp_path, output_format, suffix, subtype):
    second = speech.with_samples(speech.samples[:, :16_000])
    recording = save_audio(tmp_path / "talk.wav", second, format="wav16")
    cleaned_path, _ = denoise(client, recording, output_format=output_format)
    assert Path(cleaned_path).name == f"talk_denoised{suffix}"
    assert soundfile.info(cleaned_path).subtype == subtype


def test_the_documented_python_works(demo, example_pairs, tmp_path):
    noisy = load_audio(example_pairs[0][0])
    save_audio(tmp_path / "noisy.wav", noisy, format="wav16")
    program = documented("python").replace("http://127.0.0.1:7860", demo.address)
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=60)
    assert load_audio(tmp_path / "cleaned.wav").samples.shape == noisy.samples.shape


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_documented_curl_works(demo, example_pairs, tmp_path):
    noisy = load_audio(example_pairs[0][0])
    save_audio(tmp_path / "noisy.wav", noisy, format="wav16")
    script = documented("bash").replace("http://127.0.0.1:7860", demo.address)
    subprocess.run(["bash", "-ec", script], cwd=tmp_path, check=True, timeout=60)
    assert load_audio(tmp_path / "cleaned.wav").samples.shape == noisy.samples.shape


def test_several_visitors_at_once_all_get_their_own_sound(client, example_clips):
    from gradio_client import handle_file

    jobs = [client.submit(handle_file(clip), api_name="/denoise") for clip in example_clips[:4]]
    for clip, job in zip(example_clips, jobs, strict=False):
        cleaned_path, _ = job.result(timeout=60)
        assert load_audio(cleaned_path).samples.shape == load_audio(clip).samples.shape


# Bad input


def test_bad_files_get_one_sentence(client, tmp_path):
    bad = {
        "empty.wav": b"",
        "picture.wav": b"\x89PNG\r\n\x1a\n" + bytes(800),
        "bytes.mp3": bytes(range(256)) * 30,
    }
    for name, content in bad.items():
        path = tmp_path / name
        path.write_bytes(content)
        sentence = sentence_of(client, path)
        assert name in sentence
        assert "reference" not in sentence  # it is not a fault of the program
        assert str(tmp_path) not in sentence
    path = tmp_path / "nan.wav"
    samples = np.zeros(4000, np.float32)
    samples[17] = np.nan
    soundfile.write(path, samples, 16_000, "FLOAT")
    assert "NaN" in sentence_of(client, path)


def test_what_is_left_of_a_truncated_file_is_cleaned_and_the_rest_told(
    client, noisy_speech, tmp_path
):
    whole = save_audio(tmp_path / "whole.flac", noisy_speech, format="flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[: len(whole) // 2])
    cleaned, facts = denoise(client, tmp_path / "cut.flac")
    assert 0.3 < load_audio(cleaned).duration / noisy_speech.duration < 0.7
    assert "end is missing" in facts["notes"][0]


def test_too_long_a_sound_is_refused_with_the_limit(client, tmp_path):
    silence = Audio(np.zeros((1, int((MAX_SECONDS + 1) * 16_000)), np.float32), 16_000)
    path = save_audio(tmp_path / "long.wav", silence, format="wav16")
    assert f"{MAX_SECONDS:g} s" in sentence_of(client, path)


def test_settings_that_cannot_be_are_refused(client, example_clips):
    assert "from 0 to 1" in sentence_of(client, example_clips[0], strength=1.5)
    assert "mp5" in sentence_of(client, example_clips[0], output_format="mp5")


def test_weights_are_chosen_by_name_and_never_by_path(client, example_clips, tmp_path):
    secret = tmp_path / "secret.safetensors"
    secret.write_bytes(b"not for visitors")
    for wish in (str(secret), "../../etc/passwd", "no-such-weights"):
        sentence = sentence_of(client, example_clips[0], weights=wish)
        assert sentence.startswith("No weights are called")


def test_weights_that_are_not_here_are_said_without_a_path(client, demo, example_clips):
    missing = [entry.name for entry in demo.engine.weights() if not entry.present]
    for name in missing:
        sentence = sentence_of(client, example_clips[0], weights=name)
        assert name in sentence
        assert str(ROOT) not in sentence


def test_a_sentence_cannot_carry_markup(client, tmp_path):
    path = tmp_path / "x.wav"
    path.write_bytes(b"RIFF")
    sentence = sentence_of(client, path, weights="<img src=x onerror=alert(1)>")
    assert "<img" not in sentence


def test_an_unknown_fault_names_a_reference_and_is_logged(
    client, demo, example_clips, monkeypatch, caplog
):
    def broken(*_, **__):
        raise RuntimeError("the disk /secret/place is on fire")

    monkeypatch.setattr(demo.engine, "submit", broken)
    with caplog.at_level(logging.ERROR):
        sentence = sentence_of(client, example_clips[0])
    reference = re.search(r"reference ([0-9a-f]{6})", sentence)[1]
    assert "secret" not in sentence
    logged = next(record for record in caplog.records if reference in record.getMessage())
    assert "on fire" in str(logged.exc_info[1])


def test_what_is_left_out_at_the_end_has_its_default(demo, noisy_speech, tmp_path):
    short = noisy_speech.with_samples(noisy_speech.samples[:, :8_000])
    sound = _uploaded(demo, save_audio(tmp_path / "talk.wav", short, format="wav16"))
    answer = _call(demo, [sound, 0.5])
    assert "event: complete" in answer
    assert '"band": "full"' in answer


@pytest.mark.parametrize(
    ("endpoint", "given", "told"),
    [
        ("denoise", [], "No recording was sent"),
        ("denoise", ["talk.wav", [], {}], "does not fit"),
        ("batch", [], "No recording was sent"),
        ("batch", ["talk.wav"], "does not fit"),
        ("evaluate", [{"path": 7}], "does not fit"),
    ],
)
def test_values_that_do_not_fit_get_one_sentence(demo, capfd, caplog, endpoint, given, told):
    answer = _call(demo, given, endpoint)
    assert "event: error" in answer
    assert told in answer
    logged = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(logged) <= 1
    assert not any(record.exc_info for record in logged)
    assert "Traceback" not in capfd.readouterr().err


# Hostile visitors


@pytest.mark.parametrize(
    "path", ["/etc/passwd", str(ROOT / "app.py"), str(ROOT / "weights" / "frcrn-small.safetensors")]
)
def test_files_of_the_server_are_not_served(demo, path):
    for url in (f"/gradio_api/file={path}", f"/file={path}"):
        assert httpx.get(demo.address + url).status_code in (403, 404)


def test_files_of_the_server_are_not_read(demo):
    sound = {"path": str(ROOT / "README.md"), "meta": {"_type": "gradio.FileData"}}
    answer = _call(demo, [sound, 1.0, "auto", "same"])
    assert "event: error" in answer
    assert str(ROOT) not in answer.replace(sound["path"], "")


def test_only_the_documented_endpoints_are_open(demo, client):
    described = client.view_api(return_format="dict", print_info=False)
    assert set(described["named_endpoints"]) == {"/batch", "/denoise", "/evaluate"}
    for path in ("monitoring", "gradio_api/mcp/"):
        assert httpx.get(f"{demo.address}/{path}").status_code in (403, 404)


def test_uploads_have_a_limit(demo):
    limit = WebOptions(max_seconds=MAX_SECONDS).max_upload_bytes
    with httpx.Client(timeout=60) as visitor:
        files = {"files": ("huge.wav", bytes(limit + 1))}
        assert visitor.post(f"{demo.address}/gradio_api/upload", files=files).status_code == 413


def test_the_page_names_no_path_of_the_server(demo):
    config = httpx.get(f"{demo.address}/config").text
    page = httpx.get(demo.address).text
    for text in (config, page):
        assert str(ROOT) not in text
        assert str(Path.home()) + "/" not in text


def test_the_page_needs_nothing_from_other_hosts(demo):
    config = httpx.get(f"{demo.address}/config").json()
    assert config.get("stylesheets", []) == []
    theme = httpx.get(f"{demo.address}/theme.css").text
    assert not re.findall(r"@import|url\(['\"]?https?:", theme)


def _uploaded(demo, path: Path) -> dict:
    with path.open("rb") as file:
        sent = httpx.post(f"{demo.address}/gradio_api/upload", files={"files": (path.name, file)})
    return {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}


def _call(demo, arguments: list, endpoint: str = "denoise") -> str:
    """The whole answer of an endpoint, as curl shows it."""
    call = f"{demo.address}/gradio_api/call/{endpoint}"
    event = httpx.post(call, json={"data": arguments}).json()["event_id"]
    return httpx.get(f"{call}/{event}", timeout=60).text
